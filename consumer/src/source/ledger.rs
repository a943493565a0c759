use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use millrace_core::{Error, Result};
use rdkafka::{Offset, TopicPartitionList};

/// What follows from records and must be safe before their offsets are committed.
pub trait Outputs: Send + Sync {
    /// Whether all that was given out so far has arrived; never waits for longer than a moment.
    ///
    /// # Errors
    /// When something was refused for good.
    fn settled(&self) -> Result<bool>;
}

/// How far each partition has been read, and how far it may be committed. Shared with the callback of
/// rebalances, which commits before a partition goes.
pub struct Ledger {
    topic: String,
    outputs: Arc<dyn Outputs>,
    offsets: Mutex<Offsets>,
}

/// Next offset of each partition, and what commits say beside it.
#[derive(Default)]
struct Offsets {
    /// The first that was read, of each partition.
    first: BTreeMap<i32, i64>,
    read: BTreeMap<i32, i64>,
    safe: BTreeMap<i32, i64>,
    committed: BTreeMap<i32, i64>,
    marks: BTreeMap<i32, String>,
    /// Of which the mark is not committed yet.
    marked: BTreeSet<i32>,
}

impl Offsets {
    /// What may be committed and is not yet: an offset, or the mark beside it.
    fn due(&self) -> impl Iterator<Item = (i32, i64)> {
        let is_new = |(partition, offset): &(i32, i64)| {
            self.committed.get(partition) != Some(offset) || self.marked.contains(partition)
        };
        self.safe.iter().map(|(partition, offset)| (*partition, *offset)).filter(is_new)
    }
}

