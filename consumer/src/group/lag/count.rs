use std::collections::BTreeMap;

use millrace_core::Result;
use millrace_core::kafka::{Kafka, Span};
use rdkafka::message::Message;

use super::PartitionLag;

/// Reads what is unread, as one who sees only what is committed, and counts the records.
///
/// # Errors
/// When a topic cannot be read.
pub fn count(kafka: &Kafka, lags: &mut [PartitionLag]) -> Result<()> {
    for own in lags.chunk_by_mut(|one, next| one.topic == next.topic) {
        count_topic(kafka, own)?;
    }
    Ok(())
}

fn count_topic(kafka: &Kafka, own: &mut [PartitionLag]) -> Result<()> {
    // Partitions where the group has committed nothing, or everything, are not read.
    let behind: BTreeMap<i32, i64> =
        own.iter().filter(|lag| lag.lag > 0).map(|lag| (lag.partition, lag.next())).collect();
    let mut unread: BTreeMap<i32, (i64, i64)> = own.iter().map(|lag| (lag.partition, (lag.end, 0))).collect();
    let floors: Vec<i64> = behind.values().copied().collect();
    let span = Span::of_those(kafka, &own[0].topic, behind.into_keys(), true)?.not_before(&floors);
    span.each(kafka, |record| {
        if let Some((end, count)) = unread.get_mut(&record.partition())
            && record.offset() < *end
        {
            *count += 1;
        }
        Ok(())
    })?;
    for lag in own {
        lag.unread = unread.get(&lag.partition).map(|(_, count)| *count);
    }
    Ok(())
}
