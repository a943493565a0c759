//! Where readings come from: a member of a consumer group.
//!
//! Everything happens on the thread that asks for records: no callback comes at any other time. A member that
//! cannot go on for a while is [`held`](Source::hold): it goes on asking, with its partitions paused, so that
//! the group does not take them away.

mod decode;
mod ledger;
mod member;
mod take_over;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use millrace_core::kafka::cause;
use millrace_core::{Error, Result};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};

pub use decode::{Cause, Decoder, Reject};
pub use ledger::{Ledger, Outputs};
pub use member::{Change, Dated, Member};

use crate::metrics::Standing;
use crate::settings::{Commit, Protocol, Settings, Start};
use crate::state::{Restored, Store};

/// How long may be waited for something without telling the group.
const UNNOTICED: Duration = Duration::from_millis(500);
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
const WHILE_HELD: Duration = Duration::from_millis(50);
const SEEK: Duration = Duration::from_secs(10);

/// Records that wait to be looked at, in their order.
pub type Waiting<'a> = VecDeque<BorrowedMessage<'a>>;

/// A member of a group, reading one topic.
pub struct Source {
    consumer: BaseConsumer<Member>,
    topic: String,
    commit: Commit,
    ledger: Arc<Ledger>,
    max_poll: Duration,
    verbose: bool,
}

/// What a transaction commits beside records.
pub struct Offsets {
    /// The next offset of each partition, with its mark.
    pub due: TopicPartitionList,
    /// Who commits them.
    pub group: ConsumerGroupMetadata,
}

/// What one look at the topic gave, beside records.
#[derive(Debug, Default)]
pub struct Look {
    /// What happened to the member, in order.
    pub changes: Vec<Dated>,
    /// Partitions of which records came.
    pub more: Vec<i32>,
    /// Partitions that have been read to their end, behind these records.
    pub ends: Vec<i32>,
}

impl Look {
    fn record<'a>(&mut self, waiting: &mut Waiting<'a>, record: BorrowedMessage<'a>) {
        // An end that more records follow is none.
        let partition = record.partition();
        self.ends.retain(|ended| *ended != partition);
        if self.more.last() != Some(&partition) && !self.more.contains(&partition) {
            self.more.push(partition);
        }
        waiting.push_back(record);
    }
}

