use std::time::{Duration, Instant};

use millrace_core::kafka::{Kafka, ProducerContext, Role, cause};
use millrace_core::{Error, Result};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::letter::Return;

/// How long one call waits for the coordinator; a call that was in vain is made again.
const CALL: Duration = Duration::from_secs(5);
/// After an outage the coordinator takes up to 40 s to let us begin.
const TAKING_OVER: Duration = Duration::from_secs(90);
/// How long a command that fails waits for its transaction to be aborted.
const FAREWELL: Duration = Duration::from_secs(2);
const REST: Duration = Duration::from_millis(1);
/// A batch that broke so often in a row breaks for a reason that stays.
const MOST_ATTEMPTS: usize = 20;

/// Sends letters and their entries in transactions, under an id that one process at a time can have.
pub(super) struct Sender {
    producer: BaseProducer<ProducerContext>,
    letters: String,
    entries: String,
}

/// What a failed call asks for.
enum Verdict {
    SameCallAgain,
    Abort,
    Leave(Error),
}

impl Sender {
    /// The only sender of these letters from now on; what another has left open is aborted.
    pub fn take_over(kafka: &Kafka, letters: &str, entries: &str) -> Result<Self> {
        let producer = kafka.transactional_producer(&format!("millrace-redrive-{letters}"))?;
        let sender = Self { producer, letters: letters.to_owned(), entries: entries.to_owned() };
        let began = Instant::now();
        loop {
            let Err(error) = sender.producer.init_transactions(CALL) else { return Ok(sender) };
            match sender.judge(&error) {
                Verdict::SameCallAgain if began.elapsed() < TAKING_OVER => sender.poll_and_rest(),
                Verdict::Leave(error) => return Err(error),
                _ => return Err(sender.lost(&error)),
            }
        }
    }

    /// Sends a batch in one transaction.
    pub fn commit(&self, batch: &[Return]) -> Result<()> {
        let committed = self.attempts(batch);
        if committed.is_err() {
            // Readers of the topic wait for the end of what is open; the error that counts is the first.
            let _ = self.while_polling(|| self.producer.abort_transaction(FAREWELL));
        }
        committed
    }

    /// A transaction that breaks is aborted and done again.
    fn attempts(&self, batch: &[Return]) -> Result<()> {
        for _ in 0..MOST_ATTEMPTS {
            self.producer.begin_transaction().map_err(|error| self.lost(&error))?;
            if self.pass_all(batch)? && self.try_commit()? {
                return Ok(());
            }
            self.abort()?;
        }
        Err(self.stuck("the transaction breaks again and again"))
    }

    /// Whether all went into the queue; if not, the transaction is broken.
    fn pass_all(&self, batch: &[Return]) -> Result<bool> {
        for letter in batch {
            let (key, entry) = (letter.entry_key(), letter.entry());
            let mut back =
                BaseRecord::<[u8], [u8], usize>::with_opaque_to(&letter.topic, Role::Beside as usize)
                    .partition(letter.target)
                    .headers(letter.headers.clone());
            (back.key, back.payload) = (letter.key.as_deref(), letter.payload.as_deref());
            back.timestamp = letter.timestamp;
            let mut note = BaseRecord::with_opaque_to(&self.entries, Role::Beside as usize);
            (note.key, note.payload) = (Some(key.as_bytes()), Some(entry.as_bytes()));
            if !self.pass(back)? || !self.pass(note)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn pass(&self, mut record: BaseRecord<'_, [u8], [u8], usize>) -> Result<bool> {
        let topic = record.topic;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(true),
                Err((KafkaError::MessageProduction(Code::QueueFull), back)) => record = back,
                Err((KafkaError::MessageProduction(Code::State | Code::Fenced | Code::Fatal), _)) => {
                    return Ok(false);
                }
                Err((error, _)) => return Err(refused(topic, &cause(&error))),
            }
            self.poll_and_rest();
        }
    }

    /// Whether the transaction is committed; if not, it is broken.
    fn try_commit(&self) -> Result<bool> {
        loop {
            let committed = self.producer.commit_transaction(CALL);
            self.check()?;
            let Err(error) = committed else { return Ok(true) };
            match self.judge(&error) {
                // A broken transaction sends nothing more, so waiting for its records takes for ever.
                Verdict::SameCallAgain if !self.is_broken() => self.poll_and_rest(),
                Verdict::SameCallAgain | Verdict::Abort => return Ok(false),
                Verdict::Leave(error) => return Err(error),
            }
        }
    }

    /// The library tells a transaction's state only by refusing: to begin another one in a sound transaction
    /// has no consequence, in a broken one it is refused with the demand to abort.
    fn is_broken(&self) -> bool {
        match self.producer.begin_transaction() {
            Err(KafkaError::Transaction(error)) => error.txn_requires_abort() || error.is_fatal(),
            _ => false,
        }
    }

    fn abort(&self) -> Result<()> {
        loop {
            // The library wants its reports collected while it aborts.
            let Err(error) = self.while_polling(|| self.producer.abort_transaction(CALL)) else {
                return Ok(());
            };
            match self.judge(&error) {
                Verdict::SameCallAgain | Verdict::Abort => self.poll_and_rest(),
                Verdict::Leave(error) => return Err(error),
            }
        }
    }

    fn while_polling(&self, call: impl FnOnce() -> KafkaResult<()> + Send) -> KafkaResult<()> {
        std::thread::scope(|scope| {
            let called = scope.spawn(call);
            while !called.is_finished() {
                self.poll_and_rest();
            }
            called.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn poll_and_rest(&self) {
        self.producer.poll(Duration::ZERO);
        std::thread::sleep(REST);
    }

    fn check(&self) -> Result<()> {
        match self.producer.context().deliveries().first_failure() {
            None => Ok(()),
            Some((topic, why)) => Err(refused(&topic, &why)),
        }
    }

    fn judge(&self, error: &KafkaError) -> Verdict {
        match error {
            KafkaError::Flush(_) => Verdict::SameCallAgain,
            KafkaError::Transaction(inner) if inner.is_fatal() => Verdict::Leave(self.lost(error)),
            KafkaError::Transaction(inner) if inner.code() == Code::TopicAuthorizationFailed => {
                Verdict::Leave(self.lost(error))
            }
            KafkaError::Transaction(inner) if inner.txn_requires_abort() => Verdict::Abort,
            KafkaError::Transaction(inner) if inner.is_retriable() => Verdict::SameCallAgain,
            _ => Verdict::Leave(self.lost(error)),
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

fn refused(topic: &str, why: &str) -> Error {
    Error::failed(format!("topic {topic} does not take a letter back: {why}"))
}
