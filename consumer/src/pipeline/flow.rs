use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millrace_core::registry::RegistryClient;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_schemas::SensorReading;
use millrace_schemas::codec::RecordCodec;
use rdkafka::message::{BorrowedMessage, Message};

use super::batch::Batch;
use super::keeper::Keeper;
use super::pulse::Pulse;
use super::transactor::Transactor;
use super::{Mischief, Output, Place, Point, Processor, Tally, WindowTopics};
use crate::group::Teller;
use crate::metrics;
use crate::outbox::Outbox;
use crate::settings::{Guarantee, Settings};
use crate::source::{Change, Decoder, Ledger, Look, Source, Waiting};
use crate::state::Store;

/// Records that are taken before anything else is seen to.
const BATCH: usize = 2_000;
const LOOK: Duration = Duration::from_millis(100);
/// Time in which a commit may come late.
const SOON: Duration = Duration::from_millis(2);
const DRAW: Duration = Duration::from_millis(500);
/// What the registry did not know is asked for again after this time.
const FORGET: Duration = Duration::from_secs(10);

/// What a flow is made of.
pub struct Parts<'a, P> {
    /// What is to be done.
    pub settings: &'a Settings,
    /// Where records come from.
    pub source: &'a Source,
    /// How far they are done with.
    pub ledger: Arc<Ledger>,
    /// Where everything goes.
    pub outbox: Arc<Outbox>,
    /// Where schemas are known.
    pub registry: RegistryClient,
    /// How alerts are written, and the id of their schema.
    pub alerts: Option<(RecordCodec, u32)>,
    /// Where closed windows go, if any close.
    pub windows: Option<WindowTopics>,
    /// What is done with readings.
    pub processor: P,
    /// The member's name.
    pub member: &'a str,
    /// Whether the topic `group-events` is there.
    pub tells_group: bool,
    /// Where the state is kept, if it is.
    pub store: Option<Arc<Store>>,
    /// Where metrics are read, if they are to be.
    pub metrics: Option<metrics::Server>,
}

/// The flow of records through a processor.
pub struct Flow<'a, P> {
    pub(super) parts: Parts<'a, P>,
    decoder: Decoder,
    pub(super) waiting: Waiting<'a>,
    out: Vec<Output>,
    pub(super) teller: Teller,
    pub(super) tally: Tally,
    pub(super) mischief: Mischief,
    pub(super) keeper: Keeper,
    pub(super) pulse: Pulse,
    /// Where records go into transactions; `None` = none are made.
    pub(super) transactor: Option<Transactor>,
    /// What the next transaction writes.
    pub(super) batch: Batch,
    /// The partition of the record that is being taken, as long as it is ours.
    at_hand: Option<i32>,
    /// Records that were taken and are not noted yet: partition, first offset, next offset, how many.
    done: Option<(i32, i64, i64, u64)>,
    /// The offset behind what was noted of each partition.
    pub(super) next: BTreeMap<i32, i64>,
    /// Records of each partition that the next transaction is about.
    pub(super) counts: BTreeMap<i32, u64>,
    /// Transactions that were aborted since the last that was not.
    pub(super) aborted: u32,
    /// Whether the user has been told that records are rejected.
    pub(super) told_of_rejects: bool,
    committed: Instant,
    drawn: Instant,
    forgot: Instant,
    /// When it was begun to make the state of partitions that came.
    pub(super) restoring: Option<Instant>,
}

impl<'a, P: Processor> Flow<'a, P> {
    /// A flow that has not begun.
    pub fn new(parts: Parts<'a, P>) -> Self {
        let now = Instant::now();
        let teller = Teller::new(&parts.settings.member.group, parts.member, &parts.settings.topic);
        let (outbox, on_screen) = (Arc::clone(&parts.outbox), parts.settings.shows_events);
        let decoder = if parts.processor.reads_itself() { Decoder::of_raw() } else { Decoder::default() };
        Self {
            mischief: Mischief::new(&parts.settings.misdeeds),
            pulse: Pulse::new(teller.clone(), outbox, on_screen, parts.tells_group),
            teller,
            keeper: Keeper::new(parts.store.clone(), parts.settings.checkpoint_records),
            parts,
            transactor: None,
            batch: Batch::default(),
            at_hand: None,
            done: None,
            next: BTreeMap::new(),
            counts: BTreeMap::new(),
            aborted: 0,
            told_of_rejects: false,
            decoder,
            waiting: Waiting::new(),
            out: Vec::new(),
            tally: Tally::default(),
            committed: now,
            drawn: now,
            forgot: now,
            restoring: None,
        }
    }

