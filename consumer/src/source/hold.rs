//! Waiting as a living member: it goes on asking, with its partitions paused.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use millrace_core::{Error, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;

use super::{BETWEEN_LOOKS, Look, Member, Source, WHILE_HELD, Waiting, failed};

/// How long may be waited for something without telling the group.
const UNNOTICED: Duration = Duration::from_millis(500);

/// What a member does while it waits.
pub trait Meanwhile {
    /// Called now and then.
    fn beat(&self);

    /// Whether the run has to end, and nothing more is to be waited for.
    fn is_overdue(&self) -> bool;
}

impl Source {
    /// Waits until `done`, and stays a member however long that takes. `why` is told when it takes long.
    ///
    /// # Errors
    /// When the member cannot go on, or the wait is given up because the run is to end.
    pub fn hold<'a>(
        &'a self,
        waiting: &mut Waiting<'a>,
        why: &str,
        meanwhile: &dyn Meanwhile,
        done: &dyn Fn() -> bool,
    ) -> Result<Look> {
        let began = Instant::now();
        let unnoticed = UNNOTICED.min(self.max_poll / 4);
        while began.elapsed() < unnoticed {
            if done() {
                return Ok(Look::default());
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
        if self.verbose {
            eprintln!("{why}; partitions are paused meanwhile");
        }
        let mut look = Look::default();
        while !done() {
            if meanwhile.is_overdue() {
                return Err(self.given_up(why));
            }
            meanwhile.beat();
            self.switch(false)?;
            match self.consumer.poll(WHILE_HELD) {
                Some(Ok(record)) => look.record(waiting, record),
                Some(Err(KafkaError::PartitionEOF(partition))) => look.ends.push(partition),
                Some(Err(error)) => self.judge(&error)?,
                None => {}
            }
            look.changes.extend(self.consumer.context().take_changes());
        }
        self.look_for_topic(&look.changes);
        self.switch(true)?;
        self.sift(waiting, &mut look);
        Ok(look)
    }

    /// Does something that may take long on a thread of its own, and stays a member meanwhile, as in
    /// [`hold`](Self::hold).
    ///
    /// # Errors
    /// When the member cannot go on, and what the work gives.
    pub fn beside<'a, T: Send>(
        &'a self,
        waiting: &mut Waiting<'a>,
        why: &str,
        meanwhile: &dyn Meanwhile,
        work: impl FnOnce() -> Result<T> + Send,
    ) -> Result<(Look, T)> {
        std::thread::scope(|scope| {
            let working = scope.spawn(work);
            let look = self.hold(waiting, why, meanwhile, &|| working.is_finished())?;
            let done = working.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok((look, done))
        })
    }

    /// A call of the client that may block for long, on a thread that is left alone if the run has to end.
    pub(super) fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&BaseConsumer<Member>) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let consumer = Arc::clone(&self.consumer);
        std::thread::spawn(move || call(&consumer))
    }

    #[cold]
    fn given_up(&self, why: &str) -> Error {
        self.abandon();
        let left = match self.ledger.uncommitted() {
            // They are no longer ours, or there are none.
            0 => format!("what of {} is not committed is", self.topic),
            count => format!("{count} records of {} are not committed, and are", self.topic),
        };
        Error::failed(format!(
            "the end was asked for, and {why}: it is not waited for any longer; {left} read again by the next member of \
             group {}",
            self.group
        ))
    }

    /// Leaves the client as it is: to end it in order would mean to wait for brokers. The process is about to end.
    pub(super) fn abandon(&self) {
        std::mem::forget(Arc::clone(&self.consumer));
    }

    /// Pauses all partitions, or resumes those that are read.
    fn switch(&self, on: bool) -> Result<()> {
        let own = self.consumer.assignment().map_err(|e| failed(&self.topic, &e))?;
        let switched = if on { self.consumer.resume(&self.read(&own)) } else { self.consumer.pause(&own) };
        switched.map_err(|e| failed(&self.topic, &e))
    }
}
