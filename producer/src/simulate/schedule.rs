use std::collections::VecDeque;

use super::act::{Act, Cause, Deed};
use super::diary::{Diary, Episode, EpisodeKind};
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
    /// What is only there where somebody intervenes or asks; boxed, so that a fleet stays small.
    extra: Option<Box<Extra>>,
}

#[derive(Debug, Clone, Default)]
struct Extra {
    /// What is to be done, by its time; what is said first is done first.
    acts: VecDeque<Act>,
    diary: Option<Diary>,
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
            extra: None,
        }
    }

    /// Takes note of something to be done at its time, or at once if that has passed.
    pub fn act(&mut self, act: Act) {
        let acts = &mut self.extra.get_or_insert_default().acts;
        acts.insert(acts.partition_point(|earlier| earlier.at <= act.at), act);
        self.quiet_until = self.quiet_until.min(act.at);
    }

    /// Writes a diary from now on.
    pub fn keep_diary(&mut self) {
        self.extra.get_or_insert_default().diary.get_or_insert_default();
    }

    /// The episodes that ended since the last call, in the order of their ends; none without a diary.
    pub fn take_ended(&mut self) -> Vec<Episode> {
        self.diary().map(Diary::take_ended).unwrap_or_default()
    }

    /// The episodes that go on.
    pub fn open_episodes(&self, now: i64) -> impl Iterator<Item = Episode> {
        let failure = self.in_progress().filter(|failure| failure.start <= now).map(|failure| Episode {
            kind: EpisodeKind::Failure(failure.kind),
            start: failure.start,
            end: None,
            cause: failure.cause,
        });
        let diary = self.extra.as_ref().and_then(|extra| extra.diary.as_ref());
        failure.into_iter().chain(diary.and_then(Diary::open_maintenance))
    }

    fn diary(&mut self) -> Option<&mut Diary> {
        self.extra.as_mut()?.diary.as_mut()
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
            let intervention = self.next_act();
            self.quiet_until = self.turn.min(self.next_hour).min(onset).min(intervention);
            if self.quiet_until > now {
                return change;
            }
            if intervention == self.quiet_until {
                self.intervene(key);
            } else if onset == self.quiet_until {
                self.begin_failure();
            } else if self.next_hour == self.quiet_until {
                self.draw_failure(key, events);
            } else if self.in_maintenance {
                self.end_maintenance(key, events);
                change.restarted = true;
            } else {
                let minutes = key.random(Stream::Maintenance, self.turn).uniform(15.0, 120.0);
                self.begin_maintenance(self.turn, minutes, Cause::Automatic);
            }
        }
    }

    fn next_act(&self) -> i64 {
        self.extra.as_ref().and_then(|extra| extra.acts.front()).map_or(NEVER, |act| act.at)
    }

    fn intervene(&mut self, key: Key<'_>) {
        let Some(act) = self.extra.as_mut().and_then(|extra| extra.acts.pop_front()) else { return };
        let at = act.at.max(key.start);
        match act.deed {
            Deed::Inject { kind, course } => {
                let start = if self.in_maintenance { at.max(self.turn) } else { at };
                self.next = Some(Failure::injected(kind, course, start, act.cause));
            }
            Deed::Clear => {
                self.end_failure(at);
                self.next = self.next.filter(|failure| failure.cause == Cause::Automatic);
            }
            Deed::Maintain { minutes } => self.begin_maintenance(at, minutes, act.cause),
        }
    }

    fn begin_failure(&mut self) {
        let Some(failure) = self.next.take() else { return };
        self.end_failure(failure.start);
        (self.failure, self.cleared) = (Some(failure), false);
    }

    /// The failure in progress is over; its effects fade.
    fn end_failure(&mut self, at: i64) {
        if let Some(failure) = self.in_progress().copied() {
            self.cleared = true;
            if let Some(diary) = self.diary() {
                diary.failure_ends(&failure, at);
            }
        }
    }

    fn draw_failure(&mut self, key: Key<'_>, events: &Events) {
        let hour = self.next_hour;
        self.next_hour += HOUR;
        let drawn = Failure::draw(&mut key.random(Stream::Failures, hour), events.failure_rate, hour);
        // One that was injected for later has the machine.
        let busy = self.in_progress().is_some() || self.next.is_some();
        let stopped_until = if self.in_maintenance { self.turn } else { i64::MIN };
        if let Some(failure) = drawn.filter(|failure| !busy && failure.start >= stopped_until) {
            self.next = Some(failure);
        }
    }

    fn begin_maintenance(&mut self, at: i64, minutes: f64, cause: Cause) {
        let end = at + (minutes * MINUTE) as i64;
        self.turn = if self.in_maintenance { self.turn.max(end) } else { end };
        self.in_maintenance = true;
        self.end_failure(at);
        if let Some(diary) = self.diary() {
            diary.maintenance_begins(at, cause);
        }
        self.postpone(self.turn);
    }

    /// On a machine that stands until `restart` no failure begins: one of chance is dropped, one that was
    /// injected waits.
    fn postpone(&mut self, restart: i64) {
        self.next = match self.next {
            Some(failure) if failure.start < restart && failure.cause == Cause::Automatic => None,
            Some(failure) => Some(Failure { start: failure.start.max(restart), ..failure }),
            None => None,
        };
    }

    fn end_maintenance(&mut self, key: Key<'_>, events: &Events) {
        self.in_maintenance = false;
        let end = self.turn;
        if let Some(diary) = self.diary() {
            diary.maintenance_ends(end);
        }
        self.turn = next_maintenance(key, events, end);
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
    use crate::simulate::{Course, FailureKind};

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

    /// The figures that the README gives.
    #[test]
    fn the_rate_brings_the_documented_failures_a_day() {
        let days = 4000;
        for (rate, maintenance, documented) in [
            (0.01, MaintenancePlan::Own, 0.12),
            (0.2, MaintenancePlan::Own, 0.15),
            (0.01, MaintenancePlan::Every(86_400.0), 0.21),
            (0.05, MaintenancePlan::Every(7200.0), 0.75),
        ] {
            let seen = history(Events { failure_rate: rate, maintenance }, 600_000, days);
            let begun = seen.windows(2).filter(|pair| pair[1].2 && !pair[0].2).count();
            let a_day = begun as f64 / days as f64;
            assert!((a_day / documented - 1.0).abs() < 0.12, "{rate} {maintenance:?}: {a_day}");
        }
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

    fn acted(acts: &[Act], step: i64, days: i64) -> (Schedule, Vec<Episode>) {
        let events = Events { failure_rate: 0.0, maintenance: MaintenancePlan::Never };
        let mut schedule = Schedule::new(KEY, &events);
        schedule.keep_diary();
        acts.iter().for_each(|act| schedule.act(*act));
        for now in (0..days * DAY as i64).step_by(step as usize) {
            schedule.advance(now, KEY, &events);
        }
        let ended = schedule.take_ended();
        (schedule, ended)
    }

    fn inject(at: i64) -> Act {
        let course = Course::Growing { hours: 2.0 };
        let deed = Deed::Inject { kind: FailureKind::OilLeak, course };
        Act { at, deed, cause: Cause::Command }
    }

    #[test]
    fn acts_happen_at_their_time_whatever_the_order_they_are_said_in_and_the_sampling() {
        let clear = Act { at: 9_000_000, deed: Deed::Clear, cause: Cause::Command };
        let maintain = Act { at: 20_000_000, deed: Deed::Maintain { minutes: 30.0 }, cause: Cause::Scenario };
        let acts = [inject(1_000), clear, maintain];
        let expected = [
            (EpisodeKind::Failure(FailureKind::OilLeak), 1_000, 9_000_000, Cause::Command),
            (EpisodeKind::Maintenance, 20_000_000, 21_800_000, Cause::Scenario),
        ]
        .map(|(kind, start, end, cause)| Episode { kind, start, end: Some(end), cause });
        for (order, step) in [([0, 1, 2], 1_000), ([2, 1, 0], 60_000), ([1, 2, 0], 3_600_000)] {
            let acts = order.map(|index| acts[index]);
            assert_eq!(acted(&acts, step, 1).1, expected, "{order:?}");
        }
    }

    #[test]
    fn a_failure_injected_into_a_stopped_machine_begins_with_its_restart() {
        let maintain = Act { at: 0, deed: Deed::Maintain { minutes: 120.0 }, cause: Cause::Command };
        let (schedule, ended) = acted(&[maintain, inject(60_000)], 60_000, 1);
        assert_eq!(ended.len(), 1, "the maintenance");
        let failure = schedule.open_episodes(DAY as i64).next().expect("a failure");
        assert_eq!((failure.start, failure.cause), (7_200_000, Cause::Command));
    }

    #[test]
    fn a_second_failure_takes_the_place_of_the_first() {
        let (schedule, ended) = acted(&[inject(0), inject(3_600_000)], 60_000, 1);
        assert_eq!(ended.iter().map(|e| (e.start, e.end)).collect::<Vec<_>>(), [(0, Some(3_600_000))]);
        assert_eq!(schedule.in_progress().map(|f| f.start), Some(3_600_000));
    }

    #[test]
    fn an_injected_failure_leaves_the_draws_of_chance_alone() {
        let events = Events { failure_rate: 0.05, maintenance: MaintenancePlan::Own };
        let after = |acts: &[Act]| {
            let mut schedule = Schedule::new(KEY, &events);
            schedule.keep_diary();
            acts.iter().for_each(|act| schedule.act(*act));
            schedule.advance(100 * DAY as i64, KEY, &events);
            schedule.take_ended()
        };
        let clear = Act { at: 60_000, deed: Deed::Clear, cause: Cause::Command };
        let with: Vec<Episode> =
            after(&[inject(0), clear]).into_iter().filter(|e| e.cause == Cause::Automatic).collect();
        assert!(with.len() > 20);
        assert_eq!(with, after(&[]));
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