impl Source {
    /// Joins the group under the name `client`; partitions come while records are asked for, with their state
    /// from `store`.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn join(
        settings: &Settings,
        client: &str,
        ledger: Arc<Ledger>,
        store: Option<Arc<Store>>,
    ) -> Result<Self> {
        let member = Member::new(settings, Arc::clone(&ledger), store);
        let properties = properties(settings, client);
        let properties: Vec<(&str, &str)> =
            properties.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let consumer = settings.kafka.member(member, &properties)?;
        consumer.subscribe(&[&settings.topic]).map_err(|e| failed(&settings.topic, &e))?;
        Ok(Self {
            consumer,
            topic: settings.topic.clone(),
            commit: settings.commit,
            ledger,
            max_poll: settings.member.max_poll_interval,
            verbose: settings.verbose,
        })
    }

    /// Takes records until there are `most`, none comes within `wait`, or something happens to the member.
    ///
    /// # Errors
    /// When the member cannot go on.
    pub fn look<'a>(&'a self, waiting: &mut Waiting<'a>, most: usize, wait: Duration) -> Result<Look> {
        let mut look = Look::default();
        // Callbacks of rebalances come only while records are asked for, so that is done at least once.
        let mut patience = if waiting.len() < most { wait } else { Duration::ZERO };
        loop {
            match self.consumer.poll(patience) {
                Some(Ok(record)) => look.record(waiting, record),
                Some(Err(KafkaError::PartitionEOF(partition))) => look.ends.push(partition),
                Some(Err(error)) => self.judge(&error)?,
                None => break,
            }
            if waiting.len() >= most {
                break;
            }
            patience = Duration::ZERO;
        }
        if !waiting.is_empty() {
            self.consumer.context().is_back();
        }
        look.changes = self.consumer.context().take_changes();
        drop_strangers(waiting, &look.changes);
        Ok(look)
    }

    /// Waits until `done`, and stays a member however long that takes. `why` is told when it takes long.
    ///
    /// # Errors
    /// When the member cannot go on.
    pub fn hold<'a>(&'a self, waiting: &mut Waiting<'a>, why: &str, done: &dyn Fn() -> bool) -> Result<Look> {
        let began = Instant::now();
        let unnoticed = UNNOTICED.min(self.max_poll / 4);
        while began.elapsed() < unnoticed {
            if done() {
                return Ok(Look::default());
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
        if self.verbose {
            eprintln!("{why}; partitions are paused meanwhile");
        }
        let mut look = Look::default();
        while !done() {
            self.switch(false)?;
            match self.consumer.poll(WHILE_HELD) {
                Some(Ok(record)) => look.record(waiting, record),
                Some(Err(KafkaError::PartitionEOF(partition))) => look.ends.push(partition),
                Some(Err(error)) => self.judge(&error)?,
                None => {}
            }
            look.changes.extend(self.consumer.context().take_changes());
        }
        self.switch(true)?;
        drop_strangers(waiting, &look.changes);
        Ok(look)
    }

    /// Does something that may take long on a thread of its own, and stays a member meanwhile, as in
    /// [`hold`](Self::hold).
    ///
    /// # Errors
    /// When the member cannot go on, and what the work gives.
    pub fn beside<'a, T: Send>(
        &'a self,
        waiting: &mut Waiting<'a>,
        why: &str,
        work: impl FnOnce() -> Result<T> + Send,
    ) -> Result<(Look, T)> {
        std::thread::scope(|scope| {
            let working = scope.spawn(work);
            let look = self.hold(waiting, why, &|| working.is_finished())?;
            let done = working.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok((look, done))
        })
    }

    fn switch(&self, on: bool) -> Result<()> {
        let own = self.consumer.assignment().map_err(|e| failed(&self.topic, &e))?;
        let switched = if on { self.consumer.resume(&own) } else { self.consumer.pause(&own) };
        switched.map_err(|e| failed(&self.topic, &e))
    }

    /// Commits what may be committed.
    ///
    /// # Errors
    /// When an offset is none. A commit that the broker refuses is told as a change: a rebalance follows.
    pub fn commit(&self) -> Result<()> {
        self.commit_as(self.commit)
    }

    /// Commits what may be committed, and waits for it.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn commit_now(&self) -> Result<()> {
        self.commit_as(Commit::Sync)
    }

    fn commit_as(&self, how: Commit) -> Result<()> {
        let due = self.ledger.due(None)?;
        if due.count() == 0 {
            return Ok(());
        }
        match how {
            Commit::Sync => self.commit_list(&due).map(drop),
            // librdkafka commits what is stored by itself; it tells nothing of the end of other asynchronous commits.
            Commit::Async => self.consumer.store_offsets(&due).map_err(|e| failed(&self.topic, &e)),
        }
    }

    /// Commits, waits, and tells whether the broker took it.
    pub(crate) fn commit_list(&self, list: &TopicPartitionList) -> Result<bool> {
        let result = self.consumer.commit(list, CommitMode::Sync);
        let taken = result.is_ok();
        if taken {
            self.ledger.committed(list);
        }
        self.consumer.context().tell(member::commit_change(list, result));
        Ok(taken)
    }

    /// What goes into a transaction beside records: offsets with their marks, and who commits them.
    ///
    /// # Errors
    /// When an offset is none, or the client is no member yet.
    pub fn offsets(&self) -> Result<Offsets> {
        let refuse = || Error::failed(format!("topic {}: the client is no member of its group", self.topic));
        Ok(Offsets { due: self.ledger.due(None)?, group: self.consumer.group_metadata().ok_or_else(refuse)? })
    }

    /// Notes that offsets were committed in a transaction, or why they were not.
    pub fn told(&self, offsets: &Offsets, result: std::result::Result<(), String>) {
        if result.is_ok() {
            self.ledger.committed(&offsets.due);
        }
        self.consumer.context().tell(member::change_of(&offsets.due, result));
    }

    /// Goes back to where the group is, with the state there. `firsts` are the partitions of which something was
    /// taken, with the first offset where the group may have committed nothing since they came.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn go_back(&self, firsts: &BTreeMap<i32, Option<i64>>) -> Result<Vec<Restored>> {
        let refuse =
            |why: String| Error::failed(format!("topic {} cannot be taken again: {why}", self.topic));
        let partitions: Vec<i32> = firsts.keys().copied().collect();
        let member = self.consumer.context();
        let taken = member.take_over(&self.consumer, &partitions, &BTreeMap::new()).map_err(refuse)?;
        let first = |partition: &i32| firsts.get(partition).copied().flatten();
        let place = |(partition, offset): (&i32, &i64)| {
            // Without a commit they would begin at the end of the topic.
            let first = first(partition).filter(|_| taken.begun.contains_key(partition));
            (*partition, first.unwrap_or(*offset))
        };
        self.seek(&taken.places.iter().map(place).collect()).map_err(refuse)?;
        Ok(taken.restored)
    }

    fn seek(&self, places: &BTreeMap<i32, i64>) -> std::result::Result<(), String> {
        let began = Instant::now();
        loop {
            let mut list = TopicPartitionList::new();
            for (partition, offset) in places {
                list.add_partition_offset(&self.topic, *partition, Offset::Offset(*offset))
                    .map_err(|e| cause(&e))?;
            }
            let sought = self
                .consumer
                .seek_partitions(list, SEEK)
                .and_then(|list| list.elements().iter().try_for_each(TopicPartitionListElem::error));
            match sought {
                Ok(()) => return Ok(()),
                // A partition that has only just come cannot be sought yet.
                Err(_) if began.elapsed() < SEEK => std::thread::sleep(BETWEEN_LOOKS),
                Err(error) => return Err(cause(&error)),
            }
        }
    }

    /// What is told about the member at its end: the changes that came last.
    pub fn last_changes(&self) -> Vec<Dated> {
        self.consumer.context().take_changes()
    }

    /// How far own partitions are, as far as it is known without asking; told only where metrics are.
    pub fn standings(&self) -> BTreeMap<i32, Standing> {
        let mut standings = self.consumer.context().standings();
        for (partition, committed) in self.ledger.known() {
            standings.entry(partition).or_default().committed = Some(committed);
        }
        standings
    }

    /// Gives all partitions back, and what was done with them is committed.
    ///
    /// # Errors
    /// When the member cannot go on.
    pub fn leave(&self) -> Result<Vec<Dated>> {
        self.consumer.unsubscribe();
        let began = Instant::now();
        let has_partitions = || self.consumer.assignment().is_ok_and(|own| own.count() > 0);
        while has_partitions() && began.elapsed() < Duration::from_secs(5) {
            // Records that still come are read again by the next owner.
            drop(self.consumer.poll(WHILE_HELD));
        }
        Ok(self.last_changes())
    }

    /// Most errors pass; librdkafka goes on by itself.
    fn judge(&self, error: &KafkaError) -> Result<()> {
        let is_fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
        match error.rdkafka_error_code() {
            Some(Code::PollExceeded) => {
                let seconds = self.max_poll.as_secs_f64();
                eprintln!(
                    "the group has waited for longer than --max-poll-interval ({seconds} s) and shared our partitions out"
                );
                Ok(())
            }
            Some(
                Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::InconsistentGroupProtocol,
            ) => Err(failed(&self.topic, error)),
            _ if is_fatal => Err(Error::failed(format!(
                "the group has ended this member: {}; start it again",
                cause(error)
            ))),
            _ => Ok(()),
        }
    }
}

