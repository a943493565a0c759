use std::collections::HashMap;
use std::time::Duration;

use millrace_core::kafka::{Kafka, REJECTED_PREFIX, Span, TopicDefaults, cause, rejected_headers};
use millrace_core::{Error, Result};
use rdkafka::Timestamp;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::runtime::Runtime;

const CALL: Duration = Duration::from_secs(10);
const EXCEPTION: &str = "millrace.control.NoCommand";

/// The topic of what is no command: bytes, key, time and headers as they came, with the reason.
pub(super) struct DeadLetters {
    kafka: Kafka,
    topic: String,
    defaults: TopicDefaults,
    runtime: Runtime,
    /// Made with the first record, so that nobody has the topic who does not need it.
    producer: Option<FutureProducer>,
    /// The last record of each partition that is there already.
    last: HashMap<i32, i64>,
}

impl DeadLetters {
    /// The topic, which need not be there yet, of what is garbage in the topic of commands, `rejected` as it is now.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn new(kafka: Kafka, topic: String, defaults: TopicDefaults, rejected: &Span) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::failed(format!("topic {topic} cannot be written: {e}")))?;
        let mut last = last_rejected(&kafka, &topic)?;
        // Letters of a topic that was deleted and made anew tell nothing about what lies there now.
        last.retain(|partition, offset| rejected.reaches(*partition, *offset));
        Ok(Self { kafka, topic, defaults, runtime, producer: None, last })
    }

    /// Writes a record and why it is no command, unless an earlier run did.
    ///
    /// # Errors
    /// When the cluster does not take it.
    pub fn write(&mut self, record: &OwnedMessage, why: &str) -> Result<()> {
        let (partition, offset) = (record.partition(), record.offset());
        if self.last.get(&partition).is_some_and(|last| offset <= *last) {
            return Ok(());
        }
        let headers = rejected_headers(record, EXCEPTION, why);
        let mut letter = FutureRecord::<[u8], [u8]>::to(&self.topic).headers(headers);
        letter.key = record.key();
        letter.payload = record.payload();
        letter.timestamp = match record.timestamp() {
            Timestamp::CreateTime(time) => Some(time),
            _ => None,
        };
        let refuse = |e: KafkaError| Error::failed(format!("topic {}: {}", self.topic, cause(&e)));
        if self.producer.is_none() {
            self.kafka.ensure_topic(&self.topic, None, &self.defaults)?;
            self.producer = Some(self.kafka.prompt_producer(CALL)?);
        }
        let Some(producer) = &self.producer else { return Ok(()) };
        let sent = self.runtime.block_on(producer.send(letter, CALL));
        sent.map_err(|(error, _)| refuse(error))?;
        self.last.insert(partition, offset);
        Ok(())
    }
}

/// The last offset of each partition that was rejected before: they are rejected in order.
fn last_rejected(kafka: &Kafka, topic: &str) -> Result<HashMap<i32, i64>> {
    let mut last = HashMap::new();
    Span::of(kafka, topic)?.tail(1).each(kafka, |letter| {
        last.extend(origin(letter));
        Ok(())
    })?;
    Ok(last)
}

fn origin(letter: &BorrowedMessage<'_>) -> Option<(i32, i64)> {
    let number = |name: &str| {
        let key = format!("{REJECTED_PREFIX}{name}");
        let header = letter.headers()?.iter().find(|header| header.key == key)?;
        std::str::from_utf8(header.value?).ok()?.parse::<i64>().ok()
    };
    Some((i32::try_from(number("partition")?).ok()?, number("offset")?))
}
