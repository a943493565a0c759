use std::time::{Duration, Instant};

use rdkafka::consumer::BaseConsumer;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{BaseProducer, Producer};

use super::topic::is_demo;
use super::{Kafka, MOST_BYTES, PRODUCER, ProducerContext};
use crate::error::Result;

/// How often a transaction whose records do not get through is asked whether it is broken.
const BETWEEN_PROBES: Duration = Duration::from_millis(200);
/// Slept rather than polled: the last millisecond of a poll with a timeout is spun away.
const REST: Duration = Duration::from_millis(1);

/// What a failed call of a transaction asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is lost; the same call may succeed next time.
    SameCallAgain,
    /// The transaction is broken: it must be aborted, and another begun.
    Abort,
    /// The producer can do no more.
    Leave,
}

impl Verdict {
    /// What this failure asks for.
    pub fn of(error: &KafkaError) -> Self {
        match error {
            KafkaError::Transaction(inner) if inner.is_fatal() => Self::Leave,
            KafkaError::Transaction(inner) if inner.txn_requires_abort() => Self::Abort,
            KafkaError::Transaction(inner) if inner.is_retriable() => Self::SameCallAgain,
            KafkaError::Flush(_) => Self::SameCallAgain,
            _ => Self::Leave,
        }
    }
}

/// Collects the delivery reports that are there. Each batch has one, so one a look would take as many looks; and
/// an idle poll costs, so it ends with the first that brings nothing.
pub fn collect(producer: &BaseProducer<ProducerContext>) {
    let mut before = i32::MAX;
    while before > producer.in_flight_count() {
        before = producer.in_flight_count();
        producer.poll(Duration::ZERO);
    }
}

/// Collects delivery reports, and leaves the brokers some time.
pub fn collect_and_rest(producer: &BaseProducer<ProducerContext>) {
    collect(producer);
    std::thread::sleep(REST);
}

/// Waits until every record is acknowledged or refused; `false` as soon as the transaction is broken, since a
/// broken one sends nothing more, or it is given up.
pub fn drained(producer: &BaseProducer<ProducerContext>, is_given_up: impl Fn() -> bool) -> bool {
    let mut probed = Instant::now();
    while producer.in_flight_count() > 0 {
        collect_and_rest(producer);
        if probed.elapsed() > BETWEEN_PROBES {
            if is_given_up() || is_broken(producer) {
                return false;
            }
            probed = Instant::now();
        }
    }
    true
}

/// The library tells a transaction's state only by refusing: to begin another one in a sound transaction is
/// refused with no further consequence, in a broken one with the demand to abort.
fn is_broken(producer: &BaseProducer<ProducerContext>) -> bool {
    match producer.begin_transaction() {
        Err(KafkaError::Transaction(error)) => error.txn_requires_abort() || error.is_fatal(),
        _ => false,
    }
}

/// Makes a call that blocks, such as an abort, while delivery reports are collected: the library wants them to be.
///
/// # Errors
/// What the call gives.
pub fn while_collecting(
    producer: &BaseProducer<ProducerContext>,
    call: impl FnOnce() -> KafkaResult<()> + Send,
) -> KafkaResult<()> {
    std::thread::scope(|scope| {
        let called = scope.spawn(call);
        while !called.is_finished() {
            collect_and_rest(producer);
        }
        called.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

impl Kafka {
    /// A producer for transactions under `id` that are open for a moment only: Kafka ends one that takes longer
    /// than ten seconds, so that nobody waits long for what a killed program has left open.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn brief_transactional_producer(&self, id: &str) -> Result<BaseProducer<ProducerContext>> {
        let context = ProducerContext::of_transactions(self);
        let ours = [
            ("transactional.id", id),
            ("transaction.timeout.ms", "10000"),
            ("linger.ms", "1"),
            ("message.max.bytes", MOST_BYTES),
        ];
        self.client(&[&PRODUCER[..], &ours].concat())
            .create_with_context(context)
            .map_err(|e| self.cannot_build(&e))
    }

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
