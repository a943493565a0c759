use std::sync::Arc;
use std::time::Duration;

use millrace_core::kafka::{Deliveries, Kafka, ProducerContext, cause};
use millrace_core::{Error, Result};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::Sink;
use crate::batch::{Batch, Part};

/// How often a delivery report is collected while records go in. One poll takes one report, which stands
/// for a whole batch of records, so this keeps up with batches of any sensible size.
const RECORDS_BETWEEN_POLLS: usize = 256;
/// Delivery reports collected at once while there is nothing else to do.
const REPORTS_AT_ONCE: usize = 64;
/// How long to leave a full queue to the brokers. Slept rather than polled: the last millisecond of a
/// poll with a timeout is spun away, which cost a fifth of the client's CPU time.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(1);

/// Sends records to a Kafka topic, each to its machine's partition, with event time as CreateTime.
pub struct KafkaSink {
    producer: BaseProducer<ProducerContext>,
    deliveries: Arc<Deliveries>,
    topic: String,
}

impl KafkaSink {
    /// A sink for a topic that is there.
    ///
    /// # Errors
    /// When the client cannot be built.
    pub fn new(kafka: &Kafka, topic: &str) -> Result<Self> {
        let producer = kafka.producer()?;
        let deliveries = producer.context().deliveries();
        Ok(Self { producer, deliveries, topic: topic.to_owned() })
    }

    fn send_part(&self, part: &Part) -> Result<()> {
        for (index, (record, payload)) in part.iter().enumerate() {
            let machines = &part.machines;
            self.enqueue(
                BaseRecord::to(&self.topic)
                    .key(machines.ids[record.machine].as_str())
                    .partition(machines.partitions[record.machine])
                    .timestamp(record.timestamp)
                    .payload(payload),
            )?;
            if index % RECORDS_BETWEEN_POLLS == 0 {
                self.producer.poll(Duration::ZERO);
            }
        }
        Ok(())
    }

    /// A full queue slows the simulation down; it never drops.
    fn enqueue(&self, mut record: BaseRecord<'_, str, [u8]>) -> Result<()> {
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => record = back,
                Err((error, _)) => return Err(self.broken(&cause(&error))),
            }
            self.check()?;
            self.collect_and_rest();
        }
    }

    fn collect(&self) {
        for _ in 0..REPORTS_AT_ONCE {
            self.producer.poll(Duration::ZERO);
        }
    }

    fn collect_and_rest(&self) {
        self.collect();
        std::thread::sleep(FULL_QUEUE_PAUSE);
    }

    fn check(&self) -> Result<()> {
        match self.deliveries.first_failure() {
            None => Ok(()),
            Some(why) => Err(self.broken(&why)),
        }
    }

    fn broken(&self, why: &str) -> Error {
        Error::failed(format!("topic {} does not take a record: {why}", self.topic))
    }
}

impl Sink for KafkaSink {
    fn send(&mut self, batch: &Batch) -> Result<()> {
        for part in &batch.parts {
            self.send_part(part)?;
        }
        self.producer.poll(Duration::ZERO);
        self.check()
    }

    fn poll(&mut self) {
        self.collect();
    }

    fn acknowledged(&self) -> u64 {
        self.deliveries.acknowledged()
    }

    fn failed(&self) -> u64 {
        self.deliveries.failed()
    }

    fn close(&mut self) -> Result<()> {
        while self.producer.in_flight_count() > 0 {
            self.collect_and_rest();
        }
        self.check()
    }
}
