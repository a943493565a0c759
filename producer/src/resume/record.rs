use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use millrace_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Mark, Start, options};
use crate::report::grouped;
use crate::scenario;
use crate::settings::{KafkaOutput, Settings};

/// What `producer-runs` keeps of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its name, the record's key.
    pub run: String,
    /// Where its readings lie.
    pub topic: String,
    /// Whether it goes on.
    pub state: State,
    /// Seed of every random number.
    pub seed: u64,
    /// Event time of the first sample, RFC 3339.
    pub start: String,
    /// Samples per stream second and machine.
    pub rate: f64,
    /// Whatever else its records depend on, by key of the config.
    pub options: BTreeMap<String, Value>,
    /// SHA-256 over seed, start, rate and options.
    pub options_hash: String,
    /// Where the topic's partitions ended when the run began.
    pub offsets: Vec<i64>,
    /// Where the answers to its commands lie.
    #[serde(default)]
    pub replies: Option<Mark>,
    /// Where its truth lies.
    #[serde(default)]
    pub truth: Option<Mark>,
    /// How far it is.
    pub progress: Progress,
    /// Drawn by the process that wrote it, so that no two write the same.
    pub process: u64,
    /// Of the producer.
    pub version: String,
}

/// Whether a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It does, or was killed.
    Running,
    /// It was stopped before its end.
    Stopped,
    /// It had a duration and reached its end.
    Complete,
}

/// How far a run is. In transactions it is exact; else the topic itself is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Ticks that were sent whole: the next sequence of every machine.
    pub ticks: u64,
    /// Readings that were sent.
    pub records: u64,
    /// Event time of the last tick, RFC 3339; before it, of the first.
    pub time: String,
}

