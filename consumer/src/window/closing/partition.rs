use std::collections::{BTreeSet, HashMap};

use millrace_schemas::WindowStats;
use millrace_schemas::reading::SENSORS;

use super::{Closing, FARTHEST, MachineWindows, PartitionClock};

/// The windows of all machines of a partition, and its clock.
///
/// Everything that follows from future records depends on [`clock`](Self::clock) and on each
/// [`machine`](Self::machine) alone; whoever [`restore`](Self::restore)s them goes on as if nothing had happened.
#[derive(Debug)]
pub struct PartitionWindows {
    rule: Closing,
    clock: PartitionClock,
    machines: HashMap<String, Slot>,
    /// When machines are to be looked at: at what they may be due, or earlier.
    agenda: BTreeSet<(i64, String)>,
}

#[derive(Debug, Default)]
struct Slot {
    windows: MachineWindows,
    /// The machine's place in the agenda.
    listed: Option<i64>,
}

impl PartitionWindows {
    /// Without any machine.
    pub fn new(rule: Closing) -> Self {
        Self { rule, clock: PartitionClock::default(), machines: HashMap::new(), agenda: BTreeSet::new() }
    }

    /// Takes in a reading of this event time, in milliseconds, and adds the windows that it closes: the
    /// machine's own in the order of their ends, then those of idle machines, by end and machine. Tells whether
    /// there was an open window for it; where there was none, the record belongs to the side output.
    ///
    /// The state of the machines whose windows close has changed as well.
    pub fn take(
        &mut self,
        machine: &str,
        time: i64,
        values: &[Option<f64>; SENSORS],
        closed: &mut Vec<WindowStats>,
    ) -> bool {
        if !self.machines.contains_key(machine) {
            self.machines.insert(machine.to_owned(), Slot::default());
        }
        let Some(slot) = self.machines.get_mut(machine) else { return false };
        let is_taken = slot.windows.take(self.rule, machine, (time, values), closed);
        observe(&mut self.clock, machine, time);
        slot.windows.saw(&self.clock);
        list(&mut self.agenda, machine, slot, self.rule, &self.clock);
        self.close_idle(closed);
        is_taken
    }

    /// The same of a reading that its machine's windows take account of already, as it is read once more: it moves
    /// the partition's clock.
    pub fn pass(&mut self, machine: &str, time: i64, closed: &mut Vec<WindowStats>) {
        observe(&mut self.clock, machine, time);
        self.close_idle(closed);
    }

    fn close_idle(&mut self, closed: &mut Vec<WindowStats>) {
        let Some(now) = self.clock.time() else { return };
        let mine = closed.len();
        let mut looked = Vec::new();
        while self.agenda.first().is_some_and(|(at, _)| *at <= now) {
            looked.extend(self.agenda.pop_first().map(|(_, machine)| machine));
        }
        for machine in looked {
            let Some(slot) = self.machines.get_mut(&machine) else { continue };
            slot.listed = None;
            if slot.windows.due(self.rule, &self.clock).is_some_and(|due| due <= now) {
                slot.windows.close_idle(self.rule, &machine, now, closed);
            }
            list(&mut self.agenda, &machine, slot, self.rule, &self.clock);
        }
        // The agenda's order depends on when machines were looked at; what is told must not.
        let place = |window: &WindowStats| (window.window_end, window.machine_id.clone());
        closed[mine..].sort_by_cached_key(place);
    }

    /// The partition's clock.
    pub fn clock(&self) -> &PartitionClock {
        &self.clock
    }

    /// The windows of a machine that has sent something.
    pub fn machine(&self, machine: &str) -> Option<&MachineWindows> {
        self.machines.get(machine).map(|slot| &slot.windows)
    }

    /// How many windows of all machines are open.
    pub fn open(&self) -> u64 {
        self.machines.values().map(|slot| slot.windows.open() as u64).sum()
    }

    /// Sets the clock to where another owner of the partition left it.
    pub fn restore_clock(&mut self, clock: PartitionClock) {
        self.clock = clock;
    }

    /// Takes a machine's windows over from another owner of the partition. The clock may come before or after.
    pub fn restore(&mut self, machine: &str, windows: MachineWindows) {
        let slot = self.machines.entry(machine.to_owned()).or_default();
        slot.windows = windows;
        list(&mut self.agenda, machine, slot, self.rule, &self.clock);
    }
}

/// Times that belong to no window move no clock either.
fn observe(clock: &mut PartitionClock, machine: &str, time: i64) {
    if (-FARTHEST..=FARTHEST).contains(&time) {
        clock.observe(machine, time);
    }
}

/// Sees to it that a machine is looked at when it may be due. Readings put that off, and an early look costs
/// little, so a place in the agenda is not moved back.
fn list(
    agenda: &mut BTreeSet<(i64, String)>,
    machine: &str,
    slot: &mut Slot,
    rule: Closing,
    clock: &PartitionClock,
) {
    let Some(due) = slot.windows.due(rule, clock) else { return };
    if slot.listed.is_some_and(|listed| listed <= due) {
        return;
    }
    if let Some(listed) = slot.listed.replace(due) {
        agenda.remove(&(listed, machine.to_owned()));
    }
    agenda.insert((due, machine.to_owned()));
}
