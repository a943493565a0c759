//! What a run does wrong on purpose, so that its guarantee and its group can be seen at work.

mod crash;
mod poison;

use std::str::FromStr;
use std::time::Duration;

use millrace_schemas::SensorReading;

pub use crash::{Crash, Point};
pub use poison::Poison;

use crate::source::{Cause, Reject};
use crate::window::Span;
use crash::Fuse;

/// What is to go wrong; by default nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Misdeeds {
    /// The end, as SIGKILL would bring it.
    pub crash: Option<Crash>,
    /// Time that each record takes, while the member goes on asking for records.
    pub delay: Option<Duration>,
    /// A record at which the member asks for none.
    pub hang: Option<Hang>,
    /// Readings that fail.
    pub poison: Option<Poison>,
}

/// So long nothing is done at the record of this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hang {
    /// How long.
    pub time: Duration,
    /// Counted from 1.
    pub record: u64,
}

impl FromStr for Hang {
    type Err = String;

    /// Understands `10m:1000`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (time, record) = text.split_once(':').unwrap_or((text, ""));
        let record = nth(record).ok_or_else(|| format!("`{text}` is no time and record such as 10m:1000"))?;
        Ok(Self { time: time_of(time)?, record })
    }
}

/// A time such as `50ms`.
///
/// # Errors
/// One clause for people.
pub fn time_of(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(Span::Time(time)) => Ok(Duration::from_millis(time.unsigned_abs())),
        _ => Err(format!("`{text}` is no time such as 50ms, 5s or 10m, up to 7d")),
    }
}

/// A number that counts from 1.
fn nth(text: &str) -> Option<u64> {
    text.parse().ok().filter(|n| *n > 0)
}

/// Misdeeds, and how far they are.
#[derive(Debug)]
pub struct Mischief {
    misdeeds: Misdeeds,
    fuse: Option<Fuse>,
}

impl Mischief {
    /// With nothing done yet.
    pub fn new(misdeeds: &Misdeeds) -> Self {
        Self { fuse: misdeeds.crash.map(Fuse::new), misdeeds: misdeeds.clone() }
    }

    /// Records that may be taken before the group hears of the member again.
    pub fn most_at_once(&self) -> usize {
        if self.misdeeds.delay.is_some() { 1 } else { usize::MAX }
    }

    /// Says that the run is at a point, with so many records behind it, and crashes if that is asked for. A
    /// point counts once for the same records.
    pub fn reach(&mut self, point: Point, records: u64) {
        if self.fuse.as_mut().is_some_and(|fuse| fuse.burns_down(point, records)) {
            crash::end_as_sigkill_would(point);
        }
    }

    /// How long each record is to take.
    pub fn delay(&self) -> Option<Duration> {
        self.misdeeds.delay
    }

    /// Does nothing for a while, if this is the record for it. The group hears nothing of the member meanwhile.
    pub fn hang(&self, record: u64) {
        let Some(hang) = self.misdeeds.hang.filter(|hang| hang.record == record) else { return };
        let seconds = hang.time.as_secs_f64();
        eprintln!("hanging for {seconds} s at record {record}, as --hang says");
        std::thread::sleep(hang.time);
    }

    /// Refuses a reading that is poison.
    ///
    /// # Errors
    /// When it is.
    pub fn taste(&self, reading: &SensorReading<'_>) -> Result<(), Reject> {
        match &self.misdeeds.poison {
            Some(poison) if poison.is_in(reading) => {
                Err(Reject { cause: Cause::Poison, why: format!("{poison} is poison, as --poison says") })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hang_is_a_time_and_a_record() {
        let hang = Hang { time: Duration::from_secs(600), record: 5 };
        assert_eq!("10m:5".parse(), Ok(hang));
        for wrong in ["10m", "10m:0", ":5", "10:5", "60r:5", "10m:x", ""] {
            assert!(wrong.parse::<Hang>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_poisoned_readings_are_refused() {
        let poison = Some("sequence=1000".parse().expect("a poison"));
        let mischief = Mischief::new(&Misdeeds { poison, ..Misdeeds::default() });
        let reading = |sequence| SensorReading { sequence, ..SensorReading::default() };
        assert_eq!(mischief.taste(&reading(999)), Ok(()));
        let reject = mischief.taste(&reading(1000)).expect_err("poison");
        assert_eq!(
            (reject.cause, reject.why.as_str()),
            (Cause::Poison, "sequence=1000 is poison, as --poison says")
        );
    }
}
