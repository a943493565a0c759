use super::encode::{NULL, VALUE, long, string};
use crate::truth::{Episode, SensorTruth};

/// Appends the Avro body of a truth, as [`SENSOR_TRUTH`](crate::subject::SENSOR_TRUTH) describes it.
pub fn encode_truth(truth: &SensorTruth<'_>, out: &mut Vec<u8>) {
    string(&truth.machine_id, out);
    long(truth.timestamp, out);
    long(truth.sequence, out);
    long(i64::from(truth.anomaly_label), out);
    string(&truth.anomaly_type, out);
    out.extend_from_slice(&truth.severity.to_le_bytes());
}

/// Appends the Avro body of an episode, as [`EPISODE`](crate::subject::EPISODE) describes it.
pub fn encode_episode(episode: &Episode<'_>, out: &mut Vec<u8>) {
    string(&episode.machine_id, out);
    out.push((episode.kind as u8) << 1);
    string(&episode.name, out);
    long(episode.start, out);
    match episode.end {
        None => out.push(NULL),
        Some(end) => {
            out.push(VALUE);
            long(end, out);
        }
    }
    string(&episode.cause, out);
}
