//! Simulate, derive, encode: on threads of their own, one batch ahead of the sink.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use millrace_core::{Error, Result};
use millrace_schemas::MachineState;
use millrace_schemas::text::Layout;

use crate::batch::{Batch, Machines, Part};
use crate::disorder::{Rows, Stage};
use crate::render::Renderer;
use crate::settings::{Settings, TextFormat};
use crate::simulate::{Act, Plant, Truth};
use crate::truth::Scribe;

/// How readings become bytes.
#[derive(Debug, Clone, Copy)]
pub enum Encoding {
    /// A Confluent frame with this schema id.
    Avro(u32),
    /// An Avro body without a frame: a row of a dataset.
    AvroBody,
    /// Text with these fields; rows of a file end with a line end, Kafka's values do not.
    Text(TextFormat, Layout, LineEnd),
}

/// Whether a text record ends with a line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// It is a row of a file.
    Newline,
    /// It is a value of its own.
    None,
}

/// What is to be made next.
#[derive(Debug, Default)]
pub struct Order {
    /// How many ticks.
    pub ticks: usize,
    /// What is done to machines, by their ids; those of other shares are left out.
    pub acts: Vec<(String, Act)>,
    /// Samples per stream second from the first of these ticks on, where it changes.
    pub rate: Option<f64>,
    /// Nothing comes after these ticks: what was held back or goes on is written behind them.
    pub is_last: bool,
    /// Whether what the machines are doing at the first of these ticks is to be told.
    pub states: bool,
}

/// Some machines of a plant, with all that turns their samples into encoded records.
pub struct Shard {
    plant: Plant,
    machines: Arc<Machines>,
    renderer: Renderer,
    labels: bool,
    stage: Option<Stage>,
    scribe: Option<Scribe>,
}

impl Shard {
    /// A shard of the given machines.
    pub fn new(settings: &Settings, machines: Machines, encoding: Encoding) -> Self {
        Self {
            plant: plant(settings, &machines.ids),
            renderer: Renderer::new(settings, machines.ids.len(), encoding),
            labels: settings.labels,
            stage: Stage::new(settings, &machines.ids),
            scribe: None,
            machines: Arc::new(machines),
        }
    }

    /// Says which rows of a file the shard's readings are.
    #[must_use]
    pub fn with_rows(mut self, rows: Rows) -> Self {
        self.stage = self.stage.map(|stage| stage.with_rows(rows));
        self
    }

    /// Writes down what is true of the readings, if that is asked for.
    #[must_use]
    pub fn with_truth(mut self, scribe: Option<Scribe>) -> Self {
        if scribe.is_some() {
            self.plant.keep_diaries();
        }
        Self { scribe, ..self }
    }

    /// Fills a part with what is ordered.
    pub fn fill(&mut self, order: &Order, part: &mut Part) {
        self.prepare(order, part);
        part.clear();
        part.machines = Arc::clone(&self.machines);
        for _ in 0..order.ticks {
            let Self { plant, renderer, labels, stage, scribe, .. } = self;
            plant.tick(|machine, mut reading, truth| {
                if let Some(scribe) = scribe {
                    scribe.note(machine, &reading, truth, &mut part.truth);
                }
                if *labels {
                    (reading.anomaly_label, reading.anomaly_type) = label(truth);
                }
                match stage {
                    None => {
                        renderer.render(machine, &mut reading, &mut part.readings.bytes);
                        renderer.end(machine, reading.timestamp, &mut part.readings);
                    }
                    Some(stage) => stage.pass(machine, &mut reading, renderer, part),
                }
            });
            if let Some(scribe) = scribe {
                scribe.note_ended(plant, part);
            }
            part.end_tick();
        }
        if let Some(stage) = self.stage.as_mut().filter(|_| order.is_last) {
            stage.finish(&self.renderer, part);
        }
        if let Some(scribe) = self.scribe.as_ref().filter(|_| order.is_last) {
            scribe.note_open(&self.plant, part);
        }
    }
}

impl Shard {
    fn prepare(&mut self, order: &Order, part: &mut Part) {
        if !order.acts.is_empty() {
            let places: HashMap<&str, usize> =
                self.machines.ids.iter().enumerate().map(|(place, id)| (id.as_str(), place)).collect();
            for (id, act) in &order.acts {
                if let Some(machine) = places.get(id.as_str()) {
                    self.plant.act(*machine, *act);
                }
            }
        }
        if let Some(rate) = order.rate {
            self.plant.set_rate(rate);
        }
        part.states.clear();
        if order.states {
            part.states.extend(self.plant.states().map(|state| MachineState {
                machine_id: state.machine_id.to_owned(),
                in_maintenance: state.in_maintenance,
                failure: state.truth.failure.map(|kind| kind.name().to_owned()),
                severity: state.truth.severity,
            }));
        }
    }
}

/// A plant of these machines, with what the scenario has in store for them.
fn plant(settings: &Settings, ids: &[String]) -> Plant {
    let mut plant = Plant::new(settings.seed, settings.clock, settings.events, ids);
    if !settings.acts.is_empty() {
        let index: HashMap<&str, usize> = ids.iter().enumerate().map(|(i, id)| (id.as_str(), i)).collect();
        for (id, act) in settings.acts.iter() {
            if let Some(machine) = index.get(id.as_str()) {
                plant.act(*machine, *act);
            }
        }
    }
    plant
}

/// The guide's two label columns.
fn label(truth: Truth) -> (Option<i32>, Option<std::borrow::Cow<'static, str>>) {
    (Some(truth.label()), Some(truth.name().into()))
}

/// Threads that fill batches.
pub struct Generator {
    workers: Vec<Worker>,
}

struct Worker {
    orders: SyncSender<(Arc<Order>, Part)>,
    filled: Receiver<Part>,
}

impl Generator {
    /// Starts a thread for each shard; they end when the generator is dropped.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(shards: Vec<Shard>) -> Result<Self> {
        let workers = shards.into_iter().map(Worker::start).collect::<std::io::Result<_>>();
        workers.map(|workers| Self { workers }).map_err(|e| {
            Error::failed(format!("a generating thread cannot be started: {e}; lower --threads"))
        })
    }

    /// Orders what is to be made next, in the memory of a batch that is done with.
    ///
    /// # Errors
    /// When a thread has ended, which only a defect can cause.
    pub fn order(&self, order: Order, mut used: Batch) -> Result<()> {
        let order = Arc::new(order);
        used.parts.resize_with(self.workers.len(), Part::default);
        for (worker, part) in self.workers.iter().zip(used.parts) {
            worker.orders.send((Arc::clone(&order), part)).map_err(|_| ended())?;
        }
        Ok(())
    }

    /// Waits for what was ordered first.
    ///
    /// # Errors
    /// When a thread has ended, which only a defect can cause.
    pub fn receive(&self) -> Result<Batch> {
        let parts = self.workers.iter().map(|worker| worker.filled.recv().map_err(|_| ended()));
        Ok(Batch { parts: parts.collect::<Result<_>>()? })
    }
}

impl Worker {
    fn start(mut shard: Shard) -> std::io::Result<Self> {
        let (orders, to_do) = sync_channel::<(Arc<Order>, Part)>(2);
        let (done, filled) = sync_channel(2);
        std::thread::Builder::new().name("generate".into()).spawn(move || {
            for (order, mut part) in to_do {
                shard.fill(&order, &mut part);
                if done.send(part).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { orders, filled })
    }
}

fn ended() -> Error {
    Error::failed("a generating thread ended unexpectedly; please report it with the message above")
}
