//! What a topic holds and how it is set, seen by a client that is not the producer.

use std::time::Duration;

use millrace_consumer::outbox::{Letter, Outbox};
use millrace_core::kafka::{Kafka, cause};
use millrace_core::{Error, Result};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};

const CALL: Duration = Duration::from_secs(10);

/// A record as it lies in Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its partition.
    pub partition: i32,
    /// Its key, as text.
    pub key: String,
    /// Its value.
    pub value: Vec<u8>,
    /// Its CreateTime, in milliseconds.
    pub timestamp: Option<i64>,
}

/// Everything that lies in a topic now, partition by partition in order of arrival.
///
/// # Errors
/// When the topic cannot be read to its end.
pub fn records(kafka: &Kafka, topic: &str) -> Result<Vec<Record>> {
    let mut all = Vec::new();
    for_each(kafka, topic, |message| {
        all.push(Record {
            partition: message.partition(),
            key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
            value: message.payload().unwrap_or_default().to_vec(),
            timestamp: create_time(message),
        });
    })?;
    all.sort_by_key(|record| record.partition);
    Ok(all)
}

/// Shows everything that lies in a topic now, each partition in its order.
///
/// # Errors
/// When the topic cannot be read to its end.
pub fn for_each(kafka: &Kafka, topic: &str, show: impl FnMut(&BorrowedMessage<'_>)) -> Result<()> {
    millrace_lab::topic::for_each(kafka, topic, show)
}

/// Gives records to their topics, many at a time, until all have arrived.
///
/// # Errors
/// When one is refused.
pub fn write(kafka: &Kafka, records: impl IntoIterator<Item = Letter>) -> Result<()> {
    Outbox::new(Some(kafka))?.deliver(records)
}

/// How many partitions a topic has; 0 where it is not there.
///
/// # Errors
/// When the cluster does not answer.
pub fn partitions(kafka: &Kafka, topic: &str) -> Result<i32> {
    millrace_lab::topic::partitions(kafka, topic)
}

/// One setting of a topic, as the broker gives it.
///
/// # Errors
/// When the cluster does not answer, or knows no such topic or setting.
pub fn setting(kafka: &Kafka, topic: &str, name: &str) -> Result<String> {
    let admin = admin(kafka)?;
    let asked = [ResourceSpecifier::Topic(topic)];
    let described =
        block_on(admin.describe_configs(&asked, &AdminOptions::new().request_timeout(Some(CALL))))?
            .map_err(|e| failed(topic, &e))?;
    let resource = described.into_iter().next().and_then(|resource| resource.ok());
    let value = resource.and_then(|resource| resource.get(name).and_then(|entry| entry.value.clone()));
    value.ok_or_else(|| Error::failed(format!("topic {topic} has no setting {name}")))
}

/// Makes a topic with the broker's own settings, as someone else would.
///
/// # Errors
/// When the cluster refuses.
pub fn make_plain(kafka: &Kafka, topic: &str, partitions: i32) -> Result<()> {
    make(kafka, topic, partitions, &[])
}

/// The same with some settings of its own.
///
/// # Errors
/// When the cluster refuses.
pub fn make(kafka: &Kafka, topic: &str, partitions: i32, settings: &[(&str, &str)]) -> Result<()> {
    let admin = admin(kafka)?;
    let mut wanted = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
    for (name, value) in settings {
        wanted = wanted.set(name, value);
    }
    let options = AdminOptions::new().operation_timeout(Some(CALL)).request_timeout(Some(CALL));
    let made = block_on(admin.create_topics([&wanted], &options))?.map_err(|e| failed(topic, &e))?;
    match made.into_iter().next() {
        Some(Ok(_)) => Ok(()),
        other => Err(Error::failed(format!("topic {topic} was not made: {other:?}"))),
    }
}

/// Deletes what lies before an offset of a partition.
///
/// # Errors
/// When the cluster refuses.
pub fn truncate(kafka: &Kafka, topic: &str, partition: i32, before: i64) -> Result<()> {
    let mut list = TopicPartitionList::new();
    let offset = Offset::Offset(before);
    list.add_partition_offset(topic, partition, offset).map_err(|e| failed(topic, &e))?;
    let options = AdminOptions::new().operation_timeout(Some(CALL)).request_timeout(Some(CALL));
    block_on(admin(kafka)?.delete_records(&list, &options))?.map_err(|e| failed(topic, &e)).map(drop)
}

/// Deletes a topic, as someone else would; it may take a moment to go.
///
/// # Errors
/// When the cluster refuses.
pub fn delete(kafka: &Kafka, topic: &str) -> Result<()> {
    let options = AdminOptions::new().operation_timeout(Some(CALL)).request_timeout(Some(CALL));
    block_on(admin(kafka)?.delete_topics(&[topic], &options))?.map_err(|e| failed(topic, &e)).map(drop)
}

fn admin(kafka: &Kafka) -> Result<AdminClient<DefaultClientContext>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.bootstrap_servers());
    config.create().map_err(|e| failed("admin", &e))
}

fn block_on<F: Future>(work: F) -> Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|e| Error::failed(format!("no runtime: {e}")))?.block_on(work))
}

/// The CreateTime of a record; `None` where it carries another time or none.
pub fn create_time(message: &BorrowedMessage<'_>) -> Option<i64> {
    match message.timestamp() {
        rdkafka::Timestamp::CreateTime(time) => Some(time),
        _ => None,
    }
}

fn failed(topic: &str, error: &KafkaError) -> Error {
    Error::failed(format!("topic {topic}: {}", cause(error)))
}
