use std::time::Duration;

use millrace_core::kafka::{TopicDefaults, partition_of};
use millrace_core::registry::RegistryClient;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_schemas::WindowStats;
use millrace_schemas::codec::RecordCodec;
use millrace_schemas::subject::{WINDOW_STATS, value_subject};
use rdkafka::message::{BorrowedMessage, Message};

use crate::outbox::Letter;
use crate::settings::{ClosedWindows, Settings};

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Where closed windows go, and records that came too late for them. Both topics have the partitions of the
/// topic that is read, so that what belongs to a machine stays together and in its order.
pub struct WindowTopics {
    codec: RecordCodec,
    schema: u32,
    metrics: Topic,
    late: Topic,
}

struct Topic {
    name: String,
    partitions: i32,
    /// Those of the topic that is read.
    of_input: i32,
}

impl WindowTopics {
    /// Looks the topics up or makes them, once the topic that is read is there; `None` where the end of the run is
    /// asked for first.
    ///
    /// # Errors
    /// When the cluster or the registry refuses.
    pub fn prepare(
        settings: &Settings,
        closed: &ClosedWindows,
        registry: &RegistryClient,
        shutdown: &Shutdown,
    ) -> Result<Option<Self>> {
        let Some(of_input) = partitions_of_input(settings, shutdown)? else { return Ok(None) };
        let ClosedWindows { metrics, late, .. } = closed;
        let schema = registry.register(&value_subject(metrics), WINDOW_STATS)?;
        let codec = RecordCodec::new(WINDOW_STATS).map_err(|e| Error::failed(format!("windows: {e}")))?;
        let defaults =
            TopicDefaults { default_partitions: Some(of_input), ..settings.topic_defaults.clone() };
        let topic = |name: &String| {
            let partitions = settings.kafka.ensure_topic(name, None, &defaults)?.partitions;
            Ok(Topic { name: name.clone(), partitions, of_input })
        };
        Ok(Some(Self { codec, schema, metrics: topic(metrics)?, late: topic(late)? }))
    }

    /// The record of a closed window of a machine in this partition of the input. Its CreateTime is the window's
    /// end.
    pub(super) fn metrics(&self, partition: i32, stats: &WindowStats) -> Result<Letter> {
        let payload = self
            .codec
            .encode(self.schema, stats)
            .map_err(|e| Error::failed(format!("a closed window cannot be written: {e}")))?;
        let key = stats.machine_id.clone().into_bytes();
        Ok(Letter {
            topic: self.metrics.name.clone(),
            partition: Some(self.metrics.partition(partition, Some(&key))),
            key: Some(key),
            payload: Some(payload),
            // Kafka refuses times before 1970, and the client takes 0 for now.
            timestamp: Some(stats.window_end).filter(|end| *end > 0),
            ..Letter::default()
        })
    }

    /// A record as it came.
    pub(super) fn late(&self, record: &BorrowedMessage<'_>) -> Letter {
        Letter {
            partition: Some(self.late.partition(record.partition(), record.key())),
            headers: record.headers().map(|headers| headers.detach()),
            ..Letter::as_it_came(&self.late.name, record)
        }
    }
}

impl Topic {
    /// The partition of the input, or by the key where a topic that was there has another number of them.
    fn partition(&self, input: i32, key: Option<&[u8]>) -> i32 {
        match key {
            _ if self.partitions == self.of_input && input < self.partitions => input,
            Some(key) => partition_of(key, self.partitions),
            None => input % self.partitions,
        }
    }
}

/// Waits for the topic that is read, whose number of partitions is needed.
fn partitions_of_input(settings: &Settings, shutdown: &Shutdown) -> Result<Option<i32>> {
    while !shutdown.is_requested() {
        let found = settings.kafka.partitions(&settings.topic)?;
        if found.is_some() {
            return Ok(found);
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_window_is_a_record_of_its_machine_at_its_end() {
        let topic = || Topic { name: "m".to_owned(), partitions: 3, of_input: 3 };
        let codec = RecordCodec::new(WINDOW_STATS).expect("a schema");
        let topics = WindowTopics { codec, schema: 7, metrics: topic(), late: topic() };
        let letter = |window_end| {
            let stats = WindowStats { machine_id: "A".to_owned(), window_end, ..WindowStats::default() };
            topics.metrics(2, &stats).expect("a letter")
        };
        let sent = letter(60_000);
        assert_eq!(
            (sent.partition, sent.key.as_deref(), sent.timestamp),
            (Some(2), Some(&b"A"[..]), Some(60_000))
        );
        assert_eq!(letter(-60_000).timestamp, None, "which Kafka would refuse");
    }

    #[test]
    fn a_machine_keeps_its_partition_or_has_that_of_its_key() {
        let topic = |partitions| Topic { name: String::new(), partitions, of_input: 3 };
        assert_eq!(topic(3).partition(2, Some(b"A")), 2);
        assert_eq!(topic(4).partition(2, Some(b"A")), partition_of(b"A", 4));
        assert_eq!(topic(1).partition(2, Some(b"A")), 0);
        assert_eq!(topic(2).partition(2, None), 0);
        assert!(topic(3).partition(3, Some(b"A")) < 3, "the input has grown");
    }
}
