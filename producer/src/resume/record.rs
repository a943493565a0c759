use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use millrace_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Mark, Start, options};
use crate::report::grouped;
use crate::scenario;
use crate::settings::{KafkaOutput, Recovery, Settings};
use crate::sink::Client;

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
    /// How many notes of it were written: no two are the same, so that one tells whether its transaction is in.
    #[serde(default)]
    pub notes: u64,
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
            notes: 0,
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
            let start = milliseconds(&self.start).ok_or_else(|| {
                Error::failed(format!("run {} has no start but `{}` in producer-runs", self.run, self.start))
            })?;
            settings = beginning_at(start, settings, &output.recovery)?;
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

    /// What `producer-runs` is to say next.
    pub(super) fn next_note(&mut self, state: State) -> Result<String> {
        self.state = state;
        self.notes += 1;
        serde_json::to_string(self)
            .map_err(|e| Error::failed(format!("the run's progress cannot be written: {e}")))
    }

    /// Tells a producer of the same run that still lives whose the run is from now on.
    pub(super) fn claim(&mut self, client: &Client) -> Result<()> {
        if !client.in_transactions() || self.state == State::Complete {
            return Ok(());
        }
        self.process = rand::random::<u32>().into();
        let note = self.next_note(self.state)?;
        client.note(&self.run, &note)
    }

    /// Refuses to go on in a topic that ends before what was committed to it.
    pub(super) fn refuse_made_anew(&self, ends: &[i64]) -> Result<()> {
        let before = self.offsets.iter().copied().chain(std::iter::repeat(0));
        let written: Vec<i64> = ends.iter().zip(before).map(|(end, offset)| end - offset).collect();
        let is_whole = written.iter().all(|count| *count >= 0)
            && written.iter().sum::<i64>() >= self.progress.records.cast_signed();
        if is_whole {
            return Ok(());
        }
        Err(Error::failed(format!(
            "topic {} holds less than run {} has written: it was made anew, so begin anew without --resume",
            self.topic, self.run
        )))
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

/// The settings of a run that turns out to begin at `start`, from which its scenario counts.
pub(super) fn beginning_at(start: i64, mut settings: Settings, recovery: &Recovery) -> Result<Settings> {
    settings.clock.start = start;
    if let Some(path) = &recovery.scenario {
        settings.acts = scenario::read(path, &settings.fleet, start)?.into();
    }
    Ok(settings)
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
        let (said, output) = settings(&["--repair-after", "7200"]);
        let refusal = before.settings(&said, &output).expect_err("other maintenance").to_string();
        assert!(refusal.contains(r#" has repair_after not set, and now it is "2h":"#), "{refusal}");
        let (said, output) = settings(&["--failures-from", "0s"]);
        before.settings(&said, &output).expect("the same as without");
        let (said, output) = settings(&["--no-control"]);
        let refusal = before.settings(&said, &output).expect_err("its commands would be lost").to_string();
        assert!(
            refusal.contains(r#" has control_topic "sensor-control", and now it is not set:"#),
            "{refusal}"
        );
    }

    #[test]
    fn no_two_notes_of_a_run_are_the_same() {
        let mut record = record(&["--seed", "7"]);
        let note = |record: &mut RunRecord| record.next_note(State::Running).expect("JSON");
        assert_ne!(note(&mut record), note(&mut record), "although it is paused");
    }

    #[test]
    fn a_topic_that_was_made_anew_is_told_by_what_it_lacks() {
        let mut record = record(&["--seed", "7"]);
        record.progress.records = 10;
        for (ends, is_whole) in
            [([3, 0, 22], true), ([9, 4, 12], true), ([2, 4, 30], false), ([3, 0, 21], false)]
        {
            assert_eq!(record.refuse_made_anew(&ends).is_ok(), is_whole, "{ends:?}");
        }
        record.progress.records = 0;
        record.refuse_made_anew(&[3, 0, 12]).expect("nothing was written yet");
    }

    /// The supervisor's command line stays the same while the time of an entry passes.
    #[test]
    fn a_scenario_counts_from_the_start_that_the_run_turns_out_to_have() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lesson.yaml");
        let entry = "{at: '2026-01-01T01:00:00Z', machine: MACHINE_002, failure: oil_leak, hours: 2}";
        std::fs::write(&path, format!("scenario: [{entry}]")).expect("written");
        let path = path.to_str().expect("text");
        let same = ["--machines", "3", "--share", "1/2", "--seed", "7", "--scenario", path];
        let before = record(&same);
        let said = ["producer", "--mode", "kafka", "--resume"];
        let said = read(said.iter().chain(&same).map(Into::into)).expect("not refused").expect("a run");
        let Output::Kafka(output) = said.output.clone() else { panic!("not Kafka") };
        let settings = before.settings(&said, &output).expect("the same scenario");
        assert_eq!(settings.acts.len(), 1, "whoever has its machine");
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
