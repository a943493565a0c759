//! What is told of a machine: `AnomalyAlert`, as a line for people or as JSON.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use millrace_schemas::AlertState;

use crate::machine::{FLAT_LINE, Found};
use crate::methods::residual::Failure;

/// An alert as a file or a pipe gives it: times are text, since there may be none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnomalyAlert {
    /// The same for all alerts of an episode: from machine, begin and detector.
    pub alert_id: String,
    /// The machine; empty where the input does not say.
    pub machine_id: String,
    /// The method.
    pub detector: String,
    /// SHA-256 of the model file, or `self-taught`.
    pub model_version: String,
    /// What became of it.
    pub state: AlertState,
    /// When it opened: a time, or a row's number where the input has no times.
    pub episode_start: String,
    /// When this was said.
    pub timestamp: String,
    /// How strange the machine was.
    pub score: f64,
    /// What the score is held against.
    pub threshold: f64,
    /// The sensor that is farthest off.
    pub sensor: String,
    /// How much each sensor has a part in it; they add up to 1.
    pub shares: BTreeMap<String, f64>,
    /// The likely failure, where its pattern is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_type: Option<String>,
    /// The cosine between what is seen and the failure's pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_probability: Option<f64>,
    /// How much of that failure there is: 1 is its full severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<f64>,
    /// The first reading that the alert rests on.
    pub evidence_from: String,
    /// The last.
    pub evidence_to: String,
}

/// The parts of an alert that come from the method.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// How strange.
    pub score: f64,
    /// Held against what.
    pub threshold: f64,
    /// Each sensor's part, in no particular unit.
    pub shares: Vec<f64>,
    /// Which sensor is named.
    pub sensor: usize,
    /// The likely failure and the cosine.
    pub failure: Option<(Failure, f64)>,
    /// How much of it there is.
    pub severity: Option<f64>,
}

impl Evidence {
    fn shares(&self, names: &[String]) -> BTreeMap<String, f64> {
        let total: f64 = self.shares.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        names.iter().cloned().zip(self.shares.iter().map(|share| share / total)).collect()
    }

    fn sensor(&self, names: &[String]) -> String {
        names.get(self.sensor).cloned().unwrap_or_default()
    }
}

impl Found {
    /// The alert of a machine with these sensors, as a file or a pipe gives it.
    pub fn alert(&self, machine: &str, version: &str, names: &[String], has_time: bool) -> AnomalyAlert {
        let alert = AnomalyAlert::from(&self.record(machine, version, names));
        if has_time {
            return alert;
        }
        let text = |moment: i64| format!("row {moment}");
        AnomalyAlert {
            alert_id: id(&[machine, &text(self.opened), self.detector]),
            episode_start: text(self.opened),
            timestamp: text(self.moment),
            evidence_from: text(self.from),
            evidence_to: text(self.moment),
            ..alert
        }
    }

    /// The same as a record for the topic of alerts.
    pub fn record(&self, machine: &str, version: &str, names: &[String]) -> millrace_schemas::AnomalyAlert {
        let of = &self.evidence;
        millrace_schemas::AnomalyAlert {
            alert_id: id(&[machine, &time(self.opened), self.detector]),
            machine_id: machine.to_owned(),
            detector: self.detector.to_owned(),
            model_version: version.to_owned(),
            state: self.state,
            episode_start: self.opened,
            timestamp: self.moment,
            score: of.score,
            threshold: of.threshold,
            sensor: of.sensor(names),
            shares: of.shares(names),
            failure_type: of.failure.map(|failure| failure.0.name().to_owned()),
            failure_probability: of.failure.map(|failure| failure.1),
            severity: of.severity,
            evidence_from: self.from,
            evidence_to: self.moment,
        }
    }
}

impl From<&millrace_schemas::AnomalyAlert> for AnomalyAlert {
    fn from(record: &millrace_schemas::AnomalyAlert) -> Self {
        Self {
            alert_id: record.alert_id.clone(),
            machine_id: record.machine_id.clone(),
            detector: record.detector.clone(),
            model_version: record.model_version.clone(),
            state: record.state,
            episode_start: time(record.episode_start),
            timestamp: time(record.timestamp),
            score: record.score,
            threshold: record.threshold,
            sensor: record.sensor.clone(),
            shares: record.shares.clone(),
            failure_type: record.failure_type.clone(),
            failure_probability: record.failure_probability,
            severity: record.severity,
            evidence_from: time(record.evidence_from),
            evidence_to: time(record.evidence_to),
        }
    }
}

impl AnomalyAlert {
    /// One line for people.
    pub fn sentence(&self) -> String {
        let machine = if self.machine_id.is_empty() { "" } else { " " };
        let head = format!("{}{machine}{}", self.timestamp, self.machine_id);
        let (sensor, score, threshold) = (&self.sensor, self.score, self.threshold);
        if self.state == AlertState::Closed {
            return format!("{head}: alert closed, open since {}", self.episode_start);
        }
        if self.detector == FLAT_LINE {
            return format!("{head}: ALERT {sensor} is stuck, the same value since {}", self.evidence_from);
        }
        let severity = self.severity.map(|severity| format!(" at {:.0}% of full severity", 100.0 * severity));
        let severity = severity.unwrap_or_default();
        let kind = match (&self.failure_type, self.failure_probability) {
            (Some(kind), Some(fit)) => format!(", likely {kind} (fits {:.0}%){severity}", 100.0 * fit),
            _ => String::new(),
        };
        if self.state == AlertState::Updated {
            let since = &self.episode_start;
            return format!("{head}: worse, {sensor}{kind}, score {score:.2}, alert open since {since}");
        }
        let since = &self.evidence_from;
        format!("{head}: ALERT {sensor}{kind}, score {score:.2} above {threshold:.2}, signs since {since}")
    }

    /// The same with the method's name, where several judge the same machines.
    pub fn sentence_of_method(&self) -> String {
        format!("{:<16} {}", self.detector, self.sentence())
    }
}

fn id(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\n").as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A time in the guide's form, UTC without a suffix.
pub fn time(milliseconds: i64) -> String {
    let time = DateTime::from_timestamp_millis(milliseconds).unwrap_or_default();
    let form = if milliseconds % 1000 == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.3f" };
    time.format(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_says_what_since_when_and_which_sensor() {
        let names = ["temperature".to_owned(), "vibration".to_owned()];
        let evidence = Evidence {
            score: 6.4,
            threshold: 6.1,
            shares: vec![3.0, 1.0],
            sensor: 0,
            failure: Some((Failure::Overheating, 0.93)),
            severity: Some(0.128),
        };
        let (opened, from) = (1_767_225_660_000, 1_767_225_600_000);
        let found =
            Found { detector: "residual", state: AlertState::Opened, moment: opened, opened, from, evidence };
        let alert = found.alert("M1", "self-taught", &names, true);
        assert_eq!(
            alert.sentence(),
            "2026-01-01T00:01:00 M1: ALERT temperature, likely overheating (fits 93%) at 13% of full severity, score \
             6.40 above 6.10, signs since 2026-01-01T00:00:00"
        );
        assert_eq!(alert.shares["temperature"], 0.75);
        assert_eq!(alert.alert_id.len(), 16);
        let record = found.record("M1", "self-taught", &names);
        assert_eq!((record.alert_id, record.episode_start), (alert.alert_id, opened));
        assert_eq!(record.severity, Some(0.128));
    }
}
