//! Rolling statistics of every machine, what is strange about its readings, and how both are shown.

mod closed;
mod detect;
mod episode;
mod lines;
mod table;

use std::collections::{BTreeMap, HashMap};

use millrace_schemas::{AnomalyAlert, MaintenanceStatus, SensorReading};

pub use detect::Mark;

use crate::pipeline::{Output, Place, Processor, State};
use crate::settings::{Form, Settings, Show};
use crate::window::{MachineWindow, Span};
use closed::Closed;
use episode::Episode;

/// Keeps a window for each machine of the partitions that are here.
pub struct Rolling {
    window: Span,
    z: Option<f64>,
    version: String,
    form: Form,
    show: Show,
    partitions: BTreeMap<i32, HashMap<String, Machine>>,
    closed: Option<Closed>,
    table: table::Table,
}

/// What is kept of a machine.
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
            partitions: BTreeMap::new(),
            closed: settings.closed.as_ref().map(|closed| Closed::new(closed.rule)),
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

impl Processor for Rolling {
    fn take(&mut self, at: Place, reading: &SensorReading<'_>, out: &mut Vec<Output>) {
        let machines = self.partitions.entry(at.partition).or_default();
        if !machines.contains_key(&*reading.machine_id) {
            machines.insert(reading.machine_id.clone().into_owned(), Machine::new(self.window));
        }
        let Some(machine) = machines.get_mut(&*reading.machine_id) else { return };
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
        if let Some(closed) = &mut self.closed {
            closed.take(at, reading, out);
        }
    }

    fn drop_partition(&mut self, partition: i32) {
        self.partitions.remove(&partition);
        if let Some(closed) = &mut self.closed {
            closed.drop_partition(partition);
        }
    }

    fn show(&mut self, state: &State) -> Option<String> {
        if self.form != Form::Table {
            return None;
        }
        let machines = self.partitions.values().flatten();
        let rows =
            machines.map(|(name, machine)| table::row(name, &machine.window, &machine.marks)).collect();
        Some(self.table.draw(rows, state))
    }
}
