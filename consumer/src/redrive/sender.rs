use std::time::{Duration, Instant};

use millrace_core::kafka::{
    Kafka, ProducerContext, Verdict, cause, collect_and_rest, drained, while_collecting,
};
use millrace_core::{Error, Result};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseProducer, Producer};

use super::letter::Return;
use crate::outbox::{Letter, refused};

/// How long one call waits for the coordinator; a call that was in vain is made again.
const CALL: Duration = Duration::from_secs(5);
/// After an outage the coordinator takes up to 40 s to let us begin.
const TAKING_OVER: Duration = Duration::from_secs(90);
/// A batch that broke so often in a row breaks for a reason that stays.
const MOST_ATTEMPTS: usize = 20;

/// Sends letters and their entries in transactions, under an id that one process at a time can have.
pub(super) struct Sender {
    producer: BaseProducer<ProducerContext>,
    letters: String,
    entries: String,
}

impl Sender {
    /// The only sender of these letters from now on; what another has left open is aborted.
    pub fn take_over(kafka: &Kafka, letters: &str, entries: &str) -> Result<Self> {
        let producer = kafka.brief_transactional_producer(&format!("millrace-redrive-{letters}"))?;
        let sender = Self { producer, letters: letters.to_owned(), entries: entries.to_owned() };
        let began = Instant::now();
        loop {
            let Err(error) = sender.producer.init_transactions(CALL) else { return Ok(sender) };
            if Verdict::of(&error) != Verdict::SameCallAgain || began.elapsed() > TAKING_OVER {
                return Err(sender.lost(&error));
            }
            collect_and_rest(&sender.producer);
        }
    }

    /// Sends a batch in one transaction.
    pub fn commit(&self, batch: &[Return]) -> Result<()> {
        let committed = self.attempts(batch);
        if committed.is_err() {
            // Readers of the topic wait for the end of what is open; the error that counts is the first.
            let _ = while_collecting(&self.producer, || self.producer.abort_transaction(CALL));
        }
        committed
    }

    /// A transaction that breaks is aborted and done again.
    fn attempts(&self, batch: &[Return]) -> Result<()> {
        for _ in 0..MOST_ATTEMPTS {
            self.producer.begin_transaction().map_err(|error| self.lost(&error))?;
            if self.pass_all(batch)? && self.drain()? && self.try_commit()? {
                return Ok(());
            }
            self.abort()?;
        }
        Err(self.stuck("the transaction breaks again and again"))
    }

    /// Whether all went into the queue; if not, the transaction is broken.
    fn pass_all(&self, batch: &[Return]) -> Result<bool> {
        for letter in batch {
            if !self.pass(&letter.record)? || !self.pass(&letter.entry(&self.entries))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn pass(&self, record: &Letter) -> Result<bool> {
        loop {
            match self.producer.send(record.record()) {
                Ok(()) => return Ok(true),
                Err((KafkaError::MessageProduction(Code::QueueFull), _)) if self.drain()? => {}
                Err((
                    KafkaError::MessageProduction(Code::QueueFull | Code::State | Code::Fenced | Code::Fatal),
                    _,
                )) => return Ok(false),
                Err((error, _)) => return Err(refused(&record.topic, &cause(&error))),
            }
        }
    }

    /// Whether all that was sent is acknowledged; if not, the transaction is broken.
    fn drain(&self) -> Result<bool> {
        let is_sound = drained(&self.producer);
        match self.producer.context().deliveries().first_failure() {
            None => Ok(is_sound),
            Some((topic, why)) => Err(refused(&topic, &why)),
        }
    }

    /// Whether the transaction is committed; if not, it is broken.
    fn try_commit(&self) -> Result<bool> {
        loop {
            let Err(error) = self.producer.commit_transaction(CALL) else { return Ok(true) };
            match Verdict::of(&error) {
                Verdict::SameCallAgain => collect_and_rest(&self.producer),
                Verdict::Abort => return Ok(false),
                Verdict::Leave => return Err(self.lost(&error)),
            }
        }
    }

    fn abort(&self) -> Result<()> {
        loop {
            let aborted = while_collecting(&self.producer, || self.producer.abort_transaction(CALL));
            match aborted {
                Ok(()) => return Ok(()),
                Err(error) if Verdict::of(&error) == Verdict::Leave => return Err(self.lost(&error)),
                Err(_) => collect_and_rest(&self.producer),
            }
        }
    }

    #[cold]
    fn lost(&self, error: &KafkaError) -> Error {
        match error.rdkafka_error_code() {
            Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => {
                let letters = &self.letters;
                Error::failed(format!(
                    "another `consumer redrive` puts the letters of {letters} back now; what this one put back stays so"
                ))
            }
            _ => self.stuck(&cause(error)),
        }
    }

    fn stuck(&self, why: &str) -> Error {
        let letters = &self.letters;
        Error::failed(format!(
            "the letters of {letters} cannot be put back: {why}; what was put back stays so, and the same command goes on from there"
        ))
    }
}
