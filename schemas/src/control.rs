//! What is said to a running producer, and what it answers.

use serde::{Deserialize, Serialize};

/// What a running producer is asked to do, as it is written; nothing of it is checked yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlCommand {
    /// Its name: a command given twice under one id is obeyed and answered once.
    pub id: String,
    /// inject, clear, maintain, set_rate, set_speed, pause, resume, stop or show_states.
    pub action: String,
    /// Whom it is for; `None` = every machine.
    #[serde(default)]
    pub machine_id: Option<String>,
    /// The kind of failure; `None` = drawn from the id.
    #[serde(default)]
    pub failure: Option<String>,
    /// Stream hours to full severity.
    #[serde(default)]
    pub hours: Option<f64>,
    /// Severity from the first moment on, above 0 and at most 1.
    #[serde(default)]
    pub severity: Option<f64>,
    /// Stream minutes of maintenance.
    #[serde(default)]
    pub minutes: Option<f64>,
    /// Samples per stream second and machine.
    #[serde(default)]
    pub rate: Option<f64>,
    /// Stream seconds per wall second, or `max`.
    #[serde(default)]
    pub speed: Option<String>,
}

/// The one answer to a command.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ControlReply {
    /// The id of the command.
    pub command_id: String,
    /// What became of it.
    pub status: ControlStatus,
    /// Why it was not accepted, in one sentence.
    pub reason: Option<String>,
    /// Event time from which it took effect, milliseconds since 1970-01-01T00:00:00Z.
    pub timestamp: Option<i64>,
    /// Sequence of each machine's first reading at or after that time.
    pub sequence: Option<i64>,
    /// Who answers: the output and the share.
    pub producer: String,
    /// The run's seed, in decimal digits: Avro has no unsigned long.
    pub seed: Option<String>,
    /// Event time of the run's first reading, milliseconds since 1970-01-01T00:00:00Z.
    pub start: Option<i64>,
    /// The command, with what was left open filled in.
    pub command: Option<ControlCommand>,
    /// How the machines are at that time, where that was asked for.
    pub states: Vec<MachineState>,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlStatus {
    /// Something that this version does not know.
    #[default]
    Unknown,
    /// It takes effect.
    Accepted,
    /// It cannot be carried out, and nothing changed.
    Refused,
    /// It is older than the producer's start, or came after its end, and nothing changed.
    Expired,
}

/// How a machine is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MachineState {
    /// Which one.
    pub machine_id: String,
    /// Whether it stands still for maintenance.
    pub in_maintenance: bool,
    /// The failure in progress.
    pub failure: Option<String>,
    /// Its severity, 0 to 1.
    pub severity: f64,
}
