use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::outbox::Letter;
use crate::state::{Mark, Restored, Snapshot, Store};

use super::Checkpoint;

/// Records of a partition between two checkpoints, at least.
const LEAST: i64 = 50_000;
/// And at most: so many are taken again after a restart.
const MOST: i64 = 4_000_000;
/// A state that holds many readings is written more rarely: after so many times as many records.
const TIMES: i64 = 4;

/// Knows when a checkpoint is due, and which records are taken for the state's sake only.
pub(super) struct Keeper {
    store: Option<Arc<Store>>,
    /// Records between two checkpoints, where that was said.
    every: Option<i64>,
    partitions: BTreeMap<i32, Kept>,
    /// Of partitions that were restored: the offset up to which all that follows was given out.
    given: BTreeMap<i32, i64>,
    turns: u64,
}

struct Kept {
    mark: Mark,
    next: i64,
    /// The first offset of which it is ours to give out what follows.
    first: i64,
    /// Tells this ownership of the partition from another one.
    turn: u64,
    /// Whether the group has committed this mark or an earlier one.
    is_committed: bool,
    /// Machines that have a snapshot, by digests of their names.
    written: HashSet<u64>,
}

fn digest(machine: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    machine.hash(&mut hasher);
    hasher.finish()
}

impl Keeper {
    pub fn new(store: Option<Arc<Store>>, every: Option<u64>) -> Self {
        let every = every.map(|every| i64::try_from(every).unwrap_or(i64::MAX));
        Self { store, every, partitions: BTreeMap::new(), given: BTreeMap::new(), turns: 0 }
    }

    fn keep(&mut self, partition: i32, kept: Kept) {
        self.turns += 1;
        self.partitions.insert(partition, Kept { turn: self.turns, ..kept });
    }

    /// Which ownership of a partition it is; `None` where there is none or nothing was taken yet.
    pub fn turn(&self, partition: i32) -> Option<u64> {
        self.partitions.get(&partition).map(|kept| kept.turn)
    }

    /// Partitions of which something was taken, with the first offset where the group may have committed nothing.
    pub fn taken(&self) -> BTreeMap<i32, Option<i64>> {
        let first = |kept: &Kept| (!kept.is_committed).then_some(kept.first);
        self.partitions.iter().map(|(partition, kept)| (*partition, first(kept))).collect()
    }

    /// Notes that the group has committed what was noted of a partition.
    pub fn is_committed(&mut self, partition: i32) {
        if let Some(kept) = self.partitions.get_mut(&partition) {
            kept.is_committed = true;
        }
    }

    /// Goes on with a partition's state; `is_committed` tells whether the group has committed where it begins.
    pub fn restore(&mut self, restored: &Restored, is_committed: bool) {
        let begin = &restored.begin;
        let (mark, written) =
            (begin.mark.clone(), restored.machines.keys().map(|name| digest(name)).collect());
        let (next, first) = (mark.from, begin.committed);
        let kept = Kept { next, first, mark, turn: 0, is_committed, written };
        self.keep(begin.partition, kept);
        if begin.mark.from < begin.committed {
            self.given.insert(begin.partition, begin.committed);
        }
    }

    /// Whether what follows from a record was given out before.
    pub fn is_given(&self, partition: i32, offset: i64) -> bool {
        !self.given.is_empty() && self.given.get(&partition).is_some_and(|given| offset < *given)
    }

    /// Whether records are taken for the state's sake only, in some partition.
    pub fn is_restoring(&self) -> bool {
        let is_behind = |(partition, given): (&i32, &i64)| {
            self.partitions.get(partition).is_some_and(|kept| kept.next < *given)
        };
        self.given.iter().any(is_behind)
    }

    /// The mark of a state that begins with this record, where none was begun.
    pub fn begin(&mut self, partition: i32, first: i64) -> Option<String> {
        let store = self.store.as_ref().filter(|_| !self.partitions.contains_key(&partition))?;
        let mark = Mark::new(first, store.version());
        let text = mark.to_string();
        let kept = Kept { mark, next: first, first, turn: 0, is_committed: false, written: HashSet::new() };
        self.keep(partition, kept);
        Some(text)
    }

    /// Notes that all records of a partition before `next` were taken.
    pub fn note(&mut self, partition: i32, next: i64) {
        if let Some(kept) = self.partitions.get_mut(&partition) {
            kept.next = next;
        }
        if self.given.get(&partition).is_some_and(|given| next > *given) {
            self.given.remove(&partition);
        }
    }

    /// A partition of which so many records were taken since the last checkpoint that there should be another.
    pub fn due(&self, readings: &dyn Fn(i32) -> u64) -> Option<i32> {
        let many =
            |partition| i64::try_from(readings(partition)).unwrap_or(MOST).saturating_mul(TIMES).min(MOST);
        let is_due = |(partition, kept): &(&i32, &Kept)| {
            let since = kept.next - kept.mark.from;
            let is_due = match self.every {
                Some(every) => since >= every,
                None => since >= LEAST && since >= many(**partition),
            };
            is_due && !self.given.contains_key(partition)
        };
        self.partitions.iter().find(is_due).map(|(partition, _)| *partition)
    }

    /// The records of a checkpoint, and the mark that goes with it.
    pub fn cut(&mut self, partition: i32, checkpoint: Checkpoint) -> Option<(Vec<Letter>, Mark)> {
        let (store, kept) = (self.store.as_ref()?, self.partitions.get_mut(&partition)?);
        kept.written.extend(checkpoint.machines.iter().map(|(machine, _)| digest(machine)));
        let (life, applied) = (kept.mark.life, kept.next - 1);
        let letter = |(machine, body)| store.letter(partition, machine, &Snapshot { life, applied, body });
        let letters = checkpoint.machines.into_iter().map(letter).collect();
        let snapshots = Some(kept.written.len() as u64);
        let mark = Mark { from: kept.next, snapshots, partition: checkpoint.partition, ..kept.mark.clone() };
        Some((letters, mark))
    }

    /// The checkpoint's records have arrived.
    pub fn is_cut(&mut self, partition: i32, mark: Mark) {
        if let Some(kept) = self.partitions.get_mut(&partition) {
            kept.mark = mark;
        }
    }

    pub fn drop_partition(&mut self, partition: i32) {
        self.partitions.remove(&partition);
        self.given.remove(&partition);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Begin;

    #[test]
    fn what_was_given_out_is_not_given_out_again() {
        let mut keeper = Keeper::new(None, None);
        assert!(!keeper.is_given(0, 5));
        let begin = Begin { partition: 0, committed: 12, mark: Mark::new(10, "v") };
        keeper.restore(&Restored { begin, machines: Default::default() }, true);
        assert!(keeper.is_given(0, 10) && keeper.is_given(0, 11) && !keeper.is_given(0, 12));
        assert!(!keeper.is_given(1, 11), "of another partition");
        keeper.note(0, 12);
        assert!(keeper.is_given(0, 11), "a record may yet be looked at");
        keeper.note(0, 13);
        assert!(!keeper.is_given(0, 11));
    }
}
