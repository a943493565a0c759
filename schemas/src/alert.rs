//! What is told of a machine that behaves strangely.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// That a machine behaves strangely, or no longer does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AnomalyAlert {
    /// The same for all alerts of an episode; follows from machine, begin and detector.
    pub alert_id: String,
    /// The machine, also the record's key.
    pub machine_id: String,
    /// The method.
    pub detector: String,
    /// What the method was set to, or the digest of its model.
    pub model_version: String,
    /// What became of the episode.
    pub state: AlertState,
    /// Event time at which the episode was opened, milliseconds since 1970-01-01T00:00:00Z.
    pub episode_start: i64,
    /// Event time of the reading at which this was said, in milliseconds.
    pub timestamp: i64,
    /// How strange the machine is.
    pub score: f64,
    /// What the score is held against.
    pub threshold: f64,
    /// The sensor that is farthest off.
    pub sensor: String,
    /// Each sensor's part in the score; they add up to 1.
    pub shares: BTreeMap<String, f64>,
    /// The likely failure, where its pattern is known.
    pub failure_type: Option<String>,
    /// How sure that is, 0 to 1.
    pub failure_probability: Option<f64>,
    /// How far the failure has grown, 0 to 1.
    pub severity: Option<f64>,
    /// Event time of the first reading that the alert rests on, in milliseconds.
    pub evidence_from: i64,
    /// Event time of the last, in milliseconds.
    pub evidence_to: i64,
}

/// What became of an episode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// Something that this version does not know.
    #[default]
    Unknown,
    /// It begins.
    Opened,
    /// It goes on and has become worse.
    Updated,
    /// It is over.
    Closed,
}
