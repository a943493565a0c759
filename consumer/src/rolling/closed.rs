use std::collections::BTreeMap;

use millrace_schemas::{SensorReading, WindowStats};

use crate::pipeline::{Output, Place};
use crate::window::{Closing, MachineWindows, PartitionWindows};

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

    pub fn rule(&self) -> Closing {
        self.rule
    }

    /// Takes in a reading and adds the windows that it closes, or that it came too late for its own. `touched` is
    /// told of the machines whose windows close: their state has changed too. A reading that its machine's state
    /// takes account of already still moves the partition's clock.
    pub fn take(
        &mut self,
        at: Place,
        (reading, is_known): (&SensorReading<'_>, bool),
        out: &mut Vec<Output>,
        touched: &mut dyn FnMut(&str),
    ) {
        let mut closed = std::mem::take(&mut self.closed);
        let (machine, time) = (&*reading.machine_id, reading.timestamp);
        let partition = self.partition(at.partition);
        let is_taken = if is_known {
            partition.pass(machine, time, &mut closed);
            true
        } else {
            partition.take(machine, time, &reading.sensors, &mut closed)
        };
        for window in closed.drain(..) {
            touched(&window.machine_id);
            out.push(Output::Metrics(Box::new(window)));
        }
        self.closed = closed;
        if !is_taken {
            out.push(Output::Late);
        }
    }

    fn partition(&mut self, partition: i32) -> &mut PartitionWindows {
        self.partitions.entry(partition).or_insert_with(|| PartitionWindows::new(self.rule))
    }

    /// The windows of a machine, for its snapshot.
    pub fn machine(&self, partition: i32, machine: &str) -> Option<&MachineWindows> {
        self.partitions.get(&partition)?.machine(machine)
    }

    /// How many windows of a partition have not closed.
    pub fn open(&self, partition: i32) -> u64 {
        self.partitions.get(&partition).map_or(0, PartitionWindows::open)
    }

    /// A partition's clock, for the metadata of commits; empty before its first reading.
    pub fn clock(&self, partition: i32) -> String {
        let clock = self.partitions.get(&partition).map(PartitionWindows::clock);
        clock.and_then(|clock| serde_json::to_string(clock).ok()).unwrap_or_default()
    }

    /// Sets a partition's clock to where it was, and forgets its machines.
    ///
    /// # Errors
    /// A clause about what is wrong with the text.
    pub fn restore_clock(&mut self, partition: i32, text: &str) -> Result<(), String> {
        self.partitions.remove(&partition);
        if !text.is_empty() {
            let clock = serde_json::from_str(text).map_err(|e| format!("its clock: {e}"))?;
            self.partition(partition).restore_clock(clock);
        }
        Ok(())
    }

    pub fn restore(&mut self, partition: i32, machine: &str, windows: MachineWindows) {
        self.partition(partition).restore(machine, windows);
    }

    pub fn drop_partition(&mut self, partition: i32) {
        self.partitions.remove(&partition);
    }
}
