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
    /// So many stream milliseconds after an automatic failure is at full severity the machine is maintained, and
    /// not before; `None` = whenever it would be anyway.
    pub repair_after: Option<i64>,
    /// Stream milliseconds from the start of the run before which no automatic failure begins.
    pub failures_from: i64,
}

impl Events {
    /// Failures from the start on, none of which has a repair of its own.
    pub const fn new(failure_rate: f64, maintenance: MaintenancePlan) -> Self {
        Self { failure_rate, maintenance, repair_after: None, failures_from: 0 }
    }
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
            } else if self.in_maintenance && self.turn == self.quiet_until {
                self.end_maintenance(key, events);
                change.restarted = true;
            } else if onset == self.quiet_until {
                self.begin_failure(events);
            } else if self.next_hour == self.quiet_until {
                self.draw_failure(key, events);
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

    fn begin_failure(&mut self, events: &Events) {
        let Some(failure) = self.next.take() else { return };
        self.end_failure(failure.start);
        (self.failure, self.cleared) = (Some(failure), false);
        // What somebody injects is theirs to end.
        if let Some(after) = events.repair_after.filter(|_| failure.cause == Cause::Automatic) {
            self.turn = failure.start + i64::from(failure.growth) + after;
        }
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
        let earliest = stopped_until.max(key.start + events.failures_from);
        if let Some(failure) = drawn.filter(|failure| !busy && failure.start >= earliest) {
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
mod tests;
