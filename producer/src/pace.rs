//! When ticks are due: stream time against the monotonic clock.

use std::time::{Duration, Instant};

use crate::settings::Speed;

/// Tells how many ticks are due.
pub struct Pace {
    began: Instant,
    /// The tick it began with.
    first: u64,
    /// Ticks per wall second; `None` = as fast as it goes.
    rate: Option<f64>,
}

impl Pace {
    /// A pace that begins now, with this tick.
    pub fn new(first: u64, samples_per_second: f64, speed: Speed) -> Self {
        let rate = match speed {
            Speed::Max => None,
            Speed::Factor(factor) => Some(samples_per_second * factor),
        };
        Self { began: Instant::now(), first, rate }
    }

    /// How many ticks are due after `done` ticks, at most `most`; 0 if the next is not due yet. After a
    /// delay more are due at once, so the stream catches up with its schedule.
    pub fn due(&self, done: u64, most: usize) -> usize {
        let Some(rate) = self.rate else { return most };
        // The first tick is due at once, the k-th after it after k intervals.
        let due = (self.began.elapsed().as_secs_f64() * rate) as u64;
        let due = due.saturating_add(1);
        usize::try_from(due.saturating_sub(done - self.first)).map_or(most, |due| due.min(most))
    }

    /// How long until the tick after `done` ticks is due.
    pub fn wait(&self, done: u64) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        let due = Duration::try_from_secs_f64((done - self.first) as f64 / rate).unwrap_or(Duration::MAX);
        due.saturating_sub(self.began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tick_is_due_at_once_and_the_next_after_an_interval() {
        let pace = Pace::new(5, 0.01, Speed::Factor(1.0));
        assert_eq!((pace.due(5, 10), pace.due(6, 10)), (1, 0));
        assert!((95.0..=100.0).contains(&pace.wait(6).as_secs_f64()));
    }

    #[test]
    fn after_a_delay_all_missed_ticks_are_due_up_to_the_bound() {
        let began = Instant::now().checked_sub(Duration::from_secs(100)).expect("an earlier moment");
        let pace = Pace { began, first: 0, rate: Some(1.0) };
        assert_eq!((pace.due(20, 1000), pace.due(20, 50)), (81, 50));
        assert_eq!(pace.wait(20), Duration::ZERO);
    }

    #[test]
    fn at_a_speed_beyond_all_counting_a_whole_batch_is_due() {
        let began = Instant::now().checked_sub(Duration::from_secs(1)).expect("an earlier moment");
        assert_eq!(Pace { began, first: 0, rate: Some(1e300) }.due(1000, 77), 77);
    }

    #[test]
    fn at_most_speed_a_whole_batch_is_always_due() {
        assert_eq!(Pace::new(0, 1.0, Speed::Max).due(1_000_000, 77), 77);
    }
}
