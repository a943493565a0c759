//! What a member does when its group changes: the callbacks of librdkafka, as events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use millrace_core::kafka::{cause, edges};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use super::coming::Coming;
use super::gone::missing;
use super::ledger::Ledger;
use crate::metrics::Standing;
use crate::settings::{Commit, Guarantee, Settings, Start};
use crate::state::Store;

/// How long a partition that goes may wait for the outputs of its records.
const LAST_OUTPUTS: Duration = Duration::from_secs(2);
const LOOK_UP: Duration = Duration::from_secs(10);

/// What happened to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// These partitions are its own from now on, beside those it had.
    Assigned(Vec<i32>),
    /// These partitions go; what was done with them is committed.
    Revoked(Vec<i32>),
    /// These partitions went without warning; others may have them already.
    Lost(Vec<i32>),
    /// These next offsets were committed, or were not.
    Committed(Vec<(i32, i64)>, Result<(), String>),
    /// It cannot go on.
    Failed(String),
}

/// A change, and when it happened, in milliseconds: it may be told later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    /// When.
    pub at: i64,
    /// What.
    pub change: Change,
}

/// The member as librdkafka calls it.
pub struct Member {
    pub(super) topic: String,
    pub(super) start: Start,
    pub(super) learn_from: Option<Start>,
    pub(super) verbose: bool,
    commit: Commit,
    in_transactions: bool,
    ledger: Arc<Ledger>,
    pub(super) store: Option<Arc<Store>>,
    changes: Mutex<Vec<Dated>>,
    standings: Mutex<BTreeMap<i32, Standing>>,
    /// Partitions that it has had before, which go on where the group is.
    begun: Mutex<BTreeSet<i32>>,
    /// Partitions that are its own and not read yet.
    pub(super) coming: Coming,
    servers: String,
    away: AtomicBool,
    /// Whether the topic went and is not there again.
    gone: AtomicBool,
    /// Whether it ever went.
    has_gone: AtomicBool,
}

impl Member {
    pub(super) fn new(settings: &Settings, ledger: Arc<Ledger>, store: Option<Arc<Store>>) -> Self {
        Self {
            topic: settings.topic.clone(),
            start: settings.start,
            learn_from: settings.learn_from,
            verbose: settings.verbose,
            commit: settings.commit,
            in_transactions: settings.guarantee == Guarantee::ExactlyOnce,
            ledger,
            store,
            changes: Mutex::default(),
            standings: Mutex::default(),
            begun: Mutex::default(),
            coming: Coming::default(),
            servers: settings.kafka.bootstrap_servers().to_owned(),
            away: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            has_gone: AtomicBool::new(false),
        }
    }

    pub(super) fn take_changes(&self) -> Vec<Dated> {
        std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn tell(&self, change: Change) {
        self.tell_of(Utc::now().timestamp_millis(), change);
    }

    fn tell_of(&self, at: i64, change: Change) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(Dated { at, change });
    }

    /// How far partitions are, as the client told last.
    pub(super) fn standings(&self) -> BTreeMap<i32, Standing> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says once that Kafka is back, when a record shows it.
    pub(super) fn is_back(&self) {
        if self.away.load(Ordering::Relaxed) && self.away.swap(false, Ordering::Relaxed) {
            eprintln!("Kafka at {} is back", self.servers);
        }
    }

    /// Says once that the topic went. That one is not there yet was said at the start.
    pub(super) fn is_gone(&self) {
        let was_there = !self.begun().is_empty();
        if was_there && !self.gone.swap(true, Ordering::Relaxed) {
            self.has_gone.store(true, Ordering::Relaxed);
            eprintln!("topic {} is gone; if it is made anew, it is read from its beginning", self.topic);
        }
    }

    /// Whether what the group has not committed of a partition is new: it was read before, or the topic went.
    pub(super) fn is_new_again(&self, partition: i32) -> bool {
        self.has_gone.load(Ordering::Relaxed) || self.begun().contains(&partition)
    }

