use std::time::{Duration, Instant};

use millrace_core::kafka::{Kafka, cause};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use rdkafka::error::KafkaError;
use rdkafka::producer::Producer;

use super::Point;
use crate::outbox::Letter;
use crate::source::Offsets;
use crate::transaction::{Broken, CALL, Transactions};

/// How often the transactional id is taken back within a time. Not again and again: two members that take it from
/// each other would do so for ever.
const MOST_REGAINS: usize = 3;
const LATELY: Duration = Duration::from_secs(30);
/// How long a call is made in vain before another client takes over: one whose only broker was away may have lost it
/// for good (librdkafka issue 5301).
const STUCK: Duration = Duration::from_secs(30);

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
    shutdown: Shutdown,
    transactions: Transactions,
    regained: Vec<Instant>,
}

impl Transactor {
    /// Ends what another process has left open under this transactional id, and is the only one from then on.
    ///
    /// # Errors
    /// When the cluster has no transactions for us within a bounded time.
    pub fn begin(kafka: &Kafka, id: &str, shutdown: &Shutdown) -> Result<Self> {
        let transactions = begin(kafka, id, shutdown)?;
        let (kafka, shutdown) = (kafka.clone(), shutdown.clone());
        Ok(Self { kafka, id: id.to_owned(), shutdown, transactions, regained: Vec::new() })
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
        let Offsets { due, group } = offsets;
        let done = self.transactions.write(letters, |transactions| {
            at(Point::AfterProduce);
            transactions.until_done(|producer| producer.send_offsets_to_transaction(due, group, CALL))?;
            at(Point::BeforeCommit);
            Ok(())
        });
        let error = match done {
            Ok(()) => return Ok(Outcome::Committed),
            Err(Broken::Refused(error)) => {
                self.transactions.abandon();
                return Err(error);
            }
            Err(Broken::Abort(error)) => {
                self.transactions.abort().or_else(|fatal| self.regain(&fatal))?;
                error
            }
            Err(Broken::Leave(error)) => {
                self.regain(&error)?;
                error
            }
        };
        Ok(Outcome::Aborted(cause(&error)))
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
        // An outage may be longer than a client waits for its beginning; then the next one tries. Where the cluster
        // answers and lets two in a row not begin, it is no outage.
        let mut in_vain = 0;
        loop {
            match begin(&self.kafka, &self.id, &self.shutdown) {
                Ok(transactions) => {
                    self.transactions = transactions;
                    return Ok(());
                }
                Err(error) if self.shutdown.is_overdue() => return Err(error),
                Err(_) if self.kafka.check().is_err() => in_vain = 0,
                Err(error) if in_vain > 0 => return Err(error),
                Err(_) => in_vain += 1,
            }
        }
    }
}

fn begin(kafka: &Kafka, id: &str, shutdown: &Shutdown) -> Result<Transactions> {
    let transactions = Transactions::begin(kafka, id, shutdown, |error| {
        Error::failed(format!("Kafka begins no transactions under the id {id}: {}", cause(error)))
    });
    Ok(transactions?.patient_for(STUCK))
}
