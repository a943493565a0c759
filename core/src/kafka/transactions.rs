use rdkafka::consumer::BaseConsumer;
use rdkafka::producer::BaseProducer;

use super::topic::is_demo;
use super::{Kafka, PRODUCER, ProducerContext};
use crate::error::Result;

impl Kafka {
    /// A producer for transactions under `id`, which Kafka lets one process at a time use. Records that no
    /// broker takes within `transaction.timeout.ms` break their transaction.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn transactional_producer(&self, id: &str) -> Result<BaseProducer<ProducerContext>> {
        let context = ProducerContext::of_transactions(self);
        self.client(&[&PRODUCER[..], &[("transactional.id", id)]].concat())
            .create_with_context(context)
            .map_err(|e| self.cannot_build(&e))
    }

    /// A [`reader`](Self::reader) that reports the end of each partition it has reached, and sees what is
    /// committed only, or all that there is.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn isolated_reader(&self, committed: bool) -> Result<BaseConsumer> {
        let level = if committed { "read_committed" } else { "read_uncommitted" };
        let ours = [
            ("group.id", "millrace-reader"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("enable.partition.eof", "true"),
            ("fetch.queue.backoff.ms", "10"),
            ("auto.offset.reset", "earliest"),
        ];
        let mut config = self.client(&ours);
        // Not the user's to set: what is read here decides where a run goes on.
        config.set("isolation.level", level);
        config.create().map_err(|e| self.cannot_build(&e))
    }

    /// Whether it is the demo broker, which has neither transactions nor compacted topics.
    ///
    /// # Errors
    /// When no client can be built.
    pub fn is_demo(&self) -> Result<bool> {
        Ok(is_demo(&self.admin()?))
    }
}
