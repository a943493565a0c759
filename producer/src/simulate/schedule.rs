use super::failure::Failure;
use super::random::{Random, Stream};

const SECOND: f64 = 1_000.0;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: i64 = 3_600_000;
const DAY: f64 = 24.0 * HOUR as f64;
/// An event time that never comes.
const NEVER: i64 = i64::MAX;

/// What happens to machines by itself, the same for all of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Events {
    /// Probability that a failure begins, per machine and stream hour; 0 for none.
    pub failure_rate: f64,
    /// When machines are maintained.
    pub maintenance: MaintenancePlan,
}

/// When machines are maintained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaintenancePlan {
    /// Never.
    Never,
    /// The plant's own: 5 to 9 days after the last.
    Own,
    /// So many stream seconds after the end of the last.
    Every(f64),
}

/// One machine's failures and maintenance, as a function of event time.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    /// The present failure, or the last one, whose effects fade.
    failure: Option<Failure>,
    cleared: bool,
    /// A failure that begins later in this hour. Apart from `failure`, so that the last one fades until then.
    next: Option<Failure>,
    in_maintenance: bool,
    /// When the present maintenance ends or the next begins.
    turn: i64,
    /// Begin of the stream hour that is drawn next.
    next_hour: i64,
    /// Before this event time nothing happens.
    quiet_until: i64,
}

/// What changed between two samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Change {
    /// A maintenance ended: the machine is as new.
    pub restarted: bool,
}

/// What a schedule's random draws are keyed by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    pub seed: u64,
    pub machine_id: &'a str,
    pub start: i64,
}

impl Key<'_> {
    fn random(&self, stream: Stream, time: i64) -> Random {
        let hour = (time - self.start).div_euclid(HOUR).cast_unsigned();
        Random::new(self.seed, self.machine_id, stream, hour)
    }
}

impl Schedule {
    pub fn new(key: Key<'_>, events: &Events) -> Self {
        let turn = next_maintenance(key, events, key.start);
        Self {
            failure: None,
            cleared: false,
            next: None,
            in_maintenance: false,
            turn,
            next_hour: key.start,
            quiet_until: key.start,
        }
    }

    pub fn in_maintenance(&self) -> bool {
        self.in_maintenance
    }

    /// The failure in progress, if there is one.
    pub fn in_progress(&self) -> Option<&Failure> {
        self.failure.as_ref().filter(|_| !self.cleared)
    }

