//! Rolling statistics of every machine, what is strange about its readings, and how both are shown.

mod detect;
mod episode;
mod lines;
mod table;

use millrace_schemas::{AnomalyAlert, MaintenanceStatus, SensorReading};
use serde::{Deserialize, Serialize};

pub use detect::Mark;

use crate::pipeline::{Checkpoint, Output, Place, Processor, State};
use crate::settings::{Form, Settings, Show};
use crate::state::{Machines, Remembered, Restored};
use crate::window::{MachineWindow, Span};
use episode::Episode;

/// Keeps a window for each machine of the partitions that are here.
pub struct Rolling {
    window: Span,
    z: Option<f64>,
    version: String,
    form: Form,
    show: Show,
    machines: Machines<Machine>,
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
    pub fn new(settings: &Settings) -> Self {
        let z = settings.detection.as_ref().map(|detection| detection.z);
        Self {
            window: settings.window,
            z,
            version: format!("window={} z={}", settings.window, z.unwrap_or_default()),
            form: settings.form,
            show: settings.show,
            machines: Machines::default(),
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

impl Remembered for Machine {
    fn to_bytes(&self) -> Vec<u8> {
        // Into a growing buffer nothing of these types can fail.
        postcard::to_stdvec(self).unwrap_or_default()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        postcard::from_bytes(bytes).map_err(|e| e.to_string())
    }

    fn readings(&self) -> u64 {
        self.window.samples() as u64
    }
}

impl Processor for Rolling {
    fn take(&mut self, at: Place, reading: &SensorReading<'_>, out: &mut Vec<Output>) {
        let window = self.window;
        let Some(machine) = self.machines.at(at, &reading.machine_id, || Machine::new(window)) else {
            return;
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
    }

    fn version(&self) -> String {
        format!("rolling {}", self.version)
    }

    fn checkpoint(&mut self, partition: i32) -> Checkpoint {
        Checkpoint { machines: self.machines.changed(partition), partition: String::new() }
    }

    fn restore(&mut self, restored: &Restored) -> Result<(), String> {
        self.machines.restore(restored)
    }

    fn readings(&self, partition: i32) -> u64 {
        self.machines.readings(partition)
    }

    fn drop_partition(&mut self, partition: i32) {
        self.machines.drop_partition(partition);
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
