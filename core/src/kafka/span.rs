use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::{Kafka, bounds, cause};
use crate::error::{Error, Result};

const CALL: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(200);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// A live broker that keeps what it was asked for no longer than this is taken as gone.
const STALL: Duration = Duration::from_secs(60);

/// What lay in a topic at a moment: of each partition a first offset and an end, which stay although more is
/// written behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    topic: String,
    bounds: BTreeMap<i32, (i64, i64)>,
    /// Whether of transactions only what is committed is shown.
    committed: bool,
}

impl Span {
    /// What lies in a topic now and is committed; nothing where there is no such topic.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn of(kafka: &Kafka, topic: &str) -> Result<Self> {
        let reader = kafka.reader()?;
        let metadata = reader.fetch_metadata(Some(topic), CALL).map_err(|e| failed(topic, &e))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let partitions = found.map_or(0, |found| found.partitions().len() as i32);
        Self::of_partitions(kafka, topic, partitions, true)
    }

    /// What lies in a topic that has so many partitions, which may have been made only now: what is `committed`,
    /// or all that there is.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn of_partitions(kafka: &Kafka, topic: &str, partitions: i32, committed: bool) -> Result<Self> {
        Self::of_those(kafka, topic, 0..partitions, committed)
    }

    /// What lies in these partitions of a topic: what is `committed`, or all that there is.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn of_those(
        kafka: &Kafka,
        topic: &str,
        partitions: impl IntoIterator<Item = i32>,
        committed: bool,
    ) -> Result<Self> {
        let bounds = all_bounds(&kafka.isolated_reader(committed)?, topic, partitions)?;
        Ok(Self { topic: topic.to_owned(), bounds, committed })
    }

    /// With what transactions that are open now hold, which shows once they are committed.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn with_open_transactions(self, kafka: &Kafka) -> Result<Self> {
        let bounds = all_bounds(&kafka.isolated_reader(false)?, &self.topic, self.bounds.keys().copied())?;
        Ok(Self { bounds, ..self })
    }

    /// How many partitions it covers: all of the topic, or those it was made of; 0 where there is no such topic.
    pub fn partitions(&self) -> i32 {
        self.bounds.len() as i32
    }

    /// Whether an offset lies before the end of its partition.
    pub fn reaches(&self, partition: i32, offset: i64) -> bool {
        self.bounds.get(&partition).is_some_and(|(_, end)| offset < *end)
    }

    /// Waits until no transaction that began in it is open any more; `false` when one still is after `patience`.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn settles(&self, kafka: &Kafka, patience: Duration) -> Result<bool> {
        let (reader, began) = (kafka.isolated_reader(true)?, Instant::now());
        loop {
            let now = all_bounds(&reader, &self.topic, self.bounds.keys().copied())?;
            if now.values().zip(self.bounds.values()).all(|((_, now), (_, end))| now >= end) {
                return Ok(true);
            }
            if began.elapsed() >= patience {
                return Ok(false);
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Where each partition ends.
    pub fn ends(&self) -> Vec<i64> {
        self.bounds.values().map(|(_, end)| *end).collect()
    }

    /// Without what lies before these offsets.
    #[must_use]
    pub fn not_before(mut self, floors: &[i64]) -> Self {
        for ((first, _), floor) in self.bounds.values_mut().zip(floors) {
            *first = (*first).max(*floor);
        }
        self
    }

    /// What has come behind its end since.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn since(&self, kafka: &Kafka) -> Result<Self> {
        let now = Self::of_those(kafka, &self.topic, self.bounds.keys().copied(), self.committed)?;
        Ok(now.not_before(&self.ends()))
    }

    /// The last so many offsets of each partition.
    #[must_use]
    pub fn tail(mut self, offsets: i64) -> Self {
        for (first, end) in self.bounds.values_mut() {
            *first = (*first).max(end.saturating_sub(offsets));
        }
        self
    }

    /// Shows every record of it, each partition in its order.
    ///
    /// # Errors
    /// When the topic cannot be read to that end, and whatever `show` gives.
    pub fn each(
        &self,
        kafka: &Kafka,
        mut show: impl FnMut(&BorrowedMessage<'_>) -> Result<()>,
    ) -> Result<()> {
        let reader = kafka.isolated_reader(self.committed)?;
        // A set: a partition that others write to reaches an end more than once.
        let mut open = self.assign(&reader)?;
        let mut last = Instant::now();
        while !open.is_empty() {
            match reader.poll(POLL) {
                Some(Ok(record)) => {
                    let (partition, offset) = (record.partition(), record.offset());
                    if self.reaches(partition, offset) {
                        show(&record)?;
                    }
                    // The last offsets may be markers, which are never shown; then the partition's own end comes.
                    if !self.reaches(partition, offset + 1) {
                        open.remove(&partition);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
                // An outage passes, or the end does not come.
                Some(Err(error)) if is_away(&error) && last.elapsed() < STALL => continue,
                Some(Err(error)) => return Err(failed(&self.topic, &error)),
                None if last.elapsed() < STALL => continue,
                None => {
                    let why = "its end does not come";
                    return Err(Error::failed(format!("topic {} cannot be read: {why}", self.topic)));
                }
            }
            last = Instant::now();
        }
        Ok(())
    }

    /// Reads the partitions that hold something.
    fn assign(&self, reader: &BaseConsumer) -> Result<BTreeSet<i32>> {
        let mut list = TopicPartitionList::new();
        let mut open = BTreeSet::new();
        for (partition, (first, end)) in &self.bounds {
            if first < end {
                list.add_partition_offset(&self.topic, *partition, Offset::Offset(*first))
                    .map_err(|e| failed(&self.topic, &e))?;
                open.insert(*partition);
            }
        }
        reader.assign(&list).map_err(|e| failed(&self.topic, &e))?;
        Ok(open)
    }
}

fn all_bounds(
    reader: &BaseConsumer,
    topic: &str,
    partitions: impl IntoIterator<Item = i32>,
) -> Result<BTreeMap<i32, (i64, i64)>> {
    let of = |partition| Ok((partition, bounds(reader, topic, partition)?));
    partitions.into_iter().map(of).collect()
}

fn is_away(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    matches!(code, Some(Code::AllBrokersDown | Code::BrokerTransportFailure | Code::OperationTimedOut))
}

fn failed(topic: &str, error: &KafkaError) -> Error {
    Error::failed(format!("topic {topic} cannot be read: {}", cause(error)))
}
