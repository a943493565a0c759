use millrace_core::kafka::Kafka;
use millrace_core::{Error, Result};
use rdkafka::message::Message;

use super::record::RunRecord;
use super::tail::{backwards, settled};

/// The topic that keeps what runs are and how far they came.
pub const RUNS_TOPIC: &str = "producer-runs";

/// What is kept of a run now, or nothing; of a run in transactions, what is committed.
///
/// # Errors
/// When the topic cannot be read, or what is kept is no record of a run.
pub(super) fn find(kafka: &Kafka, run: &str, committed: bool) -> Result<Option<RunRecord>> {
    last_note(kafka, run, committed)?.map(|note| read(run, &note)).transpose()
}

/// The same as it lies in the topic.
///
/// # Errors
/// When the topic cannot be read.
pub fn last_note(kafka: &Kafka, run: &str, committed: bool) -> Result<Option<String>> {
    let notes = settled(kafka, RUNS_TOPIC, 1, committed)?;
    let mut found = None;
    backwards(&notes, kafka, |record| {
        if let Some(record) = record.filter(|record| record.key() == Some(run.as_bytes())) {
            found = record.payload().map(|value| String::from_utf8_lossy(value).into_owned());
        }
        Ok(found.is_some())
    })?;
    Ok(found)
}

fn read(run: &str, note: &str) -> Result<RunRecord> {
    serde_json::from_str(note).map_err(|e| {
        Error::failed(format!(
            "topic {RUNS_TOPIC} keeps no record of a run under {run} ({e}): begin anew without --resume"
        ))
    })
}
