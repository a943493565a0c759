//! The truth behind the readings: what an instructor knows and a student finds out.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What is true of the reading with the same machine and sequence, but not in it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SensorTruth<'a> {
    /// The machine, also the record's key.
    pub machine_id: Cow<'a, str>,
    /// Event time of the reading, milliseconds since 1970-01-01T00:00:00Z.
    pub timestamp: i64,
    /// The reading's sequence.
    pub sequence: i64,
    /// 1 while a failure is in progress, else 0.
    pub anomaly_label: i32,
    /// The failure in progress, or `normal`.
    pub anomaly_type: Cow<'a, str>,
    /// Severity of the failure at this moment, 0 to 1, four decimals.
    pub severity: f64,
}

/// Whether an episode is a failure or a maintenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EpisodeKind {
    /// A failure.
    #[default]
    Failure,
    /// A maintenance.
    Maintenance,
}

impl EpisodeKind {
    /// The Avro symbol, and the text in JSON and CSV.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Maintenance => "maintenance",
        }
    }
}

/// A failure or a maintenance of one machine, from its begin to its end.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Episode<'a> {
    /// The machine, also the record's key.
    pub machine_id: Cow<'a, str>,
    /// Which of the two it is.
    pub kind: EpisodeKind,
    /// Which failure, or `maintenance`.
    #[serde(rename = "type")]
    pub name: Cow<'a, str>,
    /// Event time of its begin, milliseconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// Event time of the first moment after it; `None` where it went on when the run ended.
    pub end: Option<i64>,
    /// `automatic`, `scenario` or `command`.
    pub cause: Cow<'a, str>,
}
