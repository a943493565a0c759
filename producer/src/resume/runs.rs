use millrace_core::kafka::Kafka;
use millrace_core::{Error, Result};
use rdkafka::message::Message;

use super::record::RunRecord;
use super::tail::Tail;

/// The topic that keeps what runs are and how far they came.
pub const RUNS_TOPIC: &str = "producer-runs";

/// What is kept of a run now, or nothing; of a run in transactions, what is committed.
///
/// # Errors
/// When the topic cannot be read, or what is kept is no record of a run.
pub fn find(kafka: &Kafka, run: &str, committed: bool) -> Result<Option<RunRecord>> {
    let tail = Tail::of(kafka, RUNS_TOPIC, 1, committed)?;
    let mut found = None;
    tail.back(|record| {
        match record {
            Some(record) if record.key() == Some(run.as_bytes()) => {
                found = record.payload().map(<[u8]>::to_vec);
            }
            _ => {}
        }
        Ok(found.is_some())
    })?;
    found.map(|value| read(run, &value)).transpose()
}

fn read(run: &str, value: &[u8]) -> Result<RunRecord> {
    serde_json::from_slice(value).map_err(|e| {
        Error::failed(format!(
            "topic {RUNS_TOPIC} keeps no record of a run under {run} ({e}): begin anew without --resume"
        ))
    })
}
