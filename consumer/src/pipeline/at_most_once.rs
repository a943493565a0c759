//! Commits first, then takes: a crash loses, and never repeats.

use std::collections::BTreeMap;

use millrace_core::{Error, Result};
use rdkafka::{Offset, TopicPartitionList};

use super::flow::{Flow, place};
use super::{Point, Processor};

impl<P: Processor> Flow<'_, P> {
    /// What is not committed is not taken: it may be another member's by now.
    pub(super) fn commit_and_take(&mut self) -> Result<()> {
        let most = usize::try_from(self.left()).unwrap_or(usize::MAX).min(self.waiting.len());
        let polled = self.polled();
        let behind = self.offsets_behind(most);
        let list = self.commit_list_of(&behind)?;
        if list.count() > 0 && !self.commit_before(&list, polled)? {
            // They stay where they are until a rebalance takes them away, or the next commit.
            return Ok(());
        }
        // Records may go while one of them is held up, and come back behind others.
        while let Some((partition, offset)) = self.waiting.front().map(place)
            && behind.get(&partition).is_some_and(|(_, next)| offset < *next)
            && let Some(record) = self.waiting.pop_front()
        {
            self.take(&record)?;
        }
        self.note();
        Ok(())
    }

    fn commit_before(&mut self, list: &TopicPartitionList, polled: u64) -> Result<bool> {
        self.mischief.reach(Point::BeforeCommit, polled);
        let taken = self.commit_list(list)?;
        if taken {
            self.mischief.reach(Point::AfterCommit, polled);
        }
        Ok(taken)
    }

    /// Of the next records that wait: first and next offset of each partition, of records to be given out, or all
    /// that are taken for the state's sake only.
    fn offsets_behind(&self, most: usize) -> BTreeMap<i32, (Option<i64>, i64)> {
        let mut behind = BTreeMap::new();
        for (partition, offset) in self.waiting.iter().take(most).map(place) {
            let (first, next) = behind.entry(partition).or_insert((None, 0));
            *next = offset + 1;
            if first.is_none() && !self.keeper.is_given(partition, offset) {
                *first = Some(offset);
            }
        }
        behind
    }

    /// The offsets that the group has not committed before.
    fn commit_list_of(&mut self, behind: &BTreeMap<i32, (Option<i64>, i64)>) -> Result<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        let topic = &self.parts.settings.topic;
        for (partition, (first, next)) in behind {
            let Some(first) = first else { continue };
            if let Some(mark) = self.keeper.begin(*partition, *first) {
                self.parts.ledger.mark(*partition, mark);
            }
            let mut place = list.add_partition(topic, *partition);
            place
                .set_offset(Offset::Offset(*next))
                .map_err(|e| Error::failed(format!("topic {topic}: {e}")))?;
            if let Some(mark) = self.parts.ledger.marked(*partition) {
                place.set_metadata(mark);
            }
        }
        Ok(list)
    }
}