impl Ledger {
    /// A ledger of a topic that waits for these outputs.
    pub fn new(topic: &str, outputs: Arc<dyn Outputs>) -> Self {
        Self { topic: topic.to_owned(), outputs, offsets: Mutex::default() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Offsets) -> T) -> T {
        work(&mut self.offsets.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes that records of a partition are done with: from `first` on, and all before `next`.
    pub fn note(&self, partition: i32, first: i64, next: i64) {
        self.with(|offsets| {
            offsets.first.entry(partition).or_insert(first);
            offsets.read.insert(partition, next);
        });
    }

    /// Sets what commits of a partition say beside the offset.
    pub fn mark(&self, partition: i32, text: String) {
        self.with(|offsets| {
            offsets.marks.insert(partition, text);
            offsets.marked.insert(partition);
        });
    }

    /// What a commit of a partition says beside the offset.
    pub fn marked(&self, partition: i32) -> Option<String> {
        self.with(|offsets| offsets.marks.get(&partition).cloned())
    }

    /// What was read becomes what may be committed, if all that follows from it has arrived.
    ///
    /// # Errors
    /// When an output was refused for good.
    pub fn settle(&self) -> Result<bool> {
        let settled = self.outputs.settled()?;
        if settled {
            self.with(|offsets| offsets.safe.clone_from(&offsets.read));
        }
        Ok(settled)
    }

    /// What was read may be committed, since all that follows from it goes into the same transaction.
    pub fn trust(&self) {
        self.with(|offsets| offsets.safe.clone_from(&offsets.read));
    }

    /// [`settle`](Self::settle), with some patience.
    pub(super) fn settle_within(&self, patience: Duration) {
        let began = Instant::now();
        // What is not settled is not committed, and read again by the next owner.
        while matches!(self.settle(), Ok(false)) && began.elapsed() < patience {}
    }

    /// What may be committed and is not yet, of some partitions or all.
    ///
    /// # Errors
    /// When an offset is none.
    pub fn due(&self, of: Option<&[i32]>) -> Result<TopicPartitionList> {
        let due: Vec<(i32, i64, Option<String>)> = self.with(|offsets| {
            let wanted = |(partition, _): &(i32, i64)| of.is_none_or(|of| of.contains(partition));
            offsets
                .due()
                .filter(wanted)
                .map(|(partition, offset)| (partition, offset, offsets.marks.get(&partition).cloned()))
                .collect()
        });
        let mut list = TopicPartitionList::new();
        for (partition, offset, mark) in due {
            let mut place = list.add_partition(&self.topic, partition);
            place
                .set_offset(Offset::Offset(offset))
                .map_err(|e| Error::failed(format!("topic {}: {e}", self.topic)))?;
            if let Some(mark) = mark {
                place.set_metadata(mark);
            }
        }
        Ok(list)
    }

    /// Whether anything may be committed that is not yet.
    pub fn is_due(&self) -> bool {
        self.with(|offsets| offsets.due().next().is_some())
    }

    /// Notes what the broker has committed, of partitions that are still here.
    pub fn committed(&self, list: &TopicPartitionList) {
        self.with(|offsets| {
            for element in list.elements() {
                if let (Offset::Offset(offset), true) =
                    (element.offset(), offsets.read.contains_key(&element.partition()))
                {
                    offsets.committed.insert(element.partition(), offset);
                    if offsets.marks.get(&element.partition()).is_some_and(|mark| mark == element.metadata())
                    {
                        offsets.marked.remove(&element.partition());
                    }
                }
            }
        });
    }

    /// How many offsets were read and are not committed, as far as that is known.
    pub fn uncommitted(&self) -> i64 {
        self.with(|offsets| {
            let behind = |(partition, next): (&i32, &i64)| {
                let from = offsets.committed.get(partition).or_else(|| offsets.first.get(partition));
                from.map_or(0, |from| (next - from).max(0))
            };
            offsets.read.iter().map(behind).sum()
        })
    }

    /// What the broker is known to have committed.
    pub fn known(&self) -> BTreeMap<i32, i64> {
        self.with(|offsets| offsets.committed.clone())
    }

    /// Forgets partitions that belong to others now.
    pub fn forget(&self, partitions: &[i32]) {
        self.with(|offsets| {
            for map in [&mut offsets.first, &mut offsets.read, &mut offsets.safe, &mut offsets.committed] {
                map.retain(|partition, _| !partitions.contains(partition));
            }
            offsets.marks.retain(|partition, _| !partitions.contains(partition));
            offsets.marked.retain(|partition| !partitions.contains(partition));
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    struct Slow(AtomicBool);

    impl Outputs for Slow {
        fn settled(&self) -> Result<bool> {
            Ok(self.0.load(Ordering::Relaxed))
        }
    }

    fn offsets(list: &TopicPartitionList) -> Vec<(i32, Offset)> {
        list.elements().iter().map(|element| (element.partition(), element.offset())).collect()
    }

    #[test]
    fn an_offset_is_due_only_when_the_outputs_of_its_record_have_arrived() {
        let outputs = Arc::new(Slow(AtomicBool::new(false)));
        let ledger = Ledger::new("t", Arc::clone(&outputs) as Arc<dyn Outputs>);
        ledger.note(0, 3, 5);
        assert_eq!(ledger.settle(), Ok(false));
        assert_eq!(offsets(&ledger.due(None).expect("a list")), []);
        outputs.0.store(true, Ordering::Relaxed);
        assert_eq!(ledger.settle(), Ok(true));
        ledger.note(0, 5, 6);
        let due = ledger.due(None).expect("a list");
        assert_eq!(offsets(&due), [(0, Offset::Offset(5))], "offset 5 was read after that");
        assert_eq!(ledger.uncommitted(), 3, "3, 4 and 5");
        ledger.committed(&due);
        assert_eq!(ledger.uncommitted(), 1);
        assert_eq!(offsets(&ledger.due(None).expect("a list")), [], "nothing is committed twice");
    }

    #[test]
    fn a_mark_is_due_with_its_offset_although_that_is_committed() {
        let ledger = Ledger::new("t", Arc::new(Slow(AtomicBool::new(true))));
        ledger.mark(0, "restored".to_owned());
        assert!(!ledger.is_due(), "nothing was read yet");
        ledger.note(0, 0, 2);
        ledger.trust();
        ledger.committed(&ledger.due(None).expect("a list"));
        assert!(!ledger.is_due());
        ledger.mark(0, "a checkpoint".to_owned());
        let due = ledger.due(None).expect("a list");
        assert_eq!(offsets(&due), [(0, Offset::Offset(2))]);
        assert_eq!(due.elements()[0].metadata(), "a checkpoint");
        ledger.committed(&due);
        assert!(!ledger.is_due());
    }

    #[test]
    fn a_partition_that_went_is_committed_no_more() {
        let ledger = Ledger::new("t", Arc::new(Slow(AtomicBool::new(true))));
        ledger.note(0, 0, 2);
        ledger.note(1, 0, 2);
        ledger.settle().expect("settled");
        assert_eq!(offsets(&ledger.due(Some(&[1])).expect("a list")), [(1, Offset::Offset(2))]);
        ledger.forget(&[1]);
        assert_eq!(offsets(&ledger.due(None).expect("a list")), [(0, Offset::Offset(2))]);
    }
}
