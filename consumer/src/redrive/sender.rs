use millrace_core::kafka::{Kafka, cause};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::letter::Return;
use crate::transaction::{Broken, Transactions};

/// A batch that broke so often in a row breaks for a reason that stays.
const MOST_ATTEMPTS: usize = 20;

/// Sends letters and their entries in transactions, under an id that one process at a time can have.
pub(super) struct Sender {
    transactions: Transactions,
    letters: String,
    entries: String,
}

impl Sender {
    /// The only sender of these letters from now on; what another has left open is aborted.
    pub fn take_over(kafka: &Kafka, letters: &str, entries: &str, shutdown: &Shutdown) -> Result<Self> {
        let id = format!("millrace-redrive-{letters}");
        let transactions = Transactions::begin(kafka, &id, shutdown, |error| lost(letters, error))?;
        Ok(Self { transactions, letters: letters.to_owned(), entries: entries.to_owned() })
    }

    /// Sends a batch in one transaction. One that breaks is aborted and done again.
    pub fn commit(&self, batch: &[Return]) -> Result<()> {
        let entries: Vec<_> = batch.iter().map(|letter| letter.entry(&self.entries)).collect();
        for _ in 0..MOST_ATTEMPTS {
            let all = batch.iter().map(|letter| &letter.record).chain(&entries);
            match self.transactions.write(all, |_| Ok(())) {
                Ok(()) => return Ok(()),
                Err(Broken::Abort(_)) => {
                    self.transactions.abort().map_err(|error| lost(&self.letters, &error))?;
                }
                Err(Broken::Leave(error)) => {
                    self.transactions.abandon();
                    return Err(lost(&self.letters, &error));
                }
                Err(Broken::Refused(error)) => {
                    self.transactions.abandon();
                    return Err(error);
                }
            }
        }
        Err(stuck(&self.letters, "the transaction breaks again and again"))
    }
}

#[cold]
fn lost(letters: &str, error: &KafkaError) -> Error {
    match error.rdkafka_error_code() {
        Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => Error::failed(format!(
            "another `consumer redrive` puts the letters of {letters} back now; what this one put back stays so"
        )),
        _ => stuck(letters, &cause(error)),
    }
}

fn stuck(letters: &str, why: &str) -> Error {
    Error::failed(format!(
        "the letters of {letters} cannot be put back: {why}; what was put back stays so, and the same command goes on from there"
    ))
}
