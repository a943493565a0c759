//! Rolling statistics of every machine, what is strange about its readings, and how both are shown.

mod closed;
mod detect;
mod episode;
mod lines;
mod table;

use millrace_schemas::{AnomalyAlert, MaintenanceStatus, SensorReading};
use serde::{Deserialize, Serialize};

pub use detect::Mark;

use crate::pipeline::{Checkpoint, Output, Place, Processor, State};
use crate::settings::{Form, Show, Statistics};
use crate::state::{Known, Machines, Restored};
use crate::window::{MachineWindow, MachineWindows, Span};
use closed::Closed;
use episode::Episode;

/// Readings that cost as much to write down as a window that has not closed.
const OPEN_WINDOW: u64 = 40;

/// Keeps a window for each machine of the partitions that are here.
pub struct Rolling {
    window: Span,
    z: Option<f64>,
    version: String,
    form: Form,
    show: Show,
    machines: Machines<Machine>,
    closed: Option<Closed>,
    table: table::Table,
}

/// What is kept of a machine.
#[derive(Debug, Serialize, Deserialize)]
struct Machine {
    window: MachineWindow,
    /// Readings since it last stood for maintenance.
    running: u64,
    episode: Option<Episode>,
    marks: Vec<Mark>,
}

impl Rolling {
    /// With nothing seen yet.
    pub fn new(statistics: &Statistics) -> Self {
        let Statistics { window, z, form, show, closed } = statistics;
        Self {
            window: *window,
            z: *z,
            version: format!("window={window} z={}", z.unwrap_or_default()),
            form: *form,
            show: *show,
            machines: Machines::default(),
            closed: closed.as_ref().map(|closed| Closed::new(closed.rule)),
            table: table::Table::default(),
        }
    }
}

fn is_shown(show: Show, is_marked: bool) -> bool {
    match show {
        Show::Readings => true,
        Show::Anomalies => is_marked,
        Show::Nothing => false,
    }
}

impl Machine {
    fn new(window: Span) -> Self {
        Self { window: MachineWindow::new(window), running: 0, episode: None, marks: Vec::new() }
    }

    fn take(&mut self, reading: &SensorReading<'_>, z: Option<f64>, version: &str) -> Option<AnomalyAlert> {
        self.marks.clear();
        let told = z.and_then(|z| {
            self.marks = detect::marks(z, &self.window, self.running, reading);
            episode::step(&mut self.episode, &self.marks, reading, version)
        });
        self.window.push(reading.timestamp, &reading.sensors);
        self.running = match reading.maintenance_status {
            MaintenanceStatus::Maintenance => 0,
            MaintenanceStatus::Operational => self.running + 1,
        };
        told
    }
}

impl Known for Machine {
    fn warm(&self) {
        self.window.warm();
    }
}

impl Rolling {
    /// Tells whether the machine's state took account of the reading already.
    fn roll(&mut self, at: Place, reading: &SensorReading<'_>, out: &mut Vec<Output>) -> bool {
        let window = self.window;
        let Some(machine) = self.machines.at(at, &reading.machine_id, || Machine::new(window)) else {
            return true;
        };
        let told = machine.take(reading, self.z, &self.version);
        let is_shown = is_shown(self.show, !machine.marks.is_empty());
        match self.form {
            Form::Text if is_shown => out.push(Output::Text(lines::text(reading, &machine.marks))),
            Form::Json if is_shown => {
                out.push(Output::Text(lines::json(at, reading, &machine.window, &machine.marks)));
            }
            _ => {}
        }
        out.extend(told.map(Box::new).map(Output::Alert));
        false
    }
}

impl Processor for Rolling {
    fn take(&mut self, at: Place, reading: &SensorReading<'_>, out: &mut Vec<Output>) {
        let is_known = self.roll(at, reading, out);
        if let Some(closed) = &mut self.closed {
            let machines = &mut self.machines;
            closed.take(at, (reading, is_known), out, &mut |machine| machines.touch(at.partition, machine));
        }
    }

    fn version(&self) -> String {
        let closed = self.closed.as_ref().map(Closed::rule);
        format!("rolling 2 {} closing={closed:?}", self.version)
    }

    fn checkpoint(&mut self, partition: i32) -> Checkpoint {
        let closed = self.closed.as_ref();
        let write = |name: &str, machine: &Machine| {
            let windows = closed.and_then(|closed| closed.machine(partition, name));
            // Into a growing buffer nothing of these types can fail.
            postcard::to_stdvec(&(machine, windows)).unwrap_or_default()
        };
        let machines = self.machines.changed(partition, write);
        Checkpoint { machines, partition: closed.map_or_else(String::new, |closed| closed.clock(partition)) }
    }

    fn restore(&mut self, restored: &Restored) -> Result<(), String> {
        let partition = restored.begin.partition;
        let mut closed = self.closed.as_mut();
        if let Some(closed) = &mut closed {
            closed.restore_clock(partition, &restored.begin.mark.partition)?;
        }
        self.machines.restore(restored, |name, bytes| {
            let (machine, windows): (Machine, Option<MachineWindows>) =
                postcard::from_bytes(bytes).map_err(|e| e.to_string())?;
            if let (Some(closed), Some(windows)) = (&mut closed, windows) {
                closed.restore(partition, name, windows);
            }
            Ok(machine)
        })
    }

    fn readings(&self, partition: i32) -> u64 {
        let samples = |machine: &Machine| machine.window.samples() as u64;
        let open = self.closed.as_ref().map_or(0, |closed| closed.open(partition));
        self.machines.of(partition).map(samples).sum::<u64>() + OPEN_WINDOW * open
    }

    fn drop_partition(&mut self, partition: i32) {
        self.machines.drop_partition(partition);
        if let Some(closed) = &mut self.closed {
            closed.drop_partition(partition);
        }
    }

    fn show(&mut self, state: &State) -> Option<String> {
        if self.form != Form::Table {
            return None;
        }
        let machines = self.machines.iter();
        let rows =
            machines.map(|(name, machine)| table::row(name, &machine.window, &machine.marks)).collect();
        Some(self.table.draw(rows, state))
    }
}
