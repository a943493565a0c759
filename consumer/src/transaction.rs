//! Records in transactions, under an id that one process at a time can have.

use std::time::{Duration, Instant};

use millrace_core::kafka::{
    Kafka, ProducerContext, Verdict, cause, collect_and_rest, drained, while_collecting,
};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseProducer, Producer};

use crate::outbox::{Letter, refused};

/// How long one call waits for the coordinator; a call that was in vain is made again, unless the run is to end.
pub(crate) const CALL: Duration = Duration::from_secs(2);
/// How long the cluster may take to let us begin: after an outage the coordinator takes up to 40 s.
const BEGINNING: Duration = Duration::from_secs(120);

/// Why a transaction does not go on.
pub(crate) enum Broken {
    /// It must be aborted; another may be begun.
    Abort(KafkaError),
    /// The id is another's now, or Kafka has ended a transaction that took too long.
    Leave(KafkaError),
    /// A record is refused for good.
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

/// What sends them, one transaction after the other. Nothing is waited for any more once the end is overdue.
pub(crate) struct Transactions {
    producer: BaseProducer<ProducerContext>,
    shutdown: Shutdown,
    /// How long a call is made again and again.
    patience: Duration,
}

impl Transactions {
    /// Ends what another process has left open under this id, and is the only one from then on. `refuse` makes the
    /// sentence where the cluster does not let us begin within a bounded time.
    pub fn begin(
        kafka: &Kafka,
        id: &str,
        shutdown: &Shutdown,
        refuse: impl Fn(&KafkaError) -> Error,
    ) -> Result<Self> {
        let producer = kafka.brief_transactional_producer(id)?;
        let transactions = Self { producer, shutdown: shutdown.clone(), patience: Duration::MAX };
        let began = Instant::now();
        loop {
            let Err(error) = transactions.producer.init_transactions(CALL) else { return Ok(transactions) };
            if !transactions.may_pass(&error) || began.elapsed() > BEGINNING {
                return Err(refuse(&error));
            }
            collect_and_rest(&transactions.producer);
        }
    }

    /// The same, with calls that are given up after so long: the producer can do no more then.
    pub fn patient_for(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Whether the same call may succeed next time.
    fn may_pass(&self, error: &KafkaError) -> bool {
        Verdict::of(error) == Verdict::SameCallAgain && !self.shutdown.is_overdue()
    }

    /// Writes all of these in one transaction; `before_commit` is called when they have arrived.
    pub fn write<'a>(
        &self,
        letters: impl IntoIterator<Item = &'a Letter>,
        before_commit: impl FnOnce(&Self) -> std::result::Result<(), Broken>,
    ) -> std::result::Result<(), Broken> {
        self.producer.begin_transaction()?;
        letters.into_iter().try_for_each(|letter| self.send(letter))?;
        self.drain()?;
        before_commit(self)?;
        self.until_done(|producer| producer.commit_transaction(CALL))
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
        let is_sound = drained(&self.producer, || self.shutdown.is_overdue());
        match self.producer.context().deliveries().first_failure() {
            Some((topic, why)) => Err(Broken::Refused(refused(&topic, &why))),
            None if is_sound => Ok(()),
            None => Err(Broken::Abort(KafkaError::MessageProduction(Code::State))),
        }
    }

    /// Makes a call until it is done, or the transaction is broken.
    pub fn until_done(
        &self,
        call: impl Fn(&BaseProducer<ProducerContext>) -> KafkaResult<()>,
    ) -> std::result::Result<(), Broken> {
        let began = Instant::now();
        loop {
            match call(&self.producer) {
                Ok(()) => return Ok(()),
                Err(error) if self.may_pass(&error) && began.elapsed() < self.patience => {
                    collect_and_rest(&self.producer)
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Aborts the broken transaction; an error says that the producer can do no more, or was given up.
    pub fn abort(&self) -> KafkaResult<()> {
        let began = Instant::now();
        let is_patient = || began.elapsed() < self.patience && !self.shutdown.is_overdue();
        loop {
            match while_collecting(&self.producer, || self.producer.abort_transaction(CALL)) {
                Err(error) if Verdict::of(&error) != Verdict::Leave && is_patient() => {
                    collect_and_rest(&self.producer);
                }
                ended => return ended,
            }
        }
    }

    /// Aborts what is open, so that nobody waits for its end; the program is on its way out with an error, and has
    /// no second one to tell.
    pub fn abandon(&self) {
        let _ = while_collecting(&self.producer, || self.producer.abort_transaction(CALL));
    }
}
