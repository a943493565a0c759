use std::path::PathBuf;
use std::time::Duration;

use millrace_core::Result;

use super::Options;
use super::resolve::Check;

/// Longer, and an outage of a minute, Kafka's own limit for a transaction, would break one.
const INTERVALS: std::ops::RangeInclusive<f64> = 0.01..=30.0;

/// How a run is found again after its process has gone.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// Its name in `producer-runs`.
    pub run_id: String,
    /// Go on where it ended.
    pub resume: bool,
    /// Whether the seed was said rather than drawn.
    pub seed_is_said: bool,
    /// Whether the start was said rather than taken from the clock.
    pub start_is_said: bool,
    /// The scenario, whose stream times count from the start that the run turns out to have.
    pub scenario: Option<PathBuf>,
    /// Send in transactions.
    pub exactly_once: Option<ExactlyOnce>,
}

/// Transactions as they were asked for.
#[derive(Debug, Clone)]
pub struct ExactlyOnce {
    /// The id that Kafka lets one producer at a time use.
    pub transactional_id: String,
    /// The longest time between two commits.
    pub interval: Duration,
}

impl Check<'_> {
    pub(super) fn recovery(&self, said: &Options, topic: &str) -> Result<Recovery> {
        let share = self.share(said, usize::MAX)?;
        let slot = format!("{topic}-{}of{}", share.number, share.of);
        let interval = said.transaction_interval.unwrap_or(1.0);
        let interval = self.within(
            "transaction_interval",
            interval,
            *INTERVALS.start(),
            *INTERVALS.end(),
            "from 0.01 to 30 seconds",
        )?;
        let run_id = said.run_id.as_ref().map(|id| self.id("run_id", id)).transpose()?.unwrap_or(slot);
        let transactional_id = match &said.transactional_id {
            Some(id) => self.id("transactional_id", id)?,
            None => format!("millrace-{run_id}"),
        };
        let interval = Duration::from_secs_f64(interval);
        let exactly_once = said.exactly_once.unwrap_or(false);
        Ok(Recovery {
            run_id,
            resume: said.resume.unwrap_or(false),
            seed_is_said: said.seed.is_some(),
            start_is_said: said.start.is_some(),
            scenario: said.scenario.as_ref().map(PathBuf::from),
            exactly_once: exactly_once.then_some(ExactlyOnce { transactional_id, interval }),
        })
    }

    fn id(&self, key: &str, id: &str) -> Result<String> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if (1..=249).contains(&id.len()) && id.bytes().all(allowed) {
            return Ok(id.to_owned());
        }
        self.refuse(key, format!("id `{id}` must be 1 to 249 letters, digits, `_`, `.` or `-`"))
    }
}
