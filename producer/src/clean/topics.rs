use std::time::{Duration, Instant};

use millrace_core::kafka::{Kafka, Role, TopicDefaults, cause, partition_of};
use millrace_core::{Error, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message, Timestamp};
use rdkafka::producer::BaseRecord;
use rdkafka::{Offset, TopicPartitionList};

use super::Cleaned;
use super::ledger::Source;
use crate::disorder::undo::Records;
use crate::sink::Client;

const CALL: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(200);
/// A live broker that keeps what it was asked for no longer than this is taken as gone.
const STALL: Duration = Duration::from_secs(60);

/// Cleans a topic into another, which is made with as many partitions.
pub(super) fn clean(kafka: &Kafka, ledger: &Source, from: &str, to: &str) -> Result<Cleaned> {
    let mut undo = Records::default();
    ledger.read(|entry| {
        undo.expect(entry);
        Ok(())
    })?;
    let partitions = partitions(&kafka.reader_to_end()?, from)?;
    let output = kafka.ensure_topic(to, Some(partitions), &TopicDefaults::default())?;
    refuse_filled(kafka, to)?;
    let client = Client::new(kafka, None)?;
    let mut records = 0;
    let mut write = |key: &str, value: &[u8], timestamp| {
        records += 1;
        let record = BaseRecord::with_opaque_to(to, Role::Reading as usize)
            .key(key)
            .payload(value)
            .timestamp(timestamp)
            .partition(partition_of(key.as_bytes(), output.partitions));
        client.send(record)?;
        client.poll();
        Ok(())
    };
    for_each(kafka, from, |record| {
        let place = || format!("partition {} offset {} of topic {from}", record.partition(), record.offset());
        let key = record.key().and_then(|key| std::str::from_utf8(key).ok());
        match (key, record.payload(), record.timestamp()) {
            (Some(key), Some(value), Timestamp::CreateTime(time)) => undo.next(key, value, time, &mut write),
            _ => Err(Error::failed(format!(
                "{} has no machine, value or event time: it is no reading",
                place()
            ))),
        }
    })?;
    let found = undo.finish(&mut write)?;
    client.drain()?;
    Ok(Cleaned { records, found })
}

fn refuse_filled(kafka: &Kafka, topic: &str) -> Result<()> {
    for_each(kafka, topic, |_| {
        Err(Error::failed(format!("topic {topic} holds records already; take another --output")))
    })
}

/// Shows every committed record that lies in a topic now, each partition in its order.
pub(super) fn for_each(
    kafka: &Kafka,
    topic: &str,
    mut show: impl FnMut(&BorrowedMessage<'_>) -> Result<()>,
) -> Result<()> {
    let reader = kafka.reader_to_end()?;
    let mut list = TopicPartitionList::new();
    let mut left = partitions(&reader, topic)?;
    for partition in 0..left {
        list.add_partition_offset(topic, partition, Offset::Beginning).map_err(|e| failed(topic, &e))?;
    }
    reader.assign(&list).map_err(|e| failed(topic, &e))?;
    let mut last = Instant::now();
    while left > 0 {
        match reader.poll(POLL) {
            Some(Ok(record)) => show(&record)?,
            Some(Err(KafkaError::PartitionEOF(_))) => left -= 1,
            Some(Err(error)) => return Err(failed(topic, &error)),
            None if last.elapsed() < STALL => continue,
            None => return Err(Error::failed(format!("topic {topic}: the broker gives no more records"))),
        }
        last = Instant::now();
    }
    Ok(())
}

fn partitions(reader: &BaseConsumer, topic: &str) -> Result<i32> {
    let metadata = reader.fetch_metadata(Some(topic), CALL).map_err(|e| failed(topic, &e))?;
    match metadata.topics().iter().find(|t| t.name() == topic).map_or(0, |t| t.partitions().len()) {
        0 => Err(Error::failed(format!("there is no topic {topic}"))),
        partitions => Ok(partitions as i32),
    }
}

fn failed(topic: &str, error: &KafkaError) -> Error {
    Error::failed(format!("topic {topic}: {}", cause(error)))
}
