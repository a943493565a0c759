use std::collections::BTreeMap;

use millrace_schemas::{SensorReading, WindowStats};

use crate::pipeline::{Output, Place};
use crate::window::{Closing, PartitionWindows};

/// The windows that close, of all partitions that are here.
pub(super) struct Closed {
    rule: Closing,
    partitions: BTreeMap<i32, PartitionWindows>,
    closed: Vec<WindowStats>,
}

impl Closed {
    /// With nothing seen yet.
    pub fn new(rule: Closing) -> Self {
        Self { rule, partitions: BTreeMap::new(), closed: Vec::new() }
    }

    /// Takes in a reading and adds the windows that it closes, or that it came too late for its own.
    pub fn take(&mut self, at: Place, reading: &SensorReading<'_>, out: &mut Vec<Output>) {
        let partition =
            self.partitions.entry(at.partition).or_insert_with(|| PartitionWindows::new(self.rule));
        let (machine, time) = (&*reading.machine_id, reading.timestamp);
        let is_taken = partition.take(machine, time, &reading.sensors, &mut self.closed);
        out.extend(self.closed.drain(..).map(Box::new).map(Output::Metrics));
        if !is_taken {
            out.push(Output::Late);
        }
    }

    pub fn drop_partition(&mut self, partition: i32) {
        self.partitions.remove(&partition);
    }
}
