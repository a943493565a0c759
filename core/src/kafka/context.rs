use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::DeliveryResult;

use super::cause;

const REMEDY: &str = "set message.timestamp.after.max.ms=9223372036854775807 on the topic";

/// What a record is to its run; librdkafka carries the number with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// One of the readings, which are counted.
    Reading = 0,
    /// Written beside them: truth, progress, replies.
    Beside = 1,
}

/// What became of the records that a producer was given; the counts are those of the readings.
#[derive(Debug, Default)]
pub struct Deliveries {
    acknowledged: AtomicU64,
    failed: AtomicU64,
    first_failure: Mutex<Option<(String, String)>>,
}

impl Deliveries {
    /// Records that all in-sync replicas have.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Records that the broker refused.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// The topic of the first of them, and why it was refused.
    pub fn first_failure(&self) -> Option<(String, String)> {
        self.first_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[cold]
    fn fail(&self, error: &KafkaError, topic: &str, role: usize) {
        let mut first = self.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
        let why = || match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::InvalidTimestamp) => {
                format!("the broker refuses its event time; {REMEDY}")
            }
            // What librdkafka makes of several refused timestamps in one batch.
            Some(RDKafkaErrorCode::InvalidRecord | RDKafkaErrorCode::InvalidDifferentRecord) => {
                format!("the broker refuses it, most likely for its event time; {REMEDY}")
            }
            _ => cause(error),
        };
        first.get_or_insert_with(|| (topic.to_owned(), why()));
        if role == Role::Reading as usize {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Counts deliveries, and tells the user when the cluster goes and comes back.
pub struct ProducerContext {
    bootstrap_servers: String,
    in_transactions: bool,
    deliveries: Arc<Deliveries>,
    down: AtomicBool,
}

impl ProducerContext {
    pub(super) fn new(bootstrap_servers: &str) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.to_owned(),
            in_transactions: false,
            deliveries: Arc::default(),
            down: AtomicBool::new(false),
        }
    }

    pub(super) fn of_transactions(bootstrap_servers: &str) -> Self {
        Self { in_transactions: true, ..Self::new(bootstrap_servers) }
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
    fn error(&self, error: KafkaError, _reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown)
            && !self.down.swap(true, Ordering::Relaxed)
        {
            eprintln!("Kafka at {} is out of reach; records wait until it is back", self.bootstrap_servers);
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
                if self.down.load(Ordering::Relaxed) && self.down.swap(false, Ordering::Relaxed) {
                    eprintln!("Kafka at {} is back", self.bootstrap_servers);
                }
            }
            // The transaction is broken, and its end tells what becomes of its records.
            Err((error, _)) if self.in_transactions && breaks_only_the_transaction(error) => {}
            Err((error, record)) => self.deliveries.fail(error, record.topic(), role),
        }
    }
}
