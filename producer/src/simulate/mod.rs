//! The plant: a pure function of seed, machine ids, clock and events. No I/O, no wall clock, no async.
//!
//! Nothing here depends on the platform's mathematics library, on threads, or on which other machines
//! run, so the same seed, start and machine give the same bytes for ever and everywhere.

mod act;
mod clock;
mod constants;
mod diary;
mod failure;
mod machine;
mod random;
mod schedule;
mod tick;

use std::borrow::Cow;

use millrace_schemas::{MaintenanceStatus, SensorReading};

pub use act::{Act, Cause, Course, Deed};
pub use clock::Clock;
pub use diary::{Episode, EpisodeKind};
pub use failure::{Failure, FailureKind, Shape};
pub(crate) use random::{Random, Stream};
pub use schedule::{Events, MaintenancePlan};

use machine::Machine;
use random::Ziggurat;
use schedule::{Key, Schedule};
use tick::{Gains, Tick};

/// A plant, or the part of one whose machines it was given.
pub struct Plant {
    seed: u64,
    /// Event time of the run's first sample; what is random is keyed by the time since.
    begin: i64,
    /// The clock since the rate was set last, and the tick at which that was.
    clock: Clock,
    clock_tick: u64,
    events: Events,
    gains: Gains,
    tables: &'static Ziggurat,
    machines: Vec<Machine>,
    next_tick: u64,
}

/// What is true of a reading but not in it, unless labels are asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truth {
    /// The failure in progress.
    pub failure: Option<FailureKind>,
    /// Its severity, 0 to 1, unsmoothed.
    pub severity: f64,
}

impl Truth {
    /// The guide's label: 1 while a failure is in progress, else 0.
    pub fn label(&self) -> i32 {
        i32::from(self.failure.is_some())
    }

    /// The failure in progress, or `normal`.
    pub fn name(&self) -> &'static str {
        self.failure.map_or("normal", FailureKind::name)
    }

    fn of(schedule: &Schedule, now: i64) -> Self {
        let failure = schedule.in_progress();
        Self { failure: failure.map(|f| f.kind), severity: failure.map_or(0.0, |f| f.severity(now)) }
    }
}

/// What a machine is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MachineState<'a> {
    /// The machine.
    pub machine_id: &'a str,
    /// Whether it stands for maintenance.
    pub in_maintenance: bool,
    /// What is wrong with it.
    pub truth: Truth,
}

impl Plant {
    /// A plant of the given machines, before its first sample.
    pub fn new(seed: u64, clock: Clock, events: Events, machine_ids: &[String]) -> Self {
        let first = Tick::at(clock.start);
        let machine =
            |id: &String| Machine::new(id, Key { seed, machine_id: id, start: clock.start }, &events, &first);
        Self {
            seed,
            begin: clock.start,
            clock,
            clock_tick: 0,
            events,
            gains: Gains::new(&clock),
            tables: Ziggurat::tables(),
            machines: machine_ids.iter().map(machine).collect(),
            next_tick: 0,
        }
    }

    /// The tick that the next call of [`tick`](Self::tick) samples.
    pub fn next_tick(&self) -> u64 {
        self.next_tick
    }

    /// Has something done to a machine, given by its index, at its time.
    pub fn act(&mut self, machine: usize, act: Act) {
        if let Some(machine) = self.machines.get_mut(machine) {
            machine.schedule_mut().act(act);
        }
    }

    /// Samples at this rate from the next tick on, which keeps its event time.
    pub fn set_rate(&mut self, rate: f64) {
        self.clock = Clock { start: self.timestamp(self.next_tick), rate };
        self.clock_tick = self.next_tick;
        self.gains = Gains::new(&self.clock);
    }

    /// Event time of a tick, one since the rate was set last, in milliseconds.
    pub fn timestamp(&self, tick: u64) -> i64 {
        self.clock.timestamp(tick.saturating_sub(self.clock_tick))
    }

    /// Keeps account of every machine's episodes from now on.
    pub fn keep_diaries(&mut self) {
        self.machines.iter_mut().for_each(|machine| machine.schedule_mut().keep_diary());
    }

    /// The episodes of a machine that ended since the last call, in the order of their ends.
    pub fn take_ended(&mut self, machine: usize) -> Vec<Episode> {
        self.machines.get_mut(machine).map(|machine| machine.schedule_mut().take_ended()).unwrap_or_default()
    }

    /// Event time of the last sample, milliseconds.
    pub fn now(&self) -> i64 {
        self.timestamp(self.next_tick.saturating_sub(1))
    }

    /// The episodes of a machine that go on; of its maintenance only with a diary.
    pub fn open_episodes(&self, machine: usize) -> Vec<Episode> {
        let now = self.now();
        self.machines.get(machine).map(|m| m.schedule().open_episodes(now).collect()).unwrap_or_default()
    }

    /// What every machine will be doing at its next sample, in the order given: what was done since the last
    /// one shows already.
    pub fn states(&self) -> impl Iterator<Item = MachineState<'_>> {
        let now = self.timestamp(self.next_tick);
        self.machines.iter().map(move |machine| {
            let key = Key { seed: self.seed, machine_id: &machine.id, start: self.begin };
            let mut schedule = machine.schedule().clone();
            schedule.advance(now, key, &self.events);
            MachineState {
                machine_id: &machine.id,
                in_maintenance: schedule.in_maintenance(),
                truth: Truth::of(&schedule, now),
            }
        })
    }

    /// Samples every machine once, in the order given, and hands each reading on: sensors rounded to two
    /// decimals, neither features nor labels attached.
    pub fn tick(&mut self, mut each: impl FnMut(usize, SensorReading<'_>, Truth)) {
        let tick = Tick::at(self.timestamp(self.next_tick));
        let sequence = self.next_tick.cast_signed();
        let key = (self.seed, self.begin);
        for (index, machine) in self.machines.iter_mut().enumerate() {
            let values = machine.sample(&tick, &self.gains, &self.events, key, self.tables);
            let schedule = machine.schedule();
            let truth = Truth::of(schedule, tick.timestamp);
            let status = if schedule.in_maintenance() {
                MaintenanceStatus::Maintenance
            } else {
                MaintenanceStatus::Operational
            };
            let reading = SensorReading {
                timestamp: tick.timestamp,
                machine_id: Cow::Borrowed(&machine.id),
                sequence,
                maintenance_status: status,
                sensors: values.map(|value| Some(hundredths(value))),
                ..SensorReading::default()
            };
            each(index, reading, truth);
        }
        self.next_tick += 1;
    }
}

/// Rounds to two decimals, ties to even.
pub(crate) fn hundredths(value: f64) -> f64 {
    round(value * 100.0) / 100.0
}

/// Rounds to three decimals, ties to even.
pub(crate) fn thousandths(value: f64) -> f64 {
    round(value * 1000.0) / 1000.0
}

/// Rounds to four decimals, ties to even.
pub(crate) fn ten_thousandths(value: f64) -> f64 {
    round(value * 10_000.0) / 10_000.0
}

/// Adding and taking away 1.5 * 2^52 rounds to a whole number (below 2^51) without a call into a library.
fn round(value: f64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    (value + SHIFT) - SHIFT
}

#[cfg(test)]
mod tests;
