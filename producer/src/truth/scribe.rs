use std::borrow::Cow;

use millrace_schemas::codec::{encode_episode, encode_truth, write_frame_header};
use millrace_schemas::text::{TruthEncoder, episode_csv, episode_json};
use millrace_schemas::{self as schemas, SensorReading, SensorTruth};

use super::TruthEncoding;
use crate::batch::{Lane, Part};
use crate::settings::TextFormat;
use crate::simulate::{Episode, EpisodeKind, Plant, Truth, ten_thousandths};

/// Writes down what is true of a shard's machines.
pub struct Scribe {
    encoding: TruthEncoding,
    text: TruthEncoder,
}

impl Scribe {
    /// A scribe whose times look as those of the readings: with milliseconds, or without.
    pub fn new(encoding: TruthEncoding, milliseconds: bool) -> Self {
        Self { encoding, text: TruthEncoder::new(milliseconds) }
    }

    /// Notes what is true of a reading.
    pub fn note(&mut self, machine: usize, reading: &SensorReading<'_>, truth: Truth, lane: &mut Lane) {
        let truth = SensorTruth {
            machine_id: Cow::Borrowed(&reading.machine_id),
            timestamp: reading.timestamp,
            sequence: reading.sequence,
            anomaly_label: truth.label(),
            anomaly_type: truth.name().into(),
            severity: ten_thousandths(truth.severity),
        };
        let out = &mut lane.bytes;
        match self.encoding {
            TruthEncoding::Avro { truth: id, .. } => {
                write_frame_header(id, out);
                encode_truth(&truth, out);
            }
            TruthEncoding::Json => self.text.json(&truth, out),
            TruthEncoding::Rows(format) => {
                match format {
                    TextFormat::Json => self.text.json(&truth, out),
                    TextFormat::Csv => self.text.csv(&truth, out),
                }
                out.push(b'\n');
            }
        }
        lane.end_record(machine, truth.timestamp);
    }

    /// Notes the episodes that ended with the last tick.
    pub fn note_ended(&self, plant: &mut Plant, part: &mut Part) {
        for machine in 0..part.machines.ids.len() {
            for episode in plant.take_ended(machine) {
                let end = episode.end.unwrap_or(episode.start);
                self.note_episode(machine, &episode, end, part);
            }
        }
    }

    /// Notes the episodes that go on when the run ends.
    pub fn note_open(&self, plant: &Plant, part: &mut Part) {
        let now = plant.now();
        for machine in 0..part.machines.ids.len() {
            for episode in plant.open_episodes(machine) {
                self.note_episode(machine, &episode, now, part);
            }
        }
    }

    fn note_episode(&self, machine: usize, episode: &Episode, timestamp: i64, part: &mut Part) {
        let (kind, name) = match episode.kind {
            EpisodeKind::Failure(kind) => (schemas::EpisodeKind::Failure, kind.name()),
            EpisodeKind::Maintenance => (schemas::EpisodeKind::Maintenance, "maintenance"),
        };
        let Part { machines, episodes, maintenance, .. } = part;
        let row = schemas::Episode {
            machine_id: Cow::Borrowed(&machines.ids[machine]),
            kind,
            name: name.into(),
            start: episode.start,
            end: episode.end,
            cause: episode.cause.name().into(),
        };
        let is_apart = kind == schemas::EpisodeKind::Maintenance && self.encoding.has_topics();
        let lane = if is_apart { maintenance } else { episodes };
        self.encoding.write_episode(&row, &mut lane.bytes);
        lane.end_record(machine, timestamp);
    }
}

impl TruthEncoding {
    fn has_topics(self) -> bool {
        !matches!(self, Self::Rows(_))
    }

    fn write_episode(self, episode: &schemas::Episode<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Avro { failures, maintenance, .. } => {
                let is_failure = episode.kind == schemas::EpisodeKind::Failure;
                write_frame_header(if is_failure { failures } else { maintenance }, out);
                encode_episode(episode, out);
            }
            Self::Json => episode_json(episode, out),
            Self::Rows(format) => {
                match format {
                    TextFormat::Json => episode_json(episode, out),
                    TextFormat::Csv => episode_csv(episode, out),
                }
                out.push(b'\n');
            }
        }
    }
}
