//! Where partitions go on that a member takes over, and with which state.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use millrace_core::kafka::{cause, edges};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};

use super::coming::Turn;
use super::member::Member;
use crate::settings::Start;
use crate::state::{Begin, Mark, Restored};

/// How long one question waits for the coordinator.
const CALL: Duration = Duration::from_secs(5);
/// How long what the group has committed is asked for: a transaction that a killed member has left open is ended by
/// Kafka after its timeout, and an outage passes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where partitions go on.
#[derive(Debug, Default)]
pub(super) struct TakenOver {
    /// The offset at which each is read from.
    pub places: BTreeMap<i32, i64>,
    /// The state of those of which it is known.
    pub restored: Vec<Restored>,
    /// Those of which the group had committed nothing that counts, or where records it had not read are gone. Where
    /// they begin is committed before they are read, so that nothing is lost if they change hands before the next
    /// commit.
    pub begun: BTreeMap<i32, i64>,
    /// What is committed beside that.
    pub marks: BTreeMap<i32, String>,
}

impl Member {
    /// Looks up where partitions go on: where the group has committed, with the state that goes with it, or where
    /// reading is to begin.
    ///
    /// # Errors
    /// A clause about what cannot be read.
    pub(super) fn take_over(
        &self,
        consumer: &BaseConsumer<Self>,
        turns: &BTreeMap<i32, Turn>,
    ) -> Result<TakenOver, String> {
        let mut taken = TakenOver::default();
        let partitions: &[i32] = &turns.keys().copied().collect::<Vec<_>>();
        let placed = self.until_known(turns, || self.placed(consumer, partitions))?;
        if let Some(store) = &self.store {
            store.prepare().map_err(|e| e.to_string())?;
        }
        let committed = self.until_known(turns, || self.committed(consumer, partitions))?;
        let firsts = self.edges(consumer, turns, partitions, Offset::Beginning)?;
        // Who learns from the past does so once: where the group has committed, it goes on.
        let is_placed = |partition: i32, committed: Offset| {
            let goes_on = self.learn_from.is_some() && matches!(committed, Offset::Offset(_));
            placed.get(&partition).filter(|_| !goes_on)
        };
        let mut at_end = Vec::new();
        let mut begins = Vec::new();
        for element in committed.elements() {
            let partition = element.partition();
            let first = firsts.get(&partition).copied().unwrap_or(0);
            match (is_placed(partition, element.offset()), element.offset()) {
                (None, Offset::Offset(committed)) if committed >= first => {
                    taken.places.insert(partition, committed);
                    if let Some(mark) = self.mark((partition, committed), first, element.metadata()) {
                        begins.push(Begin { partition, committed, mark });
                    }
                }
                (None, Offset::Offset(committed)) => {
                    eprintln!(
                        "records {committed} to {} of {} partition {partition} were deleted before the group read them",
                        first - 1,
                        self.topic
                    );
                    taken.begun.insert(partition, first);
                }
                (Some(Offset::Offset(offset)), committed) => {
                    let offset = first.max(*offset);
                    if let (Offset::Offset(at), true) = (committed, self.has_state(element.metadata())) {
                        eprintln!(
                            "the state of {} partition {partition} was of the records before offset {at}; it begins anew \
                             at offset {offset}, where reading is said to begin",
                            self.topic
                        );
                    }
                    taken.begun.insert(partition, offset);
                }
                // Of a topic that was made anew nothing is committed, and all of it is new.
                (None, _) if self.start == Start::Beginning || self.is_new_again(partition) => {
                    taken.begun.insert(partition, first);
                }
                _ => at_end.push(partition),
            }
        }
        if !at_end.is_empty() {
            let ends = self.edges(consumer, turns, &at_end, Offset::End)?;
            if let Some(unknown) = at_end.iter().find(|partition| !ends.contains_key(partition)) {
                return Err(format!("Kafka does not tell where {} partition {unknown} ends", self.topic));
            }
            taken.begun.extend(ends);
        }
        for (partition, offset) in &mut taken.begun {
            // What was read already, and is in no transaction that was committed, is read again.
            *offset = turns.get(partition).and_then(|turn| turn.first).unwrap_or(*offset);
        }
        for begin in self.learning(consumer, turns, &firsts, &taken.begun)? {
            taken.marks.insert(begin.partition, begin.mark.to_string());
            begins.push(begin);
        }
        taken.places.extend(&taken.begun);
        if let Some(store) = &self.store {
            taken.restored = store.load(begins).map_err(|e| e.to_string())?;
        }
        taken
            .places
            .extend(taken.restored.iter().map(|found| (found.begin.partition, found.begin.mark.from)));
        Ok(taken)
    }

