use millrace_core::kafka::{Kafka, Role, Span, TopicDefaults, partition_of};
use millrace_core::{Error, Result};
use rdkafka::message::{Message, Timestamp};
use rdkafka::producer::BaseRecord;

use super::Cleaned;
use super::ledger::Source;
use crate::disorder::undo::Records;
use crate::sink::Client;

/// Cleans a topic into another, which is made with as many partitions.
pub(super) fn clean(kafka: &Kafka, ledger: &Source, from: &str, to: &str) -> Result<Cleaned> {
    // Before the ledger, which is ahead of what it tells of: so a run that goes on does no harm.
    let input = existing(kafka, from)?;
    let mut undo = Records::default();
    ledger.read(|entry| {
        undo.learn(entry);
        Ok(())
    })?;
    let output = kafka.ensure_topic(to, Some(input.partitions()), &TopicDefaults::default())?;
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
    input.each(kafka, |record| {
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
    Span::of(kafka, topic)?.each(kafka, |_| {
        Err(Error::failed(format!("topic {topic} holds records already; take another --output")))
    })
}

/// What lies in a topic, which must be there.
pub(super) fn existing(kafka: &Kafka, topic: &str) -> Result<Span> {
    let span = Span::of(kafka, topic)?;
    match span.partitions() {
        0 => Err(Error::failed(format!("there is no topic {topic}"))),
        _ => Ok(span),
    }
}
