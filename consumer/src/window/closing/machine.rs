use std::collections::VecDeque;

use millrace_schemas::WindowStats;
use millrace_schemas::reading::SENSORS;
use serde::{Deserialize, Serialize};

use super::open::Open;
use super::{Clock, Closing, FARTHEST, GRACE, PartitionClock};

/// Readings whose leap is not believed that may have windows of their own.
const MOST_AHEAD: usize = 16;

/// The windows of one machine: all that their future depends on, beside its partition's clock.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MachineWindows {
    clock: Clock,
    /// Windows that end here or before are closed.
    horizon: Option<i64>,
    /// The partition's clock at this machine's last reading.
    seen: Option<i64>,
    /// By their begin; boxed, as most machines have one and a queue makes room for four.
    open: VecDeque<Box<Open>>,
}

impl MachineWindows {
    /// The machine's clock, in milliseconds; `None` before the first reading.
    pub fn time(&self) -> Option<i64> {
        self.clock.time()
    }

    /// How many windows are open.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Closes what a reading's time closes, and takes the reading into its windows. Tells whether there was one.
    pub(super) fn take(
        &mut self,
        rule: Closing,
        machine: &str,
        (time, values): (i64, &[Option<f64>; SENSORS]),
        closed: &mut Vec<WindowStats>,
    ) -> bool {
        if !(-FARTHEST..=FARTHEST).contains(&time) {
            return false;
        }
        self.clock.observe(time);
        if let Some(now) = self.clock.sure() {
            self.close_to(rule, machine, now - rule.lateness, closed);
        }
        if self.clock.is_ahead(time) && self.is_full_ahead(rule) {
            return false;
        }
        let mut is_taken = false;
        for start in rule.starts(time) {
            let end = start + rule.size;
            if self.horizon.is_none_or(|horizon| end > horizon) {
                let is_late = self.clock.sure().is_some_and(|now| end <= now);
                self.window(start).take(time, values, is_late);
                is_taken = true;
            }
        }
        is_taken
    }

    fn is_full_ahead(&self, rule: Closing) -> bool {
        let now = self.clock.time();
        let ahead = self.open.len() - self.open.partition_point(|window| Some(window.start) <= now);
        ahead > (MOST_AHEAD - 1) * rule.of_a_reading()
    }

    fn window(&mut self, start: i64) -> &mut Open {
        let place = self.open.partition_point(|window| window.start < start);
        if self.open.get(place).is_none_or(|window| window.start != start) {
            self.open.insert(place, Box::new(Open::new(start)));
        }
        &mut self.open[place]
    }

    /// Closes the windows that end at `horizon` or before, for good.
    fn close_to(&mut self, rule: Closing, machine: &str, horizon: i64, closed: &mut Vec<WindowStats>) {
        self.horizon = self.horizon.max(Some(horizon));
        while self.open.front().is_some_and(|window| window.start + rule.size <= horizon) {
            closed.extend(self.open.pop_front().map(|window| window.close(machine, rule.size)));
        }
    }

    pub(super) fn saw(&mut self, partition: &PartitionClock) {
        self.seen = partition.time();
    }

    /// The partition's time at which the oldest open window closes if nothing more comes from the machine.
    pub(super) fn due(&self, rule: Closing, partition: &PartitionClock) -> Option<i64> {
        let over = self.open.front()?.start + rule.size + rule.lateness;
        Some(Some(over).max(self.seen).max(partition.since())? + GRACE)
    }

    /// Closes what an idle machine's partition has passed. Only the windows that were open are closed for good:
    /// a machine that was held up goes on with the next one.
    pub(super) fn close_idle(
        &mut self,
        rule: Closing,
        machine: &str,
        now: i64,
        closed: &mut Vec<WindowStats>,
    ) {
        let passed = now - rule.lateness - GRACE;
        let ends = self.open.iter().map(|window| window.start + rule.size);
        if let Some(last) = ends.take_while(|end| *end <= passed).last() {
            self.close_to(rule, machine, last, closed);
        }
    }
}
