//! The log of changes in Kafka: one compacted topic, read whole at the start and appended to since.

use std::time::{Duration, Instant};

use millrace_core::kafka::{Kafka, cause};
use millrace_core::{Error, Result as Done};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};

use super::change::Change;
use super::problem::Problem;
use super::store::Store;

/// The topic that keeps the schemas.
pub const TOPIC: &str = "_millrace_schemas";

/// How long a write may wait for its acknowledgement: less than clients wait for an answer.
const WRITE: Duration = Duration::from_secs(4);
/// How long nothing may come while the topic is read at the start, when nobody waits for an answer yet.
const START: Duration = Duration::from_secs(30);

/// A log that can be read and appended to by one registry.
pub struct Log {
    kafka: Kafka,
    producer: FutureProducer,
    /// Whether a write failed, so that what the topic holds is not known.
    in_doubt: bool,
}

impl Log {
    /// Opens the log on a cluster, and makes its topic unless it is there.
    ///
    /// # Errors
    /// When the cluster does not answer or refuses, or the topic is there with other settings.
    pub fn open(kafka: Kafka) -> Done<Self> {
        kafka.check()?;
        kafka.ensure_compacted_topic(TOPIC, 1)?;
        let producer = kafka.prompt_producer(WRITE)?;
        Ok(Self { kafka, producer, in_doubt: false })
    }

    /// What the changes up to the topic's present end come to. A record that is none of ours is named on
    /// standard error and skipped.
    ///
    /// # Errors
    /// When the topic cannot be read to its end.
    pub fn read(&self) -> Done<Store> {
        read(&self.kafka, START)
    }

    /// Reads the topic again after a write whose end is not known; `None` where there is no doubt.
    ///
    /// # Errors
    /// When the cluster still does not answer.
    pub async fn recovered(&mut self) -> Result<Option<Store>, Problem> {
        if !self.in_doubt {
            return Ok(None);
        }
        let refuse = |error: Error| Problem::Store(error.to_string());
        // A new producer: what the old one still holds must not arrive after the topic was read.
        self.producer = self.kafka.prompt_producer(WRITE).map_err(refuse)?;
        let kafka = self.kafka.clone();
        let store = tokio::task::spawn_blocking(move || read(&kafka, WRITE)).await;
        let store = store.map_err(|e| Problem::Store(e.to_string()))?.map_err(refuse)?;
        self.in_doubt = false;
        Ok(Some(store))
    }

    /// Appends a change and waits until all in-sync replicas have it.
    ///
    /// # Errors
    /// When the cluster refuses it, or does not acknowledge it in time.
    pub async fn append(&mut self, change: &Change) -> Result<(), Problem> {
        let (key, value) = change.record().map_err(|e| Problem::Store(e.to_string()))?;
        let mut record = FutureRecord::<String, String>::to(TOPIC).key(&key);
        record.payload = value.as_ref();
        match self.producer.send(record, WRITE).await {
            Ok(_) => Ok(()),
            Err((error, _)) => {
                self.in_doubt = true;
                Err(self.refused(&error))
            }
        }
    }

    fn refused(&self, error: &KafkaError) -> Problem {
        let server = self.kafka.bootstrap_servers();
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageTimedOut | RDKafkaErrorCode::QueueFull) => {
                Problem::Timeout(format!(
                    "Kafka at {server} did not acknowledge the write to {TOPIC} within {} s; \
                 try again when it answers",
                    WRITE.as_secs()
                ))
            }
            _ => Problem::Store(format!("Kafka at {server} refused the write to {TOPIC}: {}", cause(error))),
        }
    }
}

fn read(kafka: &Kafka, patience: Duration) -> Done<Store> {
    let failed = |why: String| {
        let server = kafka.bootstrap_servers();
        Error::failed(format!("topic {TOPIC} at {server} cannot be read to its end: {why}"))
    };
    let reader = kafka.isolated_reader(true)?;
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(TOPIC, 0, Offset::Beginning).map_err(|e| failed(cause(&e)))?;
    reader.assign(&all).map_err(|e| failed(cause(&e)))?;
    replay(&reader, patience).map_err(failed)
}

fn replay(reader: &BaseConsumer, patience: Duration) -> Result<Store, String> {
    let mut store = Store::default();
    let mut last = Instant::now();
    loop {
        match reader.poll(Duration::from_millis(200)) {
            Some(Ok(record)) => {
                take(&mut store, &record);
                last = Instant::now();
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(store),
            Some(Err(error)) if is_final(&error) => return Err(cause(&error)),
            Some(Err(_)) | None if last.elapsed() < patience => {}
            Some(Err(error)) => return Err(cause(&error)),
            None => return Err(format!("nothing came for {} s", patience.as_secs())),
        }
    }
}

/// Whether waiting cannot mend it; librdkafka reports lost connections in the same way.
fn is_final(error: &KafkaError) -> bool {
    !matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure)
    )
}

fn take(store: &mut Store, record: &BorrowedMessage<'_>) {
    let change = record.key().ok_or_else(|| "it has no key".to_owned());
    let change = change.and_then(|key| Change::read(key, record.payload()));
    let applied = change.and_then(|change| store.apply(change).map_err(|e| e.to_string()));
    if let Err(why) = applied {
        eprintln!("schema registry: skips the record at offset {} of {TOPIC}: {why}", record.offset());
    }
}
