use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use millrace_core::kafka::{Kafka, cause};
use millrace_core::{Error, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, Timestamp, TopicPartitionList};

/// Bytes of each partition in one answer, and how long they are tried. A broker that has only larger batches sends
/// one of them an answer; one that has smaller ones sends many, which are of no use here.
const SIZES: [(usize, Duration); 3] = [
    (32 << 10, Duration::from_millis(400)),
    (256 << 10, Duration::from_millis(1_500)),
    (1 << 20, Duration::from_secs(10)),
];
const POLL: Duration = Duration::from_millis(100);

/// Offsets of partitions: from the first of each up to before the second.
pub(super) type Stretches = BTreeMap<i32, (i64, i64)>;

/// The time that a record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// Its maker's, in milliseconds.
    Made(i64),
    /// The broker's, when it came.
    Appended(i64),
}

impl Stamp {
    /// In milliseconds, whoever gave it.
    pub fn time(self) -> i64 {
        match self {
            Self::Made(time) | Self::Appended(time) => time,
        }
    }

    fn of(record: &BorrowedMessage<'_>) -> Option<Self> {
        match record.timestamp() {
            Timestamp::CreateTime(time) => Some(Self::Made(time)),
            Timestamp::LogAppendTime(time) => Some(Self::Appended(time)),
            Timestamp::NotAvailable => None,
        }
    }
}

/// Those who look at records, by how much they fetch at a time.
pub(super) struct Readers {
    all: Vec<(BaseConsumer, Duration)>,
    /// The first of them that has not fetched too little yet.
    enough: Cell<usize>,
}

impl Readers {
    pub fn new(kafka: &Kafka) -> Result<Self> {
        let reader = |(bytes, patience)| Ok((kafka.glancing_reader(bytes)?, patience));
        Ok(Self { all: SIZES.into_iter().map(reader).collect::<Result<_>>()?, enough: Cell::new(0) })
    }

    /// Reads one record of each stretch.
    fn glance(&self, topic: &str, stretches: &Stretches, which: Which) -> Result<BTreeMap<i32, Stamp>> {
        let (mut found, mut left) = (BTreeMap::new(), stretches.clone());
        for (at, (reader, patience)) in self.all.iter().enumerate().skip(self.enough.get()) {
            let (seen, open) = read(reader, topic, &left, which, *patience)?;
            found.extend(seen);
            left.retain(|partition, _| open.contains(partition));
            if left.is_empty() {
                break;
            }
            self.enough.set((at + 1).min(SIZES.len() - 1));
        }
        Ok(found)
    }
}

/// The stamps of the first and the last record of each stretch, where there are any: an offset may be that of a
/// marker, or of a record that was compacted away.
pub(super) fn ends(
    readers: &Readers,
    topic: &str,
    stretches: &Stretches,
) -> Result<BTreeMap<i32, (Stamp, Stamp)>> {
    let firsts = readers.glance(topic, stretches, Which::First)?;
    let begin = |partition: &i32| stretches.get(partition).map_or(0, |(from, _)| *from);
    // The last record is looked for in ever longer tails, each without those before it.
    let mut left: Stretches = stretches.clone();
    left.retain(|partition, _| firsts.contains_key(partition));
    let mut lasts = BTreeMap::new();
    let mut tail = 1;
    while !left.is_empty() {
        let short = |(partition, (_, to)): (&i32, &(i64, i64))| {
            (*partition, ((to - tail).max(begin(partition)), *to))
        };
        let tails: Stretches = left.iter().map(short).collect();
        let found = readers.glance(topic, &tails, Which::Last)?;
        left.retain(|partition, (_, to)| {
            *to = tails.get(partition).map_or(0, |(from, _)| *from);
            !found.contains_key(partition) && *to > begin(partition)
        });
        lasts.extend(found);
        tail *= 10;
    }
    let both = firsts
        .into_iter()
        .filter_map(|(partition, first)| Some((partition, (first, *lasts.get(&partition)?))));
    Ok(both.collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    First,
    Last,
}

/// What was found in time, and the partitions that were not read to their end.
fn read(
    reader: &BaseConsumer,
    topic: &str,
    stretches: &Stretches,
    which: Which,
    patience: Duration,
) -> Result<(BTreeMap<i32, Stamp>, BTreeSet<i32>)> {
    let refuse = |e: KafkaError| Error::failed(format!("topic {topic} cannot be read: {}", cause(&e)));
    let mut list = TopicPartitionList::new();
    for (partition, (from, _)) in stretches {
        list.add_partition_offset(topic, *partition, Offset::Offset(*from)).map_err(refuse)?;
    }
    reader.assign(&list).map_err(refuse)?;
    // A set: a partition that others write to reaches an end more than once.
    let mut open: BTreeSet<i32> = stretches.keys().copied().collect();
    let (mut found, mut paused) = (BTreeMap::new(), TopicPartitionList::new());
    let began = Instant::now();
    while !open.is_empty() && began.elapsed() < patience {
        match reader.poll(POLL) {
            Some(Ok(record)) if open.contains(&record.partition()) => {
                let (partition, next) = (record.partition(), record.offset() + 1);
                let to = stretches.get(&partition).map_or(0, |(_, to)| *to);
                if next <= to {
                    found.extend(Stamp::of(&record).map(|stamp| (partition, stamp)));
                }
                if which == Which::First || next >= to {
                    open.remove(&partition);
                    let mut seen = TopicPartitionList::new();
                    seen.add_partition(topic, partition);
                    reader.pause(&seen).map_err(refuse)?;
                    paused.add_partition(topic, partition);
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
            Some(_) | None => {}
        }
    }
    // A partition that is assigned again would still be paused.
    reader.resume(&paused).map_err(refuse)?;
    reader.unassign().map_err(refuse)?;
    Ok((found, open))
}
