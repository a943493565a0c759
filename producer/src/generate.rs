//! Simulate, derive, encode: on threads of their own, one batch ahead of the sink.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use millrace_core::{Error, Result};
use millrace_schemas::codec::{encode_reading, write_frame_header};
use millrace_schemas::text::{Layout, TextEncoder};

use crate::batch::{Batch, Machines, Part};
use crate::features::{FeatureDeriver, RollingWindow};
use crate::settings::{Settings, TextFormat};
use crate::simulate::{Plant, Truth};

/// How readings become bytes.
#[derive(Debug, Clone, Copy)]
pub enum Encoding {
    /// A Confluent frame with this schema id.
    Avro(u32),
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

/// Some machines of a plant, with all that turns their samples into encoded records.
pub struct Shard {
    plant: Plant,
    machines: Arc<Machines>,
    encoder: Encoder,
    deriver: Option<FeatureDeriver>,
    rolling: Vec<RollingWindow>,
    labels: bool,
}

enum Encoder {
    Avro(u32),
    Text(TextFormat, TextEncoder, LineEnd),
}

impl Shard {
    /// A shard of the given machines.
    pub fn new(settings: &Settings, machines: Machines, encoding: Encoding) -> Self {
        let rolling = if settings.rolling_features { machines.ids.len() } else { 0 };
        Self {
            plant: Plant::new(settings.seed, settings.clock, settings.events, &machines.ids),
            machines: Arc::new(machines),
            encoder: match encoding {
                Encoding::Avro(id) => Encoder::Avro(id),
                Encoding::Text(format, layout, end) => Encoder::Text(format, TextEncoder::new(layout), end),
            },
            deriver: settings.derived_features.then(FeatureDeriver::new),
            rolling: vec![RollingWindow::new(); rolling],
            labels: settings.labels,
        }
    }

    /// Fills a part with the records of the next `ticks` ticks.
    pub fn fill(&mut self, ticks: usize, part: &mut Part) {
        part.readings.clear();
        part.machines = Arc::clone(&self.machines);
        let lane = &mut part.readings;
        for _ in 0..ticks {
            let Self { plant, encoder, deriver, rolling, labels, .. } = self;
            plant.tick(|machine, mut reading, truth| {
                reading.features = deriver.as_mut().map(|deriver| deriver.derive(&reading));
                reading.rolling = rolling.get_mut(machine).map(|window| window.push(&reading));
                if *labels {
                    (reading.anomaly_label, reading.anomaly_type) = label(truth);
                }
                match encoder {
                    Encoder::Avro(id) => {
                        write_frame_header(*id, &mut lane.bytes);
                        encode_reading(&reading, &mut lane.bytes);
                    }
                    Encoder::Text(format, text, end) => {
                        match format {
                            TextFormat::Json => text.json(&reading, &mut lane.bytes),
                            TextFormat::Csv => text.csv(&reading, &mut lane.bytes),
                        }
                        if *end == LineEnd::Newline {
                            lane.bytes.push(b'\n');
                        }
                    }
                }
                lane.end_record(machine, reading.timestamp);
            });
            lane.end_tick();
        }
    }
}

/// The guide's two label columns.
fn label(truth: Truth) -> (Option<i32>, Option<std::borrow::Cow<'static, str>>) {
    let name = truth.failure.map_or("normal", |kind| kind.name());
    (Some(i32::from(truth.failure.is_some())), Some(name.into()))
}

/// Threads that fill batches.
pub struct Generator {
    workers: Vec<Worker>,
}

struct Worker {
    orders: SyncSender<(usize, Part)>,
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

    /// Orders the next ticks, in the memory of a batch that is done with.
    ///
    /// # Errors
    /// When a thread has ended, which only a defect can cause.
    pub fn order(&self, ticks: usize, mut used: Batch) -> Result<()> {
        used.parts.resize_with(self.workers.len(), Part::default);
        for (worker, part) in self.workers.iter().zip(used.parts) {
            worker.orders.send((ticks, part)).map_err(|_| ended())?;
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
        let (orders, to_do) = sync_channel::<(usize, Part)>(2);
        let (done, filled) = sync_channel(2);
        std::thread::Builder::new().name("generate".into()).spawn(move || {
            for (ticks, mut part) in to_do {
                shard.fill(ticks, &mut part);
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
