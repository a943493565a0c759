//! The plant: a pure function of seed, machine ids, clock and events. No I/O, no wall clock, no async.
//!
//! Nothing here depends on the platform's mathematics library, on threads, or on which other machines
//! run, so the same seed, start and machine give the same bytes for ever and everywhere.

mod clock;
mod constants;
mod failure;
mod machine;
mod random;
mod schedule;
mod tick;

use std::borrow::Cow;

use millrace_schemas::{MaintenanceStatus, SensorReading};

pub use clock::Clock;
pub use failure::{Failure, FailureKind, Shape};
pub use schedule::{Events, MaintenancePlan};

use machine::Machine;
use random::Ziggurat;
use schedule::Key;
use tick::{Gains, Tick};

/// A plant, or the part of one whose machines it was given.
pub struct Plant {
    seed: u64,
    clock: Clock,
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

impl Plant {
    /// A plant of the given machines, before its first sample.
    pub fn new(seed: u64, clock: Clock, events: Events, machine_ids: &[String]) -> Self {
        let first = Tick::at(clock.start);
        let machine =
            |id: &String| Machine::new(id, Key { seed, machine_id: id, start: clock.start }, &events, &first);
        Self {
            seed,
            clock,
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

    /// Samples every machine once, in the order given, and hands each reading on: sensors rounded to two
    /// decimals, neither features nor labels attached.
    pub fn tick(&mut self, mut each: impl FnMut(usize, SensorReading<'_>, Truth)) {
        let tick = Tick::at(self.clock.timestamp(self.next_tick));
        let sequence = self.next_tick.cast_signed();
        let key = (self.seed, self.clock.start);
        for (index, machine) in self.machines.iter_mut().enumerate() {
            let values = machine.sample(&tick, &self.gains, &self.events, key, self.tables);
            let schedule = machine.schedule();
            let failure = schedule.in_progress();
            let truth = Truth {
                failure: failure.map(|f| f.kind),
                severity: failure.map_or(0.0, |f| f.severity(tick.timestamp)),
            };
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

/// Adding and taking away 1.5 * 2^52 rounds to a whole number (below 2^51) without a call into a library.
fn round(value: f64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    (value + SHIFT) - SHIFT
}

#[cfg(test)]
mod tests;
