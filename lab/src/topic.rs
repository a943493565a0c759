//! Reading a whole topic, without a group.

use std::time::Duration;

use millrace_core::Result;
use millrace_core::kafka::{Kafka, Span};
use rdkafka::message::BorrowedMessage;

const CALL: Duration = Duration::from_secs(10);

/// Shows everything that lies in a topic now, each partition in its order; of transactions, what is committed.
///
/// # Errors
/// When the topic cannot be read to its end.
pub fn for_each(kafka: &Kafka, topic: &str, mut show: impl FnMut(&BorrowedMessage<'_>)) -> Result<()> {
    let span = Span::of(kafka, topic)?.with_open_transactions(kafka)?;
    // What a transaction holds shows a moment after its end; one that was abandoned is not waited for long.
    span.settles(kafka, CALL)?;
    span.each(kafka, |record| {
        show(record);
        Ok(())
    })
}

/// How many partitions a topic has; 0 where it is not there.
///
/// # Errors
/// When the cluster does not answer.
pub fn partitions(kafka: &Kafka, topic: &str) -> Result<i32> {
    Span::of(kafka, topic).map(|span| span.partitions())
}
