//! How partitions that came are taken over beside a member that goes on asking.

use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use millrace_core::kafka::cause;
use millrace_core::{Error, Result};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};

use super::coming::Turn;
use super::take_over::TakenOver;
use super::{BETWEEN_LOOKS, Source, failed};
use crate::state::Restored;

const SEEK: Duration = Duration::from_secs(10);

/// Where partitions go on that came, as it is being looked up.
pub struct TakingOver {
    turns: BTreeMap<i32, Turn>,
    looking: JoinHandle<std::result::Result<TakenOver, String>>,
}

impl TakingOver {
    /// Whether it is known.
    pub fn is_finished(&self) -> bool {
        self.looking.is_finished()
    }
}

/// Where partitions go on that are still here.
pub struct Found {
    turns: BTreeMap<i32, Turn>,
    taken: TakenOver,
}

impl Source {
    /// Begins to look up where partitions go on that came; `None` where none did.
    pub fn take_over(&self) -> Option<TakingOver> {
        let turns = self.consumer.context().coming.all();
        if turns.is_empty() {
            return None;
        }
        let of = turns.clone();
        let looking = self.call(move |consumer| consumer.context().take_over(consumer, &of));
        Some(TakingOver { turns, looking })
    }

    /// What was looked up, of partitions that have not gone meanwhile.
    ///
    /// # Errors
    /// When it cannot be known.
    pub fn found(&self, taking: TakingOver) -> Result<Found> {
        let TakingOver { turns, looking } = taking;
        let taken = looking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let refuse = |why| Error::failed(format!("the group: partitions cannot be taken over: {why}"));
        let is_still_here =
            |(partition, turn): (&i32, &Turn)| self.consumer.context().coming.still(*partition, turn);
        if taken.is_err() && !turns.iter().any(is_still_here) {
            // They went meanwhile, perhaps with their topic, and nobody wants to know any more.
            return Ok(Found { turns: BTreeMap::new(), taken: TakenOver::default() });
        }
        Ok(self.still(Found { turns, taken: taken.map_err(refuse)? }))
    }

    fn still(&self, found: Found) -> Found {
        let Found { mut turns, mut taken } = found;
        turns.retain(|partition, turn| self.consumer.context().coming.still(*partition, turn));
        taken.places.retain(|partition, _| turns.contains_key(partition));
        taken.begun.retain(|partition, _| turns.contains_key(partition));
        taken.restored.retain(|restored| turns.contains_key(&restored.begin.partition));
        Found { turns, taken }
    }

    /// Where partitions begin of which the group has committed nothing; that is to be committed before they are
    /// read, so that nothing is lost if they change hands before the next commit.
    ///
    /// # Errors
    /// When an offset is none.
    pub fn begun(&self, found: &Found) -> Result<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in &found.taken.begun {
            let mut place = list.add_partition(&self.topic, *partition);
            place.set_offset(Offset::Offset(*offset)).map_err(|e| failed(&self.topic, &e))?;
            if let Some(mark) = found.taken.marks.get(partition) {
                place.set_metadata(mark);
            }
        }
        Ok(list)
    }

    /// Reads on where it was found, unless a partition went meanwhile, and gives the state there.
    ///
    /// # Errors
    /// When the client does not go there.
    pub fn go_on(&self, found: Found) -> Result<Vec<Restored>> {
        let Found { turns, taken } = self.still(found);
        if turns.is_empty() {
            return Ok(Vec::new());
        }
        let refuse = |why| Error::failed(format!("topic {} cannot be read on: {why}", self.topic));
        self.seek(&taken.places).map_err(refuse)?;
        let partitions: Vec<i32> = turns.into_keys().collect();
        self.consumer.context().has_begun(&partitions);
        self.consumer.resume(&self.list(partitions)).map_err(|e| failed(&self.topic, &e))?;
        Ok(taken.restored)
    }

    /// Goes back to where the group is: these partitions come anew. Each with the first offset where the group may
    /// have committed nothing since it came.
    ///
    /// # Errors
    /// When the client does not stop reading them.
    pub fn go_back(&self, firsts: &BTreeMap<i32, Option<i64>>) -> Result<()> {
        self.consumer.context().coming.come(firsts.iter().map(|(partition, first)| (*partition, *first)));
        self.consumer.pause(&self.list(firsts.keys().copied())).map_err(|e| failed(&self.topic, &e))
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
                // The topic has gone; the group will say so.
                Err(error) if is_gone(&error) => return Ok(()),
                // A partition that has only just come cannot be sought yet.
                Err(_) if began.elapsed() < SEEK => std::thread::sleep(BETWEEN_LOOKS),
                Err(error) => return Err(cause(&error)),
            }
        }
    }
}

fn is_gone(error: &KafkaError) -> bool {
    matches!(error.rdkafka_error_code(), Some(Code::UnknownTopicOrPartition | Code::UnknownTopic))
}