    fn begun(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Partitions that come are not read before it is known where they go on.
    fn assign(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) {
        let partitions = partitions(list);
        self.coming.come(partitions.iter().map(|partition| (*partition, None)));
        let assigned = list.set_all_offsets(Offset::Offset(0)).and_then(|()| {
            match consumer.rebalance_protocol() {
                RebalanceProtocol::Cooperative => consumer.incremental_assign(list)?,
                _ => consumer.assign(list)?,
            }
            consumer.pause(list)
        });
        self.tell(match assigned {
            Ok(()) => Change::Assigned(partitions),
            Err(error) => Change::Failed(format!("partitions cannot be taken: {}", cause(&error))),
        });
    }

    /// Notes that partitions are read from now on: they go on where the group is if they go and come again.
    pub(super) fn has_begun(&self, partitions: &[i32]) {
        self.coming.end(partitions.iter().copied());
        if self.gone.swap(false, Ordering::Relaxed) {
            eprintln!("topic {} is there again", self.topic);
        }
        self.begun().extend(partitions);
    }

    /// Where partitions begin that the member has for the first time, if that is said.
    pub(super) fn placed(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &[i32],
    ) -> KafkaResult<BTreeMap<i32, Offset>> {
        if matches!(self.start, Start::Committed | Start::Beginning) {
            return Ok(BTreeMap::new());
        }
        let new: Vec<i32> =
            partitions.iter().copied().filter(|partition| !self.is_new_again(*partition)).collect();
        let mut placed = self.places(consumer, &new, self.start)?;
        if let Start::Offset(offset) = self.start
            && !placed.is_empty()
        {
            self.keep_within(consumer, offset, &mut placed)?;
        }
        Ok(placed)
    }

    /// A partition that ends before the offset at which reading is to begin is read from its end.
    fn keep_within(
        &self,
        consumer: &BaseConsumer<Self>,
        offset: i64,
        placed: &mut BTreeMap<i32, Offset>,
    ) -> KafkaResult<()> {
        let places = placed.keys().map(|partition| (&self.topic, *partition));
        for ((topic, partition), end) in edges(consumer, places, Offset::End)? {
            if end < offset {
                eprintln!(
                    "{topic} partition {partition} ends at offset {end}, before {offset}: what comes next is read of it"
                );
                placed.insert(partition, Offset::Offset(end));
            }
        }
        Ok(())
    }

    /// Where a beginning lies in partitions, where it is an offset or a time.
    pub(super) fn places(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &[i32],
        start: Start,
    ) -> KafkaResult<BTreeMap<i32, Offset>> {
        let at = match start {
            Start::Committed => return Ok(BTreeMap::new()),
            Start::Beginning => Offset::Beginning,
            Start::Offset(offset) | Start::Time(offset) => Offset::Offset(offset),
        };
        let mut places = TopicPartitionList::new();
        for partition in partitions {
            places.add_partition_offset(&self.topic, *partition, at)?;
        }
        if matches!(start, Start::Time(_)) && places.count() > 0 {
            places = consumer.offsets_for_times(places, LOOK_UP)?;
        }
        Ok(places.elements().iter().map(|place| (place.partition(), place.offset())).collect())
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let partitions = partitions(list);
        let lost = consumer.assignment_lost();
        // In transactions only whole ones are committed; what is in none is taken again by the next owner.
        if !lost && !self.in_transactions {
            self.commit_before_going(consumer, &partitions);
        }
        self.ledger.forget(&partitions);
        self.coming.end(partitions.iter().copied());
        // As soon as the group hears of it, the next owner may begin.
        let at = Utc::now().timestamp_millis();
        let left = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
            _ => consumer.unassign(),
        };
        if let Err(error) = left {
            self.tell(Change::Failed(format!("partitions cannot be given up: {}", cause(&error))));
        }
        self.tell_of(at, if lost { Change::Lost(partitions) } else { Change::Revoked(partitions) });
    }

    fn commit_before_going(&self, consumer: &BaseConsumer<Self>, partitions: &[i32]) {
        self.ledger.settle_within(LAST_OUTPUTS);
        let Ok(due) = self.ledger.due(Some(partitions)) else { return };
        if due.count() > 0 {
            let committed = consumer.commit(&due, CommitMode::Sync);
            self.tell(commit_change(&due, committed));
        }
    }
}

pub(super) fn commit_change(list: &TopicPartitionList, result: KafkaResult<()>) -> Change {
    change_of(list, result.map_err(|error| cause(&error)))
}

pub(super) fn change_of(list: &TopicPartitionList, result: Result<(), String>) -> Change {
    let elements = list.elements();
    let offsets = elements.iter().filter_map(|element| match element.offset() {
        Offset::Offset(offset) => Some((element.partition(), offset)),
        _ => None,
    });
    Change::Committed(offsets.collect(), result)
}

fn partitions(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(rdkafka::topic_partition_list::TopicPartitionListElem::partition).collect()
}

impl ClientContext for Member {
    fn error(&self, error: KafkaError, _reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown)
            && !self.away.swap(true, Ordering::Relaxed)
        {
            eprintln!("Kafka at {} is out of reach; reading goes on when it is back", self.servers);
        }
    }

    fn stats(&self, statistics: Statistics) {
        let partitions = statistics.topics.get(&self.topic).map(|topic| &topic.partitions);
        // Numbers below 0 stand for what the client does not know.
        let known = |offset: i64| Some(offset).filter(|offset| *offset >= 0);
        let standing = |(partition, of): (&i32, &rdkafka::statistics::Partition)| {
            (*partition, Standing { committed: known(of.committed_offset), end: known(of.ls_offset) })
        };
        let standings = partitions.into_iter().flatten().map(standing).collect();
        *self.standings.lock().unwrap_or_else(PoisonError::into_inner) = standings;
    }

    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        // All else that matters comes as an error or a change.
        if facility == "OFFSET"
            && let Some((partition, sentence)) = missing(&self.topic, message)
            // One that is only coming may have been asked for before it was known where it goes on.
            && !self.coming.all().contains_key(&partition)
        {
            eprintln!("{sentence}");
        }
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(consumer, list),
            _ => self.revoke(consumer, list),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        // A commit that is waited for is told by the one who waits.
        if self.commit == Commit::Async {
            if result.is_ok() {
                self.ledger.committed(offsets);
            }
            self.tell(commit_change(offsets, result));
        }
    }
}
