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
        self.client(&[&MEMBER[..], ours].concat())
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
}
