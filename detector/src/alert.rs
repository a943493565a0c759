//! What is told of a machine: `AnomalyAlert`, as a line for people or as JSON.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::alarm::Change;

/// An alert that opened or closed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnomalyAlert {
    /// The same for all alerts of an episode: from machine, begin and detector.
    pub alert_id: String,
    /// The machine; empty where the input does not say.
    pub machine_id: String,
    /// The method.
    pub detector: &'static str,
    /// SHA-256 of the model file, or `self-taught`.
    pub model_version: String,
    /// `opened` or `closed`.
    pub state: &'static str,
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
    pub failure_type: Option<&'static str>,
    /// The cosine between what is seen and the failure's pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_probability: Option<f64>,
    /// The first reading that the alert rests on.
    pub evidence_from: String,
    /// The last.
    pub evidence_to: String,
}

/// The parts of an alert that come from the method.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Whether it opens or closes.
    pub change: Change,
    /// How strange.
    pub score: f64,
    /// Held against what.
    pub threshold: f64,
    /// Each sensor's part, in no particular unit.
    pub shares: Vec<f64>,
    /// Which sensor is named.
    pub sensor: usize,
    /// The likely failure and the cosine.
    pub failure: Option<(&'static str, f64)>,
}

/// Where and when an alert is.
#[derive(Debug, Clone)]
pub struct Moment<'a> {
    /// The machine.
    pub machine: &'a str,
    /// Now.
    pub now: String,
    /// When the episode opened.
    pub opened: String,
    /// The first reading that the alert rests on.
    pub evidence_from: String,
}

impl AnomalyAlert {
    /// An alert of a method, for sensors of these names.
    pub fn new(
        detector: &'static str,
        model_version: &str,
        names: &[String],
        at: &Moment<'_>,
        of: &Evidence,
    ) -> Self {
        let total: f64 = of.shares.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        Self {
            alert_id: id(&[at.machine, &at.opened, detector]),
            machine_id: at.machine.to_owned(),
            detector,
            model_version: model_version.to_owned(),
            state: if of.change == Change::Opened { "opened" } else { "closed" },
            episode_start: at.opened.clone(),
            timestamp: at.now.clone(),
            score: of.score,
            threshold: of.threshold,
            sensor: names[of.sensor].clone(),
            shares: names.iter().cloned().zip(of.shares.iter().map(|share| share / total)).collect(),
            failure_type: of.failure.map(|failure| failure.0),
            failure_probability: of.failure.map(|failure| failure.1),
            evidence_from: at.evidence_from.clone(),
            evidence_to: at.now.clone(),
        }
    }

    /// One line for people.
    pub fn sentence(&self) -> String {
        let machine = if self.machine_id.is_empty() { "" } else { " " };
        let head = format!("{}{machine}{}", self.timestamp, self.machine_id);
        if self.state == "closed" {
            return format!("{head}: alert closed, open since {}", self.episode_start);
        }
        let kind = match (self.failure_type, self.failure_probability) {
            (Some(kind), Some(fit)) => format!(", likely {kind} (fits {:.0}%)", 100.0 * fit),
            _ => String::new(),
        };
        let (sensor, score, threshold) = (&self.sensor, self.score, self.threshold);
        let since = &self.evidence_from;
        format!("{head}: ALERT {sensor}{kind}, score {score:.2} above {threshold:.2}, signs since {since}")
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
        let at = Moment {
            machine: "M1",
            now: time(1_767_225_660_000),
            opened: time(1_767_225_660_000),
            evidence_from: time(1_767_225_600_000),
        };
        let evidence = Evidence {
            change: Change::Opened,
            score: 6.4,
            threshold: 6.1,
            shares: vec![3.0, 1.0],
            sensor: 0,
            failure: Some(("overheating", 0.93)),
        };
        let alert = AnomalyAlert::new("residual", "self-taught", &names, &at, &evidence);
        assert_eq!(
            alert.sentence(),
            "2026-01-01T00:01:00 M1: ALERT temperature, likely overheating (fits 93%), score 6.40 above 6.10, \
             signs since 2026-01-01T00:00:00"
        );
        assert_eq!(alert.shares["temperature"], 0.75);
        assert_eq!(alert.alert_id.len(), 16);
    }
}
