use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};

use super::Kafka;
use crate::error::Result;

/// What every member of a group has. A record counts as read when its reader says so, never by itself.
const MEMBER: [(&str, &str); 5] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "true"),
    // The default of a second leaves a fast reader idle.
    ("fetch.queue.backoff.ms", "10"),
    // A topic that is not there yet is found soon after it is made.
    ("topic.metadata.refresh.interval.ms", "5000"),
];

impl Kafka {
    /// A member of a group, which `ours` and `context` make what it is.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn member<C: ConsumerContext>(&self, context: C, ours: &[(&str, &str)]) -> Result<BaseConsumer<C>> {
        // That records were deleted before they were read is told in a warning only.
        self.client(&[&MEMBER[..], ours].concat())
            .set_log_level(RDKafkaLogLevel::Warning)
            .create_with_context(context)
            .map_err(|e| self.cannot_build(&e))
    }

    /// A client that asks what a group has committed without being one of its members.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn observer(&self, group: &str) -> Result<BaseConsumer> {
        // As Kafka's own tools, it counts what open transactions have written.
        self.client(&[
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("isolation.level", "read_uncommitted"),
        ])
        .create()
        .map_err(|e| self.cannot_build(&e))
    }

    /// A reader for a record here and there in many partitions, in transactions that are not committed as well:
    /// it fetches so many bytes of each at a time, and reports the end of each that it has reached.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn glancing_reader(&self, bytes: usize) -> Result<BaseConsumer> {
        let bytes = bytes.to_string();
        self.client(&[
            ("group.id", "millrace-reader"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("enable.partition.eof", "true"),
            ("isolation.level", "read_uncommitted"),
            ("auto.offset.reset", "earliest"),
            ("fetch.message.max.bytes", &bytes),
            ("queued.min.messages", "1"),
            ("fetch.queue.backoff.ms", "10"),
            // An end is told only by an answer that holds nothing.
            ("fetch.wait.max.ms", "10"),
        ])
        .create()
        .map_err(|e| self.cannot_build(&e))
    }
}
