use std::time::{Duration, Instant};

use millrace_core::kafka::{
    Kafka, ProducerContext, Verdict, cause, collect_and_rest, drained, while_collecting,
};
use millrace_core::{Error, Result};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseProducer, Producer};

use super::Point;
use crate::outbox::{Letter, refused};
use crate::source::Offsets;

/// How long one call waits for the coordinator; a call that was in vain is made again.
const CALL: Duration = Duration::from_secs(5);
/// How long the cluster may take to let us begin: after an outage the coordinator takes up to 40 s.
const BEGINNING: Duration = Duration::from_secs(120);
/// How often the transactional id is taken back within a time. Not again and again: two members that take it from
/// each other would do so for ever.
const MOST_REGAINS: usize = 3;
const LATELY: Duration = Duration::from_secs(30);

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it is there.
    Committed,
    /// Nothing of it is to be relied on, for this reason: what the group has committed tells.
    Aborted(String),
}

/// Puts records and offsets into transactions, one after the other.
pub(super) struct Transactor {
    kafka: Kafka,
    id: String,
    producer: BaseProducer<ProducerContext>,
    regained: Vec<Instant>,
}

/// Why a transaction does not go on.
enum Broken {
    Abort(KafkaError),
    Leave(KafkaError),
    Refused(Error),
}

impl From<KafkaError> for Broken {
    fn from(error: KafkaError) -> Self {
        match Verdict::of(&error) {
            Verdict::Abort => Self::Abort(error),
            _ => Self::Leave(error),
        }
    }
}

impl Transactor {
    /// Ends what another process has left open under this transactional id, and is the only one from then on.
    ///
    /// # Errors
    /// When the cluster has no transactions for us within a bounded time.
    pub fn begin(kafka: &Kafka, id: &str) -> Result<Self> {
        let producer = initialised(kafka, id)?;
        Ok(Self { kafka: kafka.clone(), id: id.to_owned(), producer, regained: Vec::new() })
    }

    /// Writes all of these in one transaction, or nothing. `at` is told of the points that are reached.
    ///
    /// # Errors
    /// When a record is refused for good, or another process uses the transactional id.
    pub fn commit(
        &mut self,
        letters: &[Letter],
        offsets: &Offsets,
        at: &mut dyn FnMut(Point),
    ) -> Result<Outcome> {
        let done = self.write(letters, offsets, at);
        let Err(broken) = done else { return Ok(Outcome::Committed) };
        match broken {
            Broken::Refused(error) => {
                // The program is on its way out with an error, and has no second one to tell.
                let _ = while_collecting(&self.producer, || self.producer.abort_transaction(CALL));
                Err(error)
            }
            Broken::Abort(error) => self.abort().map(|()| Outcome::Aborted(cause(&error))),
            Broken::Leave(error) => self.regain(&error).map(|()| Outcome::Aborted(cause(&error))),
        }
    }

    fn write(
        &self,
        letters: &[Letter],
        offsets: &Offsets,
        at: &mut dyn FnMut(Point),
    ) -> std::result::Result<(), Broken> {
        self.producer.begin_transaction()?;
        letters.iter().try_for_each(|letter| self.send(letter))?;
        self.drain()?;
        at(Point::AfterProduce);
        let Offsets { due, group } = offsets;
        self.until_done(|| self.producer.send_offsets_to_transaction(due, group, CALL))?;
        at(Point::BeforeCommit);
        self.until_done(|| self.producer.commit_transaction(CALL))
    }

    fn send(&self, letter: &Letter) -> std::result::Result<(), Broken> {
        loop {
            match self.producer.send(letter.record()) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::QueueFull), _)) => self.drain()?,
                Err((error @ KafkaError::MessageProduction(Code::State | Code::Fenced | Code::Fatal), _)) => {
                    return Err(Broken::Abort(error));
                }
                Err((error, _)) => return Err(Broken::Refused(refused(&letter.topic, &cause(&error)))),
            }
        }
    }

    fn drain(&self) -> std::result::Result<(), Broken> {
        let is_sound = drained(&self.producer);
        match self.producer.context().deliveries().first_failure() {
            Some((topic, why)) => Err(Broken::Refused(refused(&topic, &why))),
            None if is_sound => Ok(()),
            None => Err(Broken::Abort(KafkaError::MessageProduction(Code::State))),
        }
    }

    fn until_done(
        &self,
        call: impl Fn() -> rdkafka::error::KafkaResult<()>,
    ) -> std::result::Result<(), Broken> {
        loop {
            match call() {
                Ok(()) => return Ok(()),
                Err(error) if Verdict::of(&error) == Verdict::SameCallAgain => {
                    collect_and_rest(&self.producer);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn abort(&mut self) -> Result<()> {
        loop {
            let aborted = while_collecting(&self.producer, || self.producer.abort_transaction(CALL));
            match aborted {
                Ok(()) => return Ok(()),
                Err(error) if Verdict::of(&error) == Verdict::Leave => return self.regain(&error),
                Err(_) => collect_and_rest(&self.producer),
            }
        }
    }

    /// Kafka has ended a transaction that took too long, or given the id to another process.
    fn regain(&mut self, error: &KafkaError) -> Result<()> {
        self.regained.retain(|last| last.elapsed() < LATELY);
        self.regained.push(Instant::now());
        if self.regained.len() > MOST_REGAINS {
            return Err(Error::failed(format!(
                "transactions under the id {} cannot go on: {}; what was committed is safe: end the other member \
                 that uses it, or give this one another --transactional-id",
                self.id,
                cause(error)
            )));
        }
        self.producer = initialised(&self.kafka, &self.id)?;
        Ok(())
    }
}

fn initialised(kafka: &Kafka, id: &str) -> Result<BaseProducer<ProducerContext>> {
    let producer = kafka.brief_transactional_producer(id)?;
    let began = Instant::now();
    loop {
        let Err(error) = producer.init_transactions(CALL) else { return Ok(producer) };
        if Verdict::of(&error) != Verdict::SameCallAgain || began.elapsed() > BEGINNING {
            return Err(Error::failed(format!(
                "Kafka begins no transactions under the id {id}: {}",
                cause(&error)
            )));
        }
        collect_and_rest(&producer);
    }
}
