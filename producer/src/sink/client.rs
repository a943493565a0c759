use std::sync::Arc;
use std::time::Duration;

use millrace_core::kafka::{Deliveries, Kafka, ProducerContext, cause};
use millrace_core::{Error, Result};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

/// Delivery reports collected at once while there is nothing else to do.
const REPORTS_AT_ONCE: usize = 64;
/// How long to leave a full queue to the brokers. Slept rather than polled: the last millisecond of a
/// poll with a timeout is spun away, which cost a fifth of the client's CPU time.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(1);

/// The one Kafka producer of a run, shared by all that the run writes to topics.
pub struct Client {
    producer: BaseProducer<ProducerContext>,
    deliveries: Arc<Deliveries>,
}

impl Client {
    /// A client that connects when it is used.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn new(kafka: &Kafka) -> Result<Self> {
        let producer = kafka.producer()?;
        let deliveries = producer.context().deliveries();
        Ok(Self { producer, deliveries })
    }

    /// Takes a record, whose opaque is its [`Role`](millrace_core::kafka::Role). A full queue slows the caller down; it never drops.
    ///
    /// # Errors
    /// When a record was refused for good, now or earlier.
    pub fn send(&self, mut record: BaseRecord<'_, str, [u8], usize>) -> Result<()> {
        let topic = record.topic;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => record = back,
                Err((error, _)) => return Err(refused(topic, &cause(&error))),
            }
            self.check()?;
            self.collect_and_rest();
        }
    }

    /// Collects one delivery report, which may stand for many records.
    pub fn poll(&self) {
        self.producer.poll(Duration::ZERO);
    }

    /// Collects the delivery reports that are there.
    pub fn collect(&self) {
        for _ in 0..REPORTS_AT_ONCE {
            self.poll();
        }
    }

    /// Waits until every record taken is acknowledged or refused.
    ///
    /// # Errors
    /// When one was refused, with its cause.
    pub fn drain(&self) -> Result<()> {
        while self.producer.in_flight_count() > 0 {
            self.collect_and_rest();
        }
        self.check()
    }

    /// Whether every record so far was taken.
    ///
    /// # Errors
    /// When one was refused, with its topic and cause.
    pub fn check(&self) -> Result<()> {
        match self.deliveries.first_failure() {
            None => Ok(()),
            Some((topic, why)) => Err(refused(&topic, &why)),
        }
    }

    /// Readings that all in-sync replicas have.
    pub fn acknowledged(&self) -> u64 {
        self.deliveries.acknowledged()
    }

    /// Readings that the broker refused.
    pub fn failed(&self) -> u64 {
        self.deliveries.failed()
    }

    fn collect_and_rest(&self) {
        self.collect();
        std::thread::sleep(FULL_QUEUE_PAUSE);
    }
}

fn refused(topic: &str, why: &str) -> Error {
    Error::failed(format!("topic {topic} does not take a record: {why}"))
}
