//! Reading a whole topic, without a group.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use millrace_core::kafka::{self, Kafka, cause};
use millrace_core::{Error, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Offset, TopicPartitionList};

const CALL: Duration = Duration::from_secs(10);
/// The longest that no record may come while some are missing.
const STALL: Duration = Duration::from_secs(30);

/// Shows everything that lies in a topic now, each partition in its order; of transactions, what is committed.
///
/// # Errors
/// When the topic cannot be read to its end.
pub fn for_each(kafka: &Kafka, topic: &str, mut show: impl FnMut(&BorrowedMessage<'_>)) -> Result<()> {
    let reader = kafka.isolated_reader(true)?;
    settle(kafka, &reader, topic)?;
    let mut waiting = assign_all(&reader, topic)?;
    let mut last = Instant::now();
    while !waiting.is_empty() {
        match reader.poll(Duration::from_millis(200)) {
            Some(Ok(record)) => show(&record),
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(waiting.remove(&partition)),
            Some(Err(error)) => return Err(failed(topic, &error)),
            None if last.elapsed() > STALL => {
                return Err(Error::failed(format!("the end of topic {topic} does not come")));
            }
            None => continue,
        }
        last = Instant::now();
    }
    Ok(())
}

/// What a transaction holds shows a moment after its end; one that was abandoned is not waited for long.
fn settle(kafka: &Kafka, reader: &BaseConsumer, topic: &str) -> Result<()> {
    let (all, began) = (kafka.isolated_reader(false)?, Instant::now());
    for partition in 0..partitions_seen(reader, topic)? {
        let (_, end) = kafka::bounds(&all, topic, partition)?;
        while kafka::bounds(reader, topic, partition)?.1 < end && began.elapsed() < CALL {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// How many partitions a topic has; 0 where it is not there.
///
/// # Errors
/// When the cluster does not answer.
pub fn partitions(kafka: &Kafka, topic: &str) -> Result<i32> {
    partitions_seen(&kafka.reader()?, topic)
}

/// Reads all partitions from their beginnings; gives those that are not empty.
fn assign_all(reader: &BaseConsumer, topic: &str) -> Result<BTreeSet<i32>> {
    let mut list = TopicPartitionList::new();
    let mut waiting = BTreeSet::new();
    for partition in 0..partitions_seen(reader, topic)? {
        let (low, high) = kafka::bounds(reader, topic, partition)?;
        if low < high {
            waiting.insert(partition);
            list.add_partition_offset(topic, partition, Offset::Beginning).map_err(|e| failed(topic, &e))?;
        }
    }
    reader.assign(&list).map_err(|e| failed(topic, &e))?;
    Ok(waiting)
}

fn partitions_seen(reader: &BaseConsumer, topic: &str) -> Result<i32> {
    let metadata = reader.fetch_metadata(Some(topic), CALL).map_err(|e| failed(topic, &e))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    Ok(found.map_or(0, |found| found.partitions().len() as i32))
}

fn failed(topic: &str, error: &KafkaError) -> Error {
    Error::failed(format!("topic {topic} cannot be read: {}", cause(error)))
}
