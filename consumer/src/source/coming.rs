use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Partitions that came and are not read yet: where they go on, and with which state, is looked up while the member
/// goes on asking. They may go again before that is known.
#[derive(Debug, Default)]
pub(super) struct Coming(Mutex<Turns>);

#[derive(Debug, Default)]
struct Turns {
    count: u64,
    partitions: BTreeMap<i32, Turn>,
}

/// One coming of a partition, told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    number: u64,
    /// Where it is read from if the group has committed nothing.
    pub first: Option<i64>,
}

impl Coming {
    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes partitions that come, each with where it is read from if the group has committed nothing.
    pub fn come(&self, partitions: impl IntoIterator<Item = (i32, Option<i64>)>) {
        let mut turns = self.turns();
        for (partition, first) in partitions {
            turns.count += 1;
            let turn = Turn { number: turns.count, first };
            turns.partitions.insert(partition, turn);
        }
    }

    /// Notes that partitions went, or are read from now on.
    pub fn end(&self, partitions: impl IntoIterator<Item = i32>) {
        let mut turns = self.turns();
        for partition in partitions {
            turns.partitions.remove(&partition);
        }
    }

    /// All that are coming.
    pub fn all(&self) -> BTreeMap<i32, Turn> {
        self.turns().partitions.clone()
    }

    /// Whether a partition is still coming as it was.
    pub fn still(&self, partition: i32, turn: &Turn) -> bool {
        self.turns().partitions.get(&partition) == Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_that_went_and_came_again_is_another() {
        let coming = Coming::default();
        coming.come([(0, None), (1, Some(7))]);
        let before = coming.all();
        assert_eq!(before.keys().copied().collect::<Vec<_>>(), [0, 1]);
        coming.end([0, 1]);
        coming.come([(1, Some(7))]);
        assert!(!coming.still(0, &before[&0]) && !coming.still(1, &before[&1]));
        assert!(coming.still(1, &coming.all()[&1]));
    }
}
