use crate::settings::Settings;
use crate::simulate::Clock;

/// Which event time the ticks of a run have, and when it ends, while its rate may change.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    /// The clock since the rate was set last, and the tick at which that was.
    clock: Clock,
    since: u64,
    /// Event time of the run's end, in milliseconds.
    end: Option<f64>,
    last: u64,
}

impl Timeline {
    /// The timeline of a run whose rate was never set.
    pub fn new(settings: &Settings) -> Self {
        let Settings { clock, duration, ticks, .. } = *settings;
        let end = duration.map(|seconds| clock.start as f64 + seconds * 1000.0);
        Self { clock, since: 0, end, last: ticks.unwrap_or(u64::MAX) }
    }

    /// Event time of a tick, one since the rate was set last, in milliseconds.
    pub fn timestamp(&self, tick: u64) -> i64 {
        self.clock.timestamp(tick.saturating_sub(self.since))
    }

    /// Samples at this rate from a tick on, which keeps its event time.
    pub fn set_rate(&mut self, tick: u64, rate: f64) {
        self.clock = Clock { start: self.timestamp(tick), rate };
        self.since = tick;
        if let Some(end) = self.end {
            self.last = tick.saturating_add(self.clock.ticks((end - self.clock.start as f64) / 1000.0));
        }
    }

    /// Samples per stream second and machine.
    pub fn rate(&self) -> f64 {
        self.clock.rate
    }

    /// How many ticks the run has.
    pub fn end(&self) -> u64 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_changes_keeps_the_time_of_its_tick_and_the_end_of_the_run() {
        let clock = Clock { start: 0, rate: 1.0 };
        let mut timeline = Timeline { clock, since: 0, end: Some(100_000.0), last: 100 };
        timeline.set_rate(50, 10.0);
        assert_eq!([50, 51, 60].map(|tick| timeline.timestamp(tick)), [50_000, 50_100, 51_000]);
        assert_eq!(timeline.end(), 50 + 500);
        timeline.set_rate(60, 0.5);
        assert_eq!((timeline.timestamp(61), timeline.end()), (53_000, 60 + 25));
    }
}
