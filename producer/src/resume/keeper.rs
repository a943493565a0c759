use std::rc::Rc;
use std::time::{Duration, Instant};

use millrace_core::Result;

use super::record::{RunRecord, State, time};
use crate::batch::Batch;
use crate::sink::Client;

/// How often progress is written where no transaction carries it.
const BETWEEN_NOTES: Duration = Duration::from_secs(5);

/// Keeps a run's progress in `producer-runs`, and ends its transactions, each of which carries it.
pub struct Keeper {
    client: Rc<Client>,
    run: RunRecord,
    noted: Instant,
}

impl Keeper {
    /// Notes that a run begins, or goes on, before its first record is sent.
    ///
    /// # Errors
    /// When the cluster refuses the note.
    pub fn begin(client: Rc<Client>, run: RunRecord) -> Result<Self> {
        let mut keeper = Self { client, run, noted: Instant::now() };
        keeper.note(State::Running)?;
        keeper.client.drain()?;
        Ok(keeper)
    }

    /// Before a batch is sent: all that belongs to the batches before it has been.
    ///
    /// # Errors
    /// When a transaction cannot be committed.
    pub fn before(&mut self, batch: &Batch) -> Result<()> {
        self.settle(batch.records())?;
        self.run.progress.ticks += batch.ticks() as u64;
        self.run.progress.records += batch.records();
        if let Some(last) = batch.last_timestamp() {
            self.run.progress.time = time(last);
        }
        Ok(())
    }

    /// While there is nothing to send.
    ///
    /// # Errors
    /// As [`before`](Self::before).
    pub fn idle(&mut self) -> Result<()> {
        self.settle(0)
    }

    /// Notes the end and waits until everything is safe.
    ///
    /// # Errors
    /// When a record was refused, or a transaction cannot be committed.
    pub fn end(&mut self, is_complete: bool) -> Result<()> {
        if !self.client.in_transactions() {
            // The end is noted when it is true.
            self.client.drain()?;
        }
        self.note(if is_complete { State::Complete } else { State::Stopped })?;
        self.client.drain()
    }

    fn settle(&mut self, more: u64) -> Result<()> {
        if self.client.in_transactions() {
            if self.client.is_commit_due(more) {
                self.note(State::Running)?;
            }
        } else if self.noted.elapsed() >= BETWEEN_NOTES {
            self.note(State::Running)?;
        }
        Ok(())
    }

    fn note(&mut self, state: State) -> Result<()> {
        self.noted = Instant::now();
        let value = self.run.next_note(state)?;
        self.client.note(&self.run.run, &value)
    }
}
