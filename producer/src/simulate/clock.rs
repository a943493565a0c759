/// The simulated clock: which event time a machine's n-th sample has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// Event time of sample 0, milliseconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// Samples per stream second and machine.
    pub rate: f64,
}

impl Clock {
    /// Event time of a tick, milliseconds since 1970-01-01T00:00:00Z. Rounded to the millisecond
    /// from the start each time, so rounding never adds up.
    pub fn timestamp(&self, tick: u64) -> i64 {
        self.start.saturating_add((tick as f64 * 1000.0 / self.rate).round() as i64)
    }

    /// How many ticks a stream of `seconds` has: those with an event time below start + seconds.
    pub fn ticks(&self, seconds: f64) -> u64 {
        // The allowance keeps 0.1 s at 10 Hz at one tick, although 0.1 * 10 is not exactly 1.
        (seconds * self.rate - 1e-9).ceil().max(0.0) as u64
    }

    /// Whether every timestamp falls on a whole second.
    pub fn is_whole_seconds(&self) -> bool {
        self.start % 1000 == 0 && (1.0 / self.rate).fract() == 0.0
    }

    /// Time between two samples, minutes.
    pub fn step_minutes(&self) -> f64 {
        1.0 / (60.0 * self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_spaced_by_the_rate_without_drift() {
        let clock = Clock { start: 5, rate: 3.0 };
        assert_eq!([0, 1, 2, 3].map(|k| clock.timestamp(k)), [5, 338, 672, 1005]);
        assert_eq!(clock.timestamp(3_000_000), 5 + 1_000_000_000);
    }

    #[test]
    fn a_duration_ends_before_its_last_moment() {
        let clock = |rate| Clock { start: 0, rate };
        assert_eq!(clock(1.0).ticks(60.0), 60);
        assert_eq!(clock(10.0).ticks(0.1), 1);
        assert_eq!(clock(3.0).ticks(1.0), 3);
        assert_eq!(clock(1.0 / 60.0).ticks(61.0), 2);
        assert_eq!(clock(1.0).ticks(0.0), 0);
    }

    #[test]
    fn only_whole_seconds_go_without_milliseconds() {
        assert!(Clock { start: 2000, rate: 1.0 }.is_whole_seconds());
        assert!(Clock { start: 2000, rate: 0.5 }.is_whole_seconds());
        assert!(!Clock { start: 2500, rate: 1.0 }.is_whole_seconds());
        assert!(!Clock { start: 2000, rate: 2.0 }.is_whole_seconds());
    }
}
