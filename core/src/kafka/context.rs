use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::DeliveryResult;

use super::reach::{News, Reach};
use super::{Kafka, cause};

const REMEDY: &str = "set message.timestamp.after.max.ms=9223372036854775807 on the topic";

/// What a record is to its run; librdkafka carries the number with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// One of the readings, which are counted.
    Reading = 0,
    /// Written beside them: truth, progress.
    Beside = 1,
    /// The answer to a command, without which a run can do.
    Answer = 2,
}

/// What became of the records that a producer was given; the counts are those of the readings.
#[derive(Debug, Default)]
pub struct Deliveries {
    acknowledged: AtomicU64,
    failed: AtomicU64,
    first_failure: Mutex<Option<Refusal>>,
    refused_answer: Mutex<Option<Refusal>>,
}

/// The topic of a record that was refused, and why.
type Refusal = (String, String);

impl Deliveries {
    /// Records that all in-sync replicas have.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Records that the broker refused.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// The topic of the first record that was refused, and why. Answers are left out.
    pub fn first_failure(&self) -> Option<Refusal> {
        self.first_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The topic of the first answer that was refused, and why.
    pub fn refused_answer(&self) -> Option<Refusal> {
        self.refused_answer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that a record with this [`Role`] was refused for good.
    #[cold]
    pub fn fail(&self, error: &KafkaError, topic: &str, role: usize) {
        let place = if role == Role::Answer as usize { &self.refused_answer } else { &self.first_failure };
        let mut first = place.lock().unwrap_or_else(PoisonError::into_inner);
        let why = || match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::InvalidTimestamp) => {
                format!("the broker refuses its event time; {REMEDY}")
            }
            // What librdkafka makes of several refused timestamps in one batch.
            Some(RDKafkaErrorCode::InvalidRecord | RDKafkaErrorCode::InvalidDifferentRecord) => {
                format!("the broker refuses it, most likely for its event time; {REMEDY}")
            }
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                "we may not write to it; have it allowed by Kafka's ACLs".to_owned()
            }
            _ => cause(error),
        };
        first.get_or_insert_with(|| (topic.to_owned(), why()));
        if role == Role::Reading as usize {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Counts deliveries, and tells the user when the cluster goes and comes back, or lets us in no longer.
pub struct ProducerContext {
    kafka: Kafka,
    in_transactions: bool,
    deliveries: Arc<Deliveries>,
    reach: Reach,
}

impl ProducerContext {
    pub(super) fn new(kafka: &Kafka) -> Self {
        Self {
            kafka: kafka.clone(),
            in_transactions: false,
            deliveries: Arc::default(),
            reach: Reach::default(),
        }
    }

    pub(super) fn of_transactions(kafka: &Kafka) -> Self {
        Self { in_transactions: true, ..Self::new(kafka) }
    }

    /// Whether its producer sends in transactions.
    pub fn in_transactions(&self) -> bool {
        self.in_transactions
    }

    /// The counts, shared.
    pub fn deliveries(&self) -> Arc<Deliveries> {
        Arc::clone(&self.deliveries)
    }
}

/// Failures that another attempt in another transaction need not meet again.
fn breaks_only_the_transaction(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::MessageTimedOut
                | Code::PurgeQueue
                | Code::PurgeInflight
                | Code::Fenced
                | Code::Fatal
                | Code::InvalidProducerEpoch
                | Code::InvalidTransactionalState
                | Code::OutOfOrderSequenceNumber
                | Code::UnknownProducerId
                | Code::ProducerFenced
        )
    )
}

impl ClientContext for ProducerContext {
    fn error(&self, error: KafkaError, reason: &str) {
        let is_lost = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        let news = if is_lost { self.reach.lost() } else { self.reach.heard(reason) };
        match news {
            Some(News::Gone) => {
                let server = self.kafka.bootstrap_servers();
                eprintln!("Kafka at {server} is out of reach; records wait until it is back");
            }
            Some(News::Refused(trouble, line)) => {
                eprintln!("{}; records wait until it lets us in", self.kafka.tell(trouble, &line));
            }
            None => {}
        }
    }

    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {
        // What matters reaches the user through `error` and the deliveries.
    }
}

impl rdkafka::producer::ProducerContext for ProducerContext {
    /// A [`Role`].
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, role: usize) {
        match result {
            Ok(_) => {
                if role == Role::Reading as usize {
                    self.deliveries.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                if self.reach.is_back() {
                    eprintln!("Kafka at {} is back", self.kafka.bootstrap_servers());
                }
            }
            // The transaction is broken, and its end tells what becomes of its records.
            Err((error, _)) if self.in_transactions && breaks_only_the_transaction(error) => {}
            Err((error, record)) => self.deliveries.fail(error, record.topic(), role),
        }
    }
}
