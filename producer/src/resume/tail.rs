use std::time::Duration;

use millrace_core::kafka::{Kafka, Span};
use millrace_core::{Error, Result};
use rdkafka::message::BorrowedMessage;

/// How long another producer's transaction may stand before the end: a little longer than Kafka leaves it.
const OPEN_TRANSACTION: Duration = Duration::from_secs(90);
/// Records a partition that are looked at first; eight times as many each time that they are not enough.
const FIRST_WINDOW: i64 = 2_000;

/// What lies in a topic: what is `committed` once no transaction that began before is open, or all that there is.
pub(super) fn settled(kafka: &Kafka, topic: &str, partitions: i32, committed: bool) -> Result<Span> {
    let span = Span::of_partitions(kafka, topic, partitions, committed)?.with_open_transactions(kafka)?;
    if committed && !span.settles(kafka, OPEN_TRANSACTION)? {
        return Err(Error::failed(format!("topic {topic} has a transaction that does not end")));
    }
    Ok(span)
}

/// Shows the records at the end, in order within a partition: more and more of them, from the first of them each
/// time, until `show` has seen enough, which it is asked with `None` after each window.
pub(super) fn backwards(
    span: &Span,
    kafka: &Kafka,
    mut show: impl FnMut(Option<&BorrowedMessage<'_>>) -> Result<bool>,
) -> Result<()> {
    let mut window = FIRST_WINDOW;
    loop {
        let tail = span.clone().tail(window);
        tail.each(kafka, |record| show(Some(record)).map(drop))?;
        if show(None)? || tail == *span {
            return Ok(());
        }
        window = window.saturating_mul(8);
    }
}