    /// Runs until the end is asked for or reached, and leaves the group in order.
    ///
    /// # Errors
    /// When the member cannot go on, an output is refused, or a record cannot be read and that is to end it.
    pub fn run(mut self, shutdown: &Shutdown) -> Result<Tally> {
        self.pulse.shutdown = shutdown.clone();
        self.begin_transactions(shutdown)?;
        self.tell(&self.teller.plain("startup_complete"))?;
        while !shutdown.is_requested() {
            // A transaction that was aborted at the end leaves more to do.
            if self.is_done() {
                self.commit()?;
                if self.is_done() {
                    break;
                }
            }
            let most = usize::try_from(self.left()).unwrap_or(BATCH).min(BATCH);
            let most = most.min(self.mischief.most_at_once());
            let patience = self.patience();
            let look = self.parts.source.look(&mut self.waiting, most, patience)?;
            self.see(look)?;
            self.take_over()?;
            self.mischief.reach(Point::AfterPoll, self.polled());
            match self.parts.settings.guarantee {
                Guarantee::AtLeastOnce | Guarantee::ExactlyOnce => self.take_waiting()?,
                Guarantee::AtMostOnce => self.commit_and_take()?,
            }
            self.see_to_the_rest()?;
        }
        self.commit()?;
        self.end()
    }

    /// How long may be waited for records: until the next commit is due, since it may have to tell of the last ones.
    fn patience(&self) -> Duration {
        let due = self.parts.settings.commit_interval.saturating_sub(self.committed.elapsed());
        LOOK.min(due.max(SOON))
    }

    fn begin_transactions(&mut self, shutdown: &Shutdown) -> Result<()> {
        let Settings { kafka, transactional_id: Some(id), .. } = self.parts.settings else { return Ok(()) };
        let begin = || Transactor::begin(kafka, id, shutdown);
        let why = "Kafka does not let transactions begin yet";
        let (look, transactor) = self.parts.source.beside(&mut self.waiting, why, &self.pulse, begin)?;
        self.transactor = Some(transactor);
        self.see(look)
    }

    /// Records that may yet be taken.
    pub(super) fn left(&self) -> u64 {
        self.parts.settings.max_messages.map_or(u64::MAX, |most| most.saturating_sub(self.tally.records))
    }

    fn is_done(&self) -> bool {
        let at_end = || self.parts.settings.until_end && self.waiting.is_empty() && self.tally.is_at_end();
        self.left() == 0 || self.parts.outbox.screen().is_closed() || at_end()
    }

    pub(super) fn see(&mut self, look: Look) -> Result<()> {
        for told in look.changes {
            match &told.change {
                Change::Assigned(partitions) => self.tally.assigned(partitions),
                Change::Revoked(partitions) | Change::Lost(partitions) => self.let_go(partitions),
                Change::Committed(..) => {}
                Change::Failed(why) => return Err(Error::failed(format!("the group: {why}"))),
            }
            if let Some(event) = self.teller.change(&told) {
                self.tell(&event)?;
            }
        }
        self.tally.ended(&look.more, &look.ends);
        Ok(())
    }

    /// What was made of partitions that are others' now is theirs to make again.
    fn let_go(&mut self, partitions: &[i32]) {
        self.at_hand = self.at_hand.filter(|partition| !partitions.contains(partition));
        self.done = self.done.filter(|(partition, ..)| !partitions.contains(partition));
        self.tally.gone(partitions);
        self.batch.drop_partitions(partitions);
        let dropped: u64 = partitions.iter().filter_map(|partition| self.counts.remove(partition)).sum();
        self.tally.records -= dropped;
        self.forget(partitions);
    }

    fn take_waiting(&mut self) -> Result<()> {
        while self.left() > 0 && !self.batch.is_full() {
            let Some(record) = self.waiting.pop_front() else { break };
            self.take(&record)?;
        }
        self.note();
        Ok(())
    }

    /// Takes a record and sees to what follows from it. Whatever waits may find that the partition has gone; the
    /// record is the next owner's then.
    pub(super) fn take(&mut self, record: &BorrowedMessage<'_>) -> Result<()> {
        let at = Place { partition: record.partition(), offset: record.offset() };
        self.look_behind(at);
        self.at_hand = Some(at.partition);
        self.linger(at)?;
        if let Some(id) = self.decoder.wants(record.payload()) {
            self.learn(id)?;
        }
        if self.at_hand.is_some() {
            self.process(at, record)?;
        }
        if self.at_hand.take().is_some() {
            self.has_taken(at);
        }
        Ok(())
    }

