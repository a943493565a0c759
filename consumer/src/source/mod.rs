//! Where readings come from: a member of a consumer group.
//!
//! Everything happens on the thread that asks for records: no callback comes at any other time. A member that
//! cannot go on for a while is [`held`](Source::hold): it goes on asking, with its partitions paused, so that
//! the group does not take them away. Calls that may block for long, as commits and the look-up of where partitions
//! go on, are made on threads of their own meanwhile; a run that is to end does not wait for them for ever.

mod coming;
mod decode;
mod going_on;
mod gone;
mod hold;
mod ledger;
mod member;
mod properties;
mod take_over;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use millrace_core::kafka::cause;
use millrace_core::{Error, Result};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::TopicPartitionListElem;

pub use decode::{Cause, Decoder, Raw, Reject};
pub use going_on::{Found, TakingOver};
pub use hold::Meanwhile;
pub use ledger::{Ledger, Outputs};
pub use member::{Change, Dated, Member};

use crate::metrics::Standing;
use crate::settings::{Protocol, Settings};
use crate::state::Store;

const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
const WHILE_HELD: Duration = Duration::from_millis(50);
/// How long the group may take to let a member go.
const LEAVE: Duration = Duration::from_secs(5);

/// Records that wait to be looked at, in their order.
pub type Waiting<'a> = VecDeque<BorrowedMessage<'a>>;

/// A member of a group, reading one topic.
pub struct Source {
    /// Shared with calls that are under way.
    consumer: Arc<BaseConsumer<Member>>,
    topic: String,
    group: String,
    ledger: Arc<Ledger>,
    protocol: Protocol,
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
        let properties = properties::of(settings, client);
        let properties: Vec<(&str, &str)> =
            properties.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let consumer = settings.kafka.member(member, &properties)?;
        consumer.subscribe(&[&settings.topic]).map_err(|e| failed(&settings.topic, &e))?;
        Ok(Self {
            consumer: Arc::new(consumer),
            topic: settings.topic.clone(),
            group: settings.member.group.clone(),
            ledger,
            protocol: settings.member.protocol,
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
        self.sift(waiting, &mut look);
        self.look_for_topic(&look.changes);
        Ok(look)
    }

    /// Of partitions those that are not coming yet.
    fn read(&self, own: &TopicPartitionList) -> TopicPartitionList {
        let coming = self.consumer.context().coming.all();
        let elements = own.elements();
        let partitions = elements.iter().map(TopicPartitionListElem::partition);
        self.list(partitions.filter(|partition| !coming.contains_key(partition)))
    }

    fn list(&self, partitions: impl IntoIterator<Item = i32>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, partition);
        }
        list
    }

    /// Drops what belongs to others, or to a reading of a partition that is over.
    fn sift(&self, waiting: &mut Waiting<'_>, look: &mut Look) {
        for told in &look.changes {
            if let Change::Revoked(gone) | Change::Lost(gone) = &told.change {
                waiting.retain(|record| !gone.contains(&record.partition()));
            }
        }
        let coming = self.consumer.context().coming.all();
        if !coming.is_empty() {
            waiting.retain(|record| !coming.contains_key(&record.partition()));
            look.ends.retain(|partition| !coming.contains_key(partition));
        }
    }

    /// What may be committed and is not yet.
    ///
    /// # Errors
    /// When an offset is none.
    pub fn due(&self) -> Result<TopicPartitionList> {
        self.ledger.due(None)
    }

    /// Leaves offsets to the client, which commits them in its own time.
    ///
    /// # Errors
    /// When a partition is not here.
    pub fn store(&self, due: &TopicPartitionList) -> Result<()> {
        // It tells nothing of the end of other commits that are not waited for.
        self.consumer.store_offsets(due).map_err(|e| failed(&self.topic, &e))
    }

    /// Begins a commit.
    pub fn commit(&self, list: &TopicPartitionList) -> JoinHandle<KafkaResult<()>> {
        let list = list.clone();
        self.call(move |consumer| consumer.commit(&list, CommitMode::Sync))
    }

    /// Notes the end of a commit, and gives whether the broker took it. One that is refused is told as a change: a
    /// rebalance follows.
    pub fn has_committed(&self, list: &TopicPartitionList, result: KafkaResult<()>) -> bool {
        let taken = result.is_ok();
        if taken {
            self.ledger.committed(list);
        }
        self.consumer.context().tell(member::commit_change(list, result));
        taken
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
    pub fn leave(&self) -> Vec<Dated> {
        self.consumer.unsubscribe();
        let began = Instant::now();
        let is_patient = || began.elapsed() < LEAVE;
        let has_partitions = || self.consumer.assignment().is_ok_and(|own| own.count() > 0);
        while has_partitions() && is_patient() {
            // Records that still come are read again by the next owner.
            drop(self.consumer.poll(WHILE_HELD));
        }
        if self.consumer.close_queue().is_ok() {
            while !self.consumer.closed() && is_patient() {
                drop(self.consumer.poll(WHILE_HELD));
            }
            if !self.consumer.closed() {
                self.abandon();
            }
        }
        self.last_changes()
    }

    /// Most errors pass; librdkafka goes on by itself.
    fn judge(&self, error: &KafkaError) -> Result<()> {
        match error.rdkafka_error_code() {
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => {
                self.consumer.context().is_gone();
                Ok(())
            }
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
            _ => match self.consumer.client().fatal_error() {
                Some((code, _)) => Err(Error::failed(format!(
                    "the group has ended this member: {}; start it again",
                    cause(&KafkaError::Global(code))
                ))),
                None => Ok(()),
            },
        }
    }
}

fn failed(topic: &str, error: &KafkaError) -> Error {
    Error::failed(format!("topic {topic} cannot be read: {}", cause(error)))
}