    /// Of partitions that begin, those that are learnt from before: their state begins earlier, and all that would
    /// follow from what lies before counts as given out.
    fn learning(
        &self,
        consumer: &BaseConsumer<Self>,
        turns: &BTreeMap<i32, Turn>,
        firsts: &BTreeMap<i32, i64>,
        begun: &BTreeMap<i32, i64>,
    ) -> Result<Vec<Begin>, String> {
        let (Some(store), Some(learn_from)) = (&self.store, self.learn_from) else { return Ok(Vec::new()) };
        let new: Vec<i32> = begun.keys().copied().collect();
        let places = self.until_known(turns, || self.places(consumer, &new, learn_from))?;
        let begin = |partition: i32| {
            let first = firsts.get(&partition).copied().unwrap_or(0);
            let from = match places.get(&partition)? {
                Offset::Offset(from) => first.max(*from),
                Offset::Beginning => first,
                // The time is later than all records.
                _ => i64::MAX,
            };
            let committed = *begun.get(&partition)?;
            if from >= committed {
                eprintln!(
                    "{} partition {partition} has nothing to learn from before offset {committed}, where it is judged \
                     from",
                    self.topic
                );
                return None;
            }
            if self.verbose {
                eprintln!(
                    "{} partition {partition} is learnt from offset {from} on, and judged from {committed} on",
                    self.topic
                );
            }
            Some(Begin { partition, committed, mark: Mark::new(from, store.version()) })
        };
        Ok(new.into_iter().filter_map(begin).collect())
    }

    /// Whether a state goes with a commit.
    fn has_state(&self, metadata: &str) -> bool {
        self.store.is_some() && metadata.parse::<Mark>().is_ok()
    }

    /// The mark of a commit, if the state that it is of can be made again.
    fn mark(&self, (partition, committed): (i32, i64), first: i64, metadata: &str) -> Option<Mark> {
        let store = self.store.as_ref()?;
        // A commit of another program, or one that was reset by Kafka's tools: the state begins anew.
        let mark = metadata.parse::<Mark>().ok()?;
        let place = format!("{} partition {partition}", self.topic);
        if mark.version != store.version() {
            eprintln!("the state of {place} is of other settings; it begins anew at offset {committed}");
            return None;
        }
        if mark.from > committed {
            eprintln!(
                "the state of {place} is of records from before the topic was made anew; it begins anew at offset \
                 {committed}"
            );
            return None;
        }
        if first > mark.from && mark.snapshots == Some(0) {
            eprintln!(
                "records {} to {} of {place}, which its state is made of, were deleted; it is made of those from offset \
                 {first} on",
                mark.from,
                first - 1
            );
            return Some(Mark { from: first, ..mark });
        }
        if first > mark.from {
            eprintln!(
                "records from offset {} on, which the state of {place} needs, were deleted from the topic; it begins \
                 anew at offset {committed}",
                mark.from
            );
            return None;
        }
        Some(mark)
    }

    fn committed(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &[i32],
    ) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, *partition);
        }
        consumer.committed_offsets(list, CALL)
    }

    /// Where partitions begin or end.
    fn edges(
        &self,
        consumer: &BaseConsumer<Self>,
        turns: &BTreeMap<i32, Turn>,
        partitions: &[i32],
        at: Offset,
    ) -> Result<BTreeMap<i32, i64>, String> {
        let places = || partitions.iter().map(|partition| (&self.topic, *partition));
        let found = self.until_known(turns, || edges(consumer, places(), at))?;
        Ok(found.into_iter().map(|((_, partition), offset)| (partition, offset)).collect())
    }

    /// Asks again while an outage or an open transaction may pass, and somebody wants to know.
    fn until_known<T>(
        &self,
        turns: &BTreeMap<i32, Turn>,
        ask: impl Fn() -> KafkaResult<T>,
    ) -> Result<T, String> {
        let is_wanted = || turns.iter().any(|(partition, turn)| self.coming.still(*partition, turn));
        let began = Instant::now();
        loop {
            match ask() {
                Ok(found) => return Ok(found),
                Err(error) if began.elapsed() < PATIENCE && passes(&error) && is_wanted() => {}
                Err(error) => return Err(cause(&error)),
            }
        }
    }
}

fn passes(error: &KafkaError) -> bool {
    use rdkafka::error::RDKafkaErrorCode as Code;
    !matches!(
        error.rdkafka_error_code(),
        Some(Code::GroupAuthorizationFailed | Code::TopicAuthorizationFailed | Code::Fatal)
    )
}