    /// The failure whose effects show: in progress, or fading after it was cleared.
    pub fn showing(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Forgets a cleared failure once its effects have faded.
    pub fn forget_faded(&mut self) {
        if self.cleared {
            self.failure = None;
            self.cleared = false;
        }
    }

    /// Lives through everything that happens up to `now`, in order of time, whatever the sampling interval.
    #[inline]
    pub fn advance(&mut self, now: i64, key: Key<'_>, events: &Events) -> Change {
        if now < self.quiet_until { Change::default() } else { self.live(now, key, events) }
    }

    fn live(&mut self, now: i64, key: Key<'_>, events: &Events) -> Change {
        let mut change = Change::default();
        loop {
            let onset = self.next.map_or(NEVER, |failure| failure.start);
            self.quiet_until = self.turn.min(self.next_hour).min(onset);
            if self.quiet_until > now {
                return change;
            }
            if onset == self.quiet_until {
                (self.failure, self.cleared) = (self.next.take(), false);
            } else if self.next_hour == self.quiet_until {
                self.draw_failure(key, events);
            } else if self.in_maintenance {
                self.in_maintenance = false;
                self.turn = next_maintenance(key, events, self.turn);
                change.restarted = true;
            } else {
                self.begin_maintenance(key);
            }
        }
    }

    fn draw_failure(&mut self, key: Key<'_>, events: &Events) {
        let hour = self.next_hour;
        self.next_hour += HOUR;
        let drawn = Failure::draw(&mut key.random(Stream::Failures, hour), events.failure_rate, hour);
        let busy = self.failure.is_some() && !self.cleared;
        let stopped_until = if self.in_maintenance { self.turn } else { i64::MIN };
        self.next = drawn.filter(|f| !busy && f.start >= stopped_until);
    }

    fn begin_maintenance(&mut self, key: Key<'_>) {
        let minutes = key.random(Stream::Maintenance, self.turn).uniform(15.0, 120.0);
        self.in_maintenance = true;
        self.turn += (minutes * MINUTE) as i64;
        self.cleared = self.failure.is_some();
        // It would begin on a stopped machine.
        self.next = self.next.filter(|failure| failure.start >= self.turn);
    }
}

fn next_maintenance(key: Key<'_>, events: &Events, last_end: i64) -> i64 {
    match events.maintenance {
        MaintenancePlan::Never => NEVER,
        MaintenancePlan::Every(seconds) => last_end + ((seconds * SECOND) as i64).max(1),
        MaintenancePlan::Own => {
            // The duration takes the stream's first number in the hour a maintenance begins; the
            // interval takes the second in the hour one ends, so the two never share a draw.
            let mut random = key.random(Stream::Maintenance, last_end);
            random.uniform(0.0, 1.0);
            last_end + random.uniform(5.0 * DAY, 9.0 * DAY) as i64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key<'_> = Key { seed: 9, machine_id: "MACHINE_001", start: 0 };

    /// (event time, maintenance?, failing?) whenever one of them changes, sampled every `step` ms.
    fn history(events: Events, step: i64, days: i64) -> Vec<(i64, bool, bool)> {
        let mut schedule = Schedule::new(KEY, &events);
        let mut seen = vec![(0, false, false)];
        for now in (0..days * DAY as i64).step_by(step as usize) {
            schedule.advance(now, KEY, &events);
            let state = (now, schedule.in_maintenance(), schedule.in_progress().is_some());
            if seen.last().is_none_or(|last| (last.1, last.2) != (state.1, state.2)) {
                seen.push(state);
            }
        }
        seen
    }

    #[test]
    fn the_plants_own_maintenance_comes_every_5_to_9_days_and_lasts_15_to_120_minutes() {
        let events = Events { failure_rate: 0.0, maintenance: MaintenancePlan::Own };
        let seen = history(events, 60_000, 100);
        let turns: Vec<i64> = seen.iter().map(|s| s.0).collect();
        assert!(turns.len() > 22, "{turns:?}");
        for pair in turns[1..].chunks_exact(2) {
            assert!((14..=121).contains(&((pair[1] - pair[0]) / 60_000)), "{pair:?}");
        }
        for pair in turns.chunks_exact(2) {
            assert!((4.99..9.01).contains(&((pair[1] - pair[0]) as f64 / DAY)), "{pair:?}");
        }
    }

    #[test]
    fn a_maintenance_interval_counts_from_the_end_of_the_last() {
        let events = Events { failure_rate: 0.0, maintenance: MaintenancePlan::Every(7200.0) };
        let seen = history(events, 1_000, 2);
        assert_eq!(seen[1].0, 7_200_000);
        for pair in seen[2..].windows(2).step_by(2) {
            assert!(((pair[1].0 - pair[0].0) - 7_200_000).abs() <= 1_000, "{pair:?}");
        }
    }

    #[test]
    fn a_failure_lasts_until_maintenance_and_never_begins_during_one() {
        let events = Events { failure_rate: 0.05, maintenance: MaintenancePlan::Own };
        let seen = history(events, 60_000, 400);
        assert!(seen.iter().filter(|s| s.2).count() > 30);
        for pair in seen.windows(2).filter(|pair| pair[0].2) {
            assert!(pair[1].1, "ended without maintenance: {pair:?}");
        }
        assert!(seen.iter().all(|s| !(s.1 && s.2)), "failing while maintained");
    }

    #[test]
    fn what_happens_does_not_depend_on_how_often_it_is_sampled() {
        let events = Events { failure_rate: 0.02, maintenance: MaintenancePlan::Own };
        let coarse = history(events, 3_600_000, 60);
        let fine = history(events, 60_000, 60);
        assert_eq!(coarse.iter().filter(|s| s.2).count(), fine.iter().filter(|s| s.2).count());
        for state in coarse.iter().filter(|s| s.2) {
            assert!(fine.iter().any(|f| f.2 && (0..3_600_000).contains(&(state.0 - f.0))));
        }
    }

    #[test]
    fn a_failure_that_is_still_to_come_leaves_the_one_that_fades_alone() {
        let events = Events { failure_rate: 1.0, maintenance: MaintenancePlan::Every(7200.0) };
        let mut schedule = Schedule::new(KEY, &events);
        let (mut showed, mut came_while_fading) = (false, 0);
        for now in (0..20 * DAY as i64).step_by(60_000) {
            schedule.advance(now, KEY, &events);
            assert!(schedule.showing().is_some() || !showed, "the fade is cut at {now}");
            showed |= schedule.showing().is_some();
            came_while_fading += u32::from(schedule.cleared && schedule.next.is_some());
        }
        assert!(came_while_fading > 100, "{came_while_fading}");
    }
}
