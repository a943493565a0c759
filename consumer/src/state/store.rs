use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;
use std::time::Duration;

use millrace_core::kafka::{Kafka, Span};
use millrace_core::{Error, Result};
use rdkafka::message::{BorrowedMessage, Message};

use super::{Mark, Snapshot};
use crate::outbox::Letter;

/// How long a transaction that is open in the state's topic may take to end. Kafka ends what a killed member left
/// open after its `transaction.timeout.ms`.
const OPEN: Duration = Duration::from_secs(90);

/// Where the state of a group lies.
#[derive(Debug, Clone)]
pub struct Store {
    kafka: Kafka,
    input: String,
    topic: String,
    version: String,
    is_there: OnceLock<()>,
}

/// Where a partition goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// The partition.
    pub partition: i32,
    /// The offset up to which all that follows was given out: what the group has committed.
    pub committed: i64,
    /// The mark of the commit.
    pub mark: Mark,
}

/// A partition's state as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Where the partition goes on.
    pub begin: Begin,
    /// The last snapshot of each machine.
    pub machines: HashMap<String, Snapshot>,
}

impl Store {
    /// The store of a group that reads the topic `input`, for state that `version` describes.
    pub fn new(kafka: &Kafka, input: &str, group: &str, version: &str) -> Self {
        Self {
            kafka: kafka.clone(),
            input: input.to_owned(),
            topic: super::topic(group),
            version: Mark::version_of(version),
            is_there: OnceLock::new(),
        }
    }

    /// Makes its topic, with a partition for each of the input's, unless it is there.
    ///
    /// # Errors
    /// When it cannot be made, or is there with another number of partitions.
    pub fn prepare(&self) -> Result<()> {
        if self.is_there.get().is_none()
            && let Some(partitions) = self.kafka.partitions(&self.input)?
        {
            self.kafka.ensure_compacted_topic(&self.topic, partitions)?;
            let _ = self.is_there.set(());
        }
        Ok(())
    }

    /// What the state is of.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Reads the state of partitions.
    ///
    /// # Errors
    /// When the topic cannot be read, or a snapshot in it is none.
    pub fn load(&self, begins: Vec<Begin>) -> Result<Vec<Restored>> {
        if begins.is_empty() {
            return Ok(Vec::new());
        }
        let partitions: Vec<i32> = begins.iter().map(|begin| begin.partition).collect();
        let span = Span::of_those(&self.kafka, &self.topic, partitions, true)?;
        let span = span.with_open_transactions(&self.kafka)?;
        if !span.settles(&self.kafka, OPEN)? {
            return Err(Error::failed(format!(
                "a transaction in topic {} stays open for more than {} s; end the program that holds it",
                self.topic,
                OPEN.as_secs()
            )));
        }
        let empty = |begin: Begin| (begin.partition, Restored { begin, machines: HashMap::new() });
        let mut found: BTreeMap<i32, Restored> = begins.into_iter().map(empty).collect();
        span.each(&self.kafka, |record| match found.get_mut(&record.partition()) {
            Some(restored) => self.take(restored, record),
            None => Ok(()),
        })?;
        found.values().try_for_each(|restored| self.is_whole(restored))?;
        Ok(found.into_values().collect())
    }

    /// Refuses a state of which snapshots are gone: windows would be empty and nobody would know.
    fn is_whole(&self, Restored { begin, machines }: &Restored) -> Result<()> {
        let (found, expected) = (machines.len() as u64, begin.mark.snapshots.unwrap_or(0));
        if found >= expected {
            return Ok(());
        }
        Err(Error::failed(format!(
            "the state of {} partition {} is not whole: topic {} has {found} of its {expected} snapshots, so it was \
             deleted or cut short; to begin with empty windows, run once with --no-state, or reset the group by \
             kafka-consumer-groups.sh --reset-offsets --to-current",
            self.input, begin.partition, self.topic
        )))
    }

    /// Of a machine's snapshots the one that knows most is taken: a member that no longer owned the partition may
    /// have written an older one behind it.
    fn take(&self, restored: &mut Restored, record: &BorrowedMessage<'_>) -> Result<()> {
        let (Some(key), Some(value)) = (record.key(), record.payload()) else { return Ok(()) };
        let snapshot = Snapshot::from_bytes(value).map_err(|why| {
            let place = format!("topic {} partition {}", self.topic, record.partition());
            Error::failed(format!(
                "{place} offset {} is no snapshot: {why}; delete the topic to begin anew",
                record.offset()
            ))
        })?;
        let machine = String::from_utf8_lossy(key).into_owned();
        let is_newer = restored.machines.get(&machine).is_none_or(|known| known.applied <= snapshot.applied);
        if snapshot.life == restored.begin.mark.life && is_newer {
            restored.machines.insert(machine, snapshot);
        }
        Ok(())
    }

    /// The record of a machine's snapshot.
    pub fn letter(&self, partition: i32, machine: String, snapshot: &Snapshot) -> Letter {
        Letter {
            topic: self.topic.clone(),
            partition: Some(partition),
            key: Some(machine.into_bytes()),
            payload: Some(snapshot.to_bytes()),
            ..Letter::default()
        }
    }
}