impl RunRecord {
    /// What is kept of a run that begins.
    pub fn new(settings: &Settings, output: &KafkaOutput, offsets: Vec<i64>) -> Self {
        let start = time(settings.clock.start);
        let options = options::that_matter(settings, output);
        let options_hash = options::hash(settings.seed, &start, settings.clock.rate, &options);
        Self {
            run: output.recovery.run_id.clone(),
            topic: output.topic.clone(),
            state: State::Running,
            seed: settings.seed,
            progress: Progress { time: start.clone(), ..Progress::default() },
            start,
            rate: settings.clock.rate,
            options,
            options_hash,
            offsets,
            replies: None,
            truth: None,
            process: rand::random::<u32>().into(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The settings with the seed and the start of this run, where none were said.
    ///
    /// # Errors
    /// When it had another seed, start, rate or option than is said now.
    pub(super) fn settings(&self, said: &Settings, output: &KafkaOutput) -> Result<Settings> {
        let mut settings = said.clone();
        if !output.recovery.seed_is_said {
            settings.seed = self.seed;
        }
        if !output.recovery.start_is_said {
            settings.clock.start = milliseconds(&self.start).ok_or_else(|| {
                Error::failed(format!("run {} has no start but `{}` in producer-runs", self.run, self.start))
            })?;
            if let Some(path) = &output.recovery.scenario {
                settings.acts = scenario::read(path, &settings.machines, settings.clock.start)?.into();
            }
        }
        self.refuse_difference(&Self::new(&settings, output, Vec::new())).map(|()| settings)
    }

    fn refuse_difference(&self, now: &Self) -> Result<()> {
        let (before, now) = (self.all_that_matters(), now.all_that_matters());
        let mut keys = before.keys().chain(now.keys());
        let Some(key) = keys.find(|key| before.get(*key) != now.get(*key)) else { return Ok(()) };
        let show = |value: Option<&Value>| match value {
            None | Some(Value::Null) => "not set".to_owned(),
            Some(value) => value.to_string(),
        };
        let (was, is) = (show(before.get(key)), show(now.get(key)));
        Err(Error::failed(format!(
            "run {} has {key} {was}, and now it is {is}: say what it began with, or begin anew without --resume",
            self.run,
        )))
    }

    fn all_that_matters(&self) -> BTreeMap<String, Value> {
        let own = [
            ("topic", Value::from(self.topic.as_str())),
            ("seed", self.seed.into()),
            ("start", self.start.as_str().into()),
            ("rate", self.rate.into()),
        ];
        own.into_iter().map(|(key, value)| (key.to_owned(), value)).chain(self.options.clone()).collect()
    }

    /// The same run at a position.
    pub(super) fn at(self, start: &Start) -> Self {
        let ticks = start.position.ticks();
        let records = start.position.records(start.settings.machines.len());
        let time = time(start.replay.timeline(&start.settings, ticks).timestamp(ticks));
        let process = rand::random::<u32>().into();
        Self { state: State::Running, progress: Progress { ticks, records, time }, process, ..self }
    }

    /// The sentence about a run that is complete.
    pub(super) fn completion(&self) -> String {
        format!(
            "run {} is complete: {} records up to {}; a longer --duration goes on with it",
            self.run,
            grouped(self.progress.records),
            self.progress.time
        )
    }
}

/// RFC 3339, as users give it.
pub(super) fn time(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds)
        .map_or_else(String::new, |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// Milliseconds of what [`time`] wrote.
fn milliseconds(time: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(time).ok().map(|time| time.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Output, read};

    fn settings(flags: &[&str]) -> (Settings, KafkaOutput) {
        let ours = ["producer", "--mode", "kafka", "--start", "2026-01-01T00:00:00Z"];
        let settings = read(ours.iter().chain(flags).map(Into::into)).expect("fine").expect("a run");
        match settings.output.clone() {
            Output::Kafka(output) => (settings, *output),
            other => panic!("not Kafka: {other:?}"),
        }
    }

    fn record(flags: &[&str]) -> RunRecord {
        let (settings, output) = settings(flags);
        RunRecord::new(&settings, &output, vec![3, 0, 12])
    }

    #[test]
    fn a_run_is_kept_in_a_readable_form() {
        let machines = ["--machines", "PUMP_A", "PUMP_B", "--seed", "7", "--features", "rolling"];
        let mut record =
            record(&[&machines[..], &["--exactly-once", "--maintenance-interval", "60"]].concat());
        (record.process, record.version) = (1, "(of the producer)".to_owned());
        insta::assert_snapshot!(serde_json::to_string_pretty(&record).expect("JSON"));
        let read: RunRecord =
            serde_json::from_str(&serde_json::to_string(&record).expect("JSON")).expect("a record");
        assert_eq!(read, record);
    }

    #[test]
    fn what_was_not_said_is_taken_over_and_what_was_said_must_be_the_same() {
        let before = record(&["--seed", "7"]);
        let (said, output) = settings(&[]);
        assert_eq!(before.settings(&said, &output).expect("the same").seed, 7);
        let (said, output) = settings(&["--seed", "8"]);
        let refusal = before.settings(&said, &output).expect_err("another seed").to_string();
        assert_eq!(
            refusal,
            "run sensor-data-1of1 has seed 7, and now it is 8: say what it began with, or begin anew without --resume"
        );
        let (said, output) = settings(&["--features", "rolling"]);
        let refusal = before.settings(&said, &output).expect_err("another option").to_string();
        assert!(refusal.contains(r#" has features not set, and now it is "rolling""#), "{refusal}");
        let (said, output) = settings(&["--no-control"]);
        let refusal = before.settings(&said, &output).expect_err("its commands would be lost").to_string();
        assert!(
            refusal.contains(r#" has control_topic "sensor-control", and now it is not set:"#),
            "{refusal}"
        );
    }

    #[test]
    fn many_machines_are_told_by_their_hash() {
        let ids: Vec<String> = (0..51).map(|n| format!("M{n}")).collect();
        let of = |ids: &[String]| {
            let flags: Vec<&str> =
                ["--seed", "1", "--machines"].into_iter().chain(ids.iter().map(String::as_str)).collect();
            record(&flags).options["machines"].clone()
        };
        assert_eq!(of(&ids)["count"], 51);
        let mut others = ids.clone();
        others[50] = "N".to_owned();
        assert_ne!(of(&ids), of(&others));
        assert_eq!(record(&["--machines", "51"]).options["machines"], 51);
    }
}