/// Records of partitions that went are the next owner's.
fn drop_strangers(waiting: &mut Waiting<'_>, changes: &[Dated]) {
    for told in changes {
        if let Change::Revoked(gone) | Change::Lost(gone) = &told.change {
            waiting.retain(|record| !gone.contains(&record.partition()));
        }
    }
}

fn properties(settings: &Settings, client: &str) -> Vec<(&'static str, String)> {
    let member = &settings.member;
    let milliseconds = |time: Duration| time.as_millis().max(1).to_string();
    let reset = if settings.start == Start::Beginning { "earliest" } else { "latest" };
    let mut all = vec![
        ("group.id", member.group.clone()),
        ("client.id", client.to_owned()),
        ("auto.offset.reset", reset.to_owned()),
        ("max.poll.interval.ms", milliseconds(member.max_poll_interval)),
    ];
    if settings.metrics_listen.is_some() {
        all.push(("statistics.interval.ms", "1000".to_owned()));
    }
    let assignor = member.assignor.clone();
    if settings.commit == Commit::Async {
        all.push(("enable.auto.commit", "true".to_owned()));
        all.push(("auto.commit.interval.ms", milliseconds(settings.commit_interval)));
    }
    match member.protocol {
        Protocol::Classic => {
            all.push(("session.timeout.ms", milliseconds(member.session_timeout)));
            all.push(("heartbeat.interval.ms", milliseconds(member.session_timeout / 5)));
            all.extend(assignor.map(|name| ("partition.assignment.strategy", name)));
        }
        Protocol::Consumer => {
            all.push(("group.protocol", "consumer".to_owned()));
            all.extend(assignor.map(|name| ("group.remote.assignor", name)));
        }
    }
    all.extend(member.instance.clone().map(|name| ("group.instance.id", name)));
    all
}

fn failed(topic: &str, error: &KafkaError) -> Error {
    Error::failed(format!("topic {topic} cannot be read: {}", cause(error)))
}
