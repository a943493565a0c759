use std::sync::Arc;
use std::time::Duration;

use millrace_core::kafka::{Deliveries, ProducerContext, Role, cause, collect_and_rest};
use millrace_core::{Error, Result};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

/// Delivery reports collected at once while there is nothing else to do.
const REPORTS_AT_ONCE: usize = 64;

/// A record as the client takes it; its opaque is a [`Role`](millrace_core::kafka::Role).
pub type Record<'a> = BaseRecord<'a, str, [u8], usize>;

/// Why a record did not go into the queue.
pub(super) enum Trouble {
    /// The transaction it belongs to is broken.
    Broken,
    /// It, or one before it, was refused for good.
    Refused(Error),
}

/// The producer of Kafka's library, and what has become of its records.
pub(super) struct Link {
    pub producer: BaseProducer<ProducerContext>,
    pub deliveries: Arc<Deliveries>,
}

impl Link {
    pub fn new(producer: BaseProducer<ProducerContext>) -> Self {
        let deliveries = producer.context().deliveries();
        Self { producer, deliveries }
    }

    /// Queues a record. A full queue slows the caller down; it never drops.
    pub fn pass(&self, mut record: Record<'_>) -> std::result::Result<(), Trouble> {
        use RDKafkaErrorCode as Code;
        let topic = record.topic;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::QueueFull), back)) => record = back,
                // A client without transactions meets neither of the first two.
                Err((KafkaError::MessageProduction(Code::State | Code::Fenced | Code::Fatal), _))
                    if self.in_transactions() =>
                {
                    return Err(Trouble::Broken);
                }
                Err((error, record)) if record.delivery_opaque == Role::Answer as usize => {
                    self.deliveries.fail(&error, topic, Role::Answer as usize);
                    return Ok(());
                }
                Err((error, _)) => return Err(Trouble::Refused(refused(topic, &cause(&error)))),
            }
            self.check().map_err(Trouble::Refused)?;
            self.collect_and_rest();
        }
    }

    fn in_transactions(&self) -> bool {
        self.producer.context().in_transactions()
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

    /// Collects, and leaves the brokers some time.
    pub fn collect_and_rest(&self) {
        collect_and_rest(&self.producer);
    }

    /// Records whose delivery report has not come.
    pub fn in_flight(&self) -> i32 {
        self.producer.in_flight_count()
    }

    /// Whether every record so far was taken, or is to be sent again.
    pub fn check(&self) -> Result<()> {
        match self.deliveries.first_failure() {
            None => Ok(()),
            Some((topic, why)) => Err(refused(&topic, &why)),
        }
    }
}

fn refused(topic: &str, why: &str) -> Error {
    Error::failed(format!("topic {topic} does not take a record: {why}"))
}