    /// A partition that goes on before where it was has been made anew with its topic, and so is what is known of it.
    fn look_behind(&mut self, at: Place) {
        match self.done {
            Some((partition, _, next, _)) if partition == at.partition && at.offset >= next => return,
            _ => self.note(),
        }
        let Some(next) = self.next.get(&at.partition).copied().filter(|next| at.offset < *next) else {
            return;
        };
        let (topic, Place { partition, offset }) = (&self.parts.settings.topic, at);
        eprintln!(
            "{topic} partition {partition} goes on at offset {offset}, after {}: it was made anew, and its state begins \
             anew",
            next - 1
        );
        self.forget(&[partition]);
    }

    /// Drops all that is known of partitions but what is on its way.
    pub(super) fn forget(&mut self, partitions: &[i32]) {
        self.parts.ledger.forget(partitions);
        for partition in partitions {
            self.next.remove(partition);
            self.parts.processor.drop_partition(*partition);
            self.keeper.drop_partition(*partition);
        }
    }

    fn process(&mut self, at: Place, record: &BorrowedMessage<'_>) -> Result<()> {
        let is_given = self.keeper.is_given(at.partition, at.offset);
        if !is_given {
            self.tally.note(at);
        }
        let Self { parts: Parts { processor, .. }, decoder, mischief, out, .. } = self;
        let mut reading = SensorReading::default();
        let is_raw = processor.reads_itself();
        let taken = if is_raw {
            decoder.raw(record).and_then(|raw| processor.take_raw(at, &raw, out))
        } else {
            let read = decoder.decode(record.key(), record.payload(), &mut reading);
            read.and_then(|()| mischief.taste(&reading)).map(|()| processor.take(at, &reading, out))
        };
        if is_given {
            self.out.clear();
            return Ok(());
        }
        self.mischief.reach(Point::AfterProcess, self.tally.records);
        match taken {
            Err(reject) => self.reject(record, &reject),
            Ok(()) => {
                self.print(record, (!is_raw).then_some(&reading))?;
                self.give(record)
            }
        }
    }

    fn has_taken(&mut self, at: Place) {
        let count = u64::from(!self.keeper.is_given(at.partition, at.offset));
        match &mut self.done {
            Some((partition, _, next, counted)) if *partition == at.partition => {
                *next = at.offset + 1;
                *counted += count;
            }
            _ => {
                self.note();
                self.done = Some((at.partition, at.offset, at.offset + 1, count));
            }
        }
    }

    /// Notes what was taken, so that it may be committed when what follows from it has arrived.
    pub(super) fn note(&mut self) {
        let Some((partition, first, next, count)) = self.done.take() else { return };
        self.tally.last = Some(Instant::now());
        self.next.insert(partition, next);
        self.begin(partition, first);
        let is_committed = self.parts.settings.guarantee == Guarantee::AtMostOnce;
        if !is_committed && !self.keeper.is_given(partition, next - 1) {
            self.parts.ledger.note(partition, first, next);
        }
        if self.transactor.is_some() {
            *self.counts.entry(partition).or_default() += count;
        }
        self.keeper.note(partition, next);
        if self.restoring.is_some() {
            self.tell_restored();
        }
    }

    /// Begins a partition's state with this record, where there is none.
    fn begin(&mut self, partition: i32, first: i64) {
        if let Some(mark) = self.keeper.begin(partition, first) {
            self.parts.ledger.mark(partition, mark);
        }
    }

    fn learn(&mut self, id: u32) -> Result<()> {
        self.note();
        let (source, registry) = (self.parts.source, &self.parts.registry);
        let why = "the schema registry takes its time";
        let (look, found) =
            source.beside(&mut self.waiting, why, &self.pulse, || registry.find_schema(id))?;
        self.decoder.learn(id, found.as_deref());
        self.see(look)
    }

    fn give(&mut self, record: &BorrowedMessage<'_>) -> Result<()> {
        for output in std::mem::take(&mut self.out) {
            if self.at_hand.is_some() {
                self.give_out(record, output)?;
            }
        }
        Ok(())
    }

    fn see_to_the_rest(&mut self) -> Result<()> {
        if self.committed.elapsed() >= self.parts.settings.commit_interval || self.batch.is_full() {
            self.commit()?;
            self.committed = Instant::now();
        }
        if self.pulse.is_due() {
            self.tell_progress()?;
            self.tell(&self.teller.plain("alive"))?;
        }
        if self.drawn.elapsed() >= DRAW {
            self.draw();
            self.drawn = Instant::now();
        }
        if self.forgot.elapsed() >= FORGET {
            self.decoder.forget_unknown();
            self.forgot = Instant::now();
        }
        Ok(())
    }
}

/// Partition and offset of a record.
pub(super) fn place(record: &BorrowedMessage<'_>) -> (i32, i64) {
    (record.partition(), record.offset())
}
