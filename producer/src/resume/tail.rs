use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use millrace_core::kafka::{self, Kafka, cause};
use millrace_core::{Error, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};

/// The longest that nothing may come while the end is not reached.
const STALL: Duration = Duration::from_secs(30);
/// How long another producer's transaction may stand before the end: a little longer than Kafka leaves it.
const OPEN_TRANSACTION: Duration = Duration::from_secs(90);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
/// Records a partition that are looked at first; eight times as many each time that they are not enough.
const FIRST_WINDOW: i64 = 2_000;

/// The end of a topic, read backwards in growing windows.
pub(super) struct Tail<'a> {
    topic: &'a str,
    reader: BaseConsumer,
    /// First offset and end of each partition.
    bounds: Vec<(i64, i64)>,
}

impl<'a> Tail<'a> {
    /// The tail of `topic`, of what is `committed` only or of all that there is. Waits until no transaction
    /// that began before is open.
    pub fn of(kafka: &Kafka, topic: &'a str, partitions: i32, committed: bool) -> Result<Self> {
        let all = kafka.isolated_reader(false)?;
        let bounds = bounds(&all, topic, partitions)?;
        let reader = if committed { kafka.isolated_reader(true)? } else { all };
        let began = Instant::now();
        while committed && !reaches(&reader, topic, &bounds)? {
            if began.elapsed() > OPEN_TRANSACTION {
                return Err(Error::failed(format!("topic {topic} has a transaction that does not end")));
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
        Ok(Self { topic, reader, bounds })
    }

    /// Where each partition ends.
    pub fn ends(&self) -> Vec<i64> {
        self.bounds.iter().map(|(_, end)| *end).collect()
    }

    /// Looks at nothing before these offsets.
    pub fn not_before(&mut self, floors: &[i64]) {
        for ((first, _), floor) in self.bounds.iter_mut().zip(floors) {
            *first = (*first).max(*floor);
        }
    }

    /// Goes on to what has come behind its end since.
    pub fn onward(&mut self) -> Result<()> {
        let now = bounds(&self.reader, self.topic, self.bounds.len() as i32)?;
        for (bound, (_, end)) in self.bounds.iter_mut().zip(now) {
            *bound = (bound.1, end);
        }
        Ok(())
    }

    /// Shows the records at the end, in order within a partition: more and more of them, from the first of
    /// them each time, until `show` has seen enough, which it is asked with `None` after each window.
    pub fn back(&self, mut show: impl FnMut(Option<&BorrowedMessage<'_>>) -> Result<bool>) -> Result<()> {
        let mut window = FIRST_WINDOW;
        loop {
            let starts: Vec<i64> =
                self.bounds.iter().map(|(first, end)| (*first).max(end.saturating_sub(window))).collect();
            self.from(&starts, |record| show(Some(record)).map(drop))?;
            let is_whole = starts.iter().zip(&self.bounds).all(|(start, (first, _))| start <= first);
            if show(None)? || is_whole {
                return Ok(());
            }
            window = window.saturating_mul(8);
        }
    }

    /// Shows every record, in order within a partition.
    pub fn forth(&self, show: impl FnMut(&BorrowedMessage<'_>) -> Result<()>) -> Result<()> {
        self.from(&self.bounds.iter().map(|(first, _)| *first).collect::<Vec<_>>(), show)
    }

    /// Shows every record from `starts` to the end, whatever comes behind it meanwhile.
    fn from(&self, starts: &[i64], mut show: impl FnMut(&BorrowedMessage<'_>) -> Result<()>) -> Result<()> {
        let mut list = TopicPartitionList::new();
        let mut waiting = BTreeSet::new();
        for (partition, (start, (_, end))) in (0..).zip(starts.iter().zip(&self.bounds)) {
            if start < end {
                list.add_partition_offset(self.topic, partition, Offset::Offset(*start))
                    .map_err(|e| failed(self.topic, &e))?;
                waiting.insert(partition);
            }
        }
        self.reader.assign(&list).map_err(|e| failed(self.topic, &e))?;
        let mut last = Instant::now();
        while !waiting.is_empty() {
            match self.reader.poll(BETWEEN_LOOKS) {
                Some(Ok(record)) => {
                    let (partition, next) = (record.partition(), record.offset() + 1);
                    let end = self.bounds[partition as usize].1;
                    if !waiting.contains(&partition) {
                        continue;
                    }
                    if next <= end {
                        show(&record)?;
                    }
                    // The last offsets may be markers, which are not shown; then the partition's own end comes.
                    if next >= end {
                        waiting.remove(&partition);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(waiting.remove(&partition)),
                Some(Err(error)) => return Err(failed(self.topic, &error)),
                None if last.elapsed() > STALL => {
                    return Err(Error::failed(format!("topic {}: its end does not come", self.topic)));
                }
                None => continue,
            }
            last = Instant::now();
        }
        Ok(())
    }
}

/// First offset and end of every partition.
fn bounds(reader: &BaseConsumer, topic: &str, partitions: i32) -> Result<Vec<(i64, i64)>> {
    (0..partitions).map(|partition| kafka::bounds(reader, topic, partition)).collect()
}

/// Whether what the reader may see goes to the ends.
fn reaches(reader: &BaseConsumer, topic: &str, ends: &[(i64, i64)]) -> Result<bool> {
    let seen = bounds(reader, topic, ends.len() as i32)?;
    Ok(seen.iter().zip(ends).all(|((_, seen), (_, end))| seen >= end))
}

fn failed(topic: &str, error: &KafkaError) -> Error {
    Error::failed(format!("topic {topic} cannot be read: {}", cause(error)))
}
