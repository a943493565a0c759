//! Reading a whole topic, without a group.

use std::time::{Duration, Instant};

use millrace_core::kafka::{Kafka, cause};
use millrace_core::{Error, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Offset, TopicPartitionList};

const CALL: Duration = Duration::from_secs(10);
/// The longest that no record may come while some are missing.
const STALL: Duration = Duration::from_secs(30);

/// Shows everything that lies in a topic now, each partition in its order.
///
/// # Errors
/// When the topic cannot be read to its end.
pub fn for_each(kafka: &Kafka, topic: &str, mut show: impl FnMut(&BorrowedMessage<'_>)) -> Result<()> {
    let reader = kafka.reader()?;
    let mut missing = assign_all(&reader, topic)?;
    let mut last = Instant::now();
    while missing > 0 {
        match reader.poll(Duration::from_millis(200)) {
            Some(record) => {
                show(&record.map_err(|e| failed(topic, &e))?);
                missing -= 1;
                last = Instant::now();
            }
            None if last.elapsed() > STALL => {
                let problem = format!("{missing} records of topic {topic} do not come");
                return Err(Error::failed(problem));
            }
            None => {}
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

/// Reads all partitions from their beginnings; gives how many records lie there.
fn assign_all(reader: &BaseConsumer, topic: &str) -> Result<i64> {
    let mut list = TopicPartitionList::new();
    let mut count = 0;
    for partition in 0..partitions_seen(reader, topic)? {
        let (low, high) = reader.fetch_watermarks(topic, partition, CALL).map_err(|e| failed(topic, &e))?;
        count += high - low;
        list.add_partition_offset(topic, partition, Offset::Beginning).map_err(|e| failed(topic, &e))?;
    }
    reader.assign(&list).map_err(|e| failed(topic, &e))?;
    Ok(count)
}

fn partitions_seen(reader: &BaseConsumer, topic: &str) -> Result<i32> {
    let metadata = reader.fetch_metadata(Some(topic), CALL).map_err(|e| failed(topic, &e))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    Ok(found.map_or(0, |found| found.partitions().len() as i32))
}

fn failed(topic: &str, error: &KafkaError) -> Error {
    Error::failed(format!("topic {topic} cannot be read: {}", cause(error)))
}
