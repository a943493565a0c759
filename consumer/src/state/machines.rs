use std::collections::{BTreeMap, HashMap};

use super::{Restored, Snapshot};
use crate::pipeline::Place;

/// State that can be written down and read again, to the last bit.
pub trait Remembered: Sized {
    /// The state as bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// The state in bytes.
    ///
    /// # Errors
    /// A clause about what is wrong with them.
    fn from_bytes(bytes: &[u8]) -> Result<Self, String>;

    /// How many readings it holds, or costs as much as.
    fn readings(&self) -> u64;
}

/// The state of each machine of the partitions that are here.
#[derive(Debug)]
pub struct Machines<M> {
    partitions: BTreeMap<i32, HashMap<String, Kept<M>>>,
}

#[derive(Debug)]
struct Kept<M> {
    state: M,
    /// The last offset of the partition of which it was known to take account when it was restored.
    applied: i64,
    has_changed: bool,
}

impl<M> Default for Machines<M> {
    fn default() -> Self {
        Self { partitions: BTreeMap::new() }
    }
}

impl<M: Remembered> Machines<M> {
    /// The state of the machine that this record is of, which is about to change; `None` where the state takes
    /// account of the record already.
    pub fn at(&mut self, at: Place, machine: &str, new: impl FnOnce() -> M) -> Option<&mut M> {
        let machines = self.partitions.entry(at.partition).or_default();
        if !machines.contains_key(machine) {
            let kept = Kept { state: new(), applied: i64::MIN, has_changed: false };
            machines.insert(machine.to_owned(), kept);
        }
        let kept = machines.get_mut(machine).filter(|kept| kept.applied < at.offset)?;
        kept.has_changed = true;
        Some(&mut kept.state)
    }

    /// Takes in what was found of a partition, instead of what is known of it.
    ///
    /// # Errors
    /// One clause about the first machine whose state cannot be read.
    pub fn restore(&mut self, restored: &Restored) -> Result<(), String> {
        let read = |(machine, snapshot): (&String, &Snapshot)| {
            let state = M::from_bytes(&snapshot.body).map_err(|why| format!("machine {machine}: {why}"))?;
            Ok((machine.clone(), Kept { state, applied: snapshot.applied, has_changed: false }))
        };
        let machines = restored.machines.iter().map(read).collect::<Result<_, String>>()?;
        self.partitions.insert(restored.begin.partition, machines);
        Ok(())
    }

    /// Gives out every machine of a partition that has changed since the last time, in the order of their names.
    pub fn changed(&mut self, partition: i32) -> Vec<(String, Vec<u8>)> {
        let machines = self.partitions.get_mut(&partition).into_iter().flatten();
        let changed = machines.filter_map(|(name, kept)| {
            std::mem::take(&mut kept.has_changed).then(|| (name.clone(), kept.state.to_bytes()))
        });
        let mut all: Vec<_> = changed.collect();
        all.sort_unstable();
        all
    }

    /// Readings that the state of a partition holds.
    pub fn readings(&self, partition: i32) -> u64 {
        let machines = self.partitions.get(&partition).into_iter().flatten();
        machines.map(|(_, kept)| kept.state.readings()).sum()
    }

    /// Lets go of a partition.
    pub fn drop_partition(&mut self, partition: i32) {
        self.partitions.remove(&partition);
    }

    /// Every machine with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &M)> {
        self.partitions.values().flatten().map(|(name, kept)| (name, &kept.state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Begin, Mark};

    impl Remembered for u64 {
        fn to_bytes(&self) -> Vec<u8> {
            self.to_le_bytes().to_vec()
        }

        fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
            bytes.try_into().map(Self::from_le_bytes).map_err(|_| "not eight bytes".to_owned())
        }

        fn readings(&self) -> u64 {
            1
        }
    }

    fn add(machines: &mut Machines<u64>, offset: i64, machine: &str) {
        if let Some(sum) = machines.at(Place { partition: 0, offset }, machine, || 0) {
            *sum += offset as u64;
        }
    }

    #[test]
    fn what_is_taken_again_on_top_of_a_checkpoint_gives_the_same_state() {
        let mut first = Machines::<u64>::default();
        (0..10).for_each(|offset| add(&mut first, offset, if offset % 3 == 0 { "A" } else { "B" }));
        let mark = Mark::new(10, "v");
        let snapshot = |body| Snapshot { life: mark.life, applied: 9, body };
        let saved = first.changed(0);
        assert_eq!(saved.len(), 2);
        assert_eq!(first.changed(0), [], "nothing has changed since");
        add(&mut first, 10, "A");
        // B's snapshot is older, as if the next checkpoint had been cut off.
        let mut machines: HashMap<_, _> =
            saved.into_iter().map(|(name, body)| (name, snapshot(body))).collect();
        let later = first.changed(0).remove(0).1;
        machines.insert("A".into(), Snapshot { life: mark.life, applied: 10, body: later });
        let begin = Begin { partition: 0, committed: 12, mark };
        let mut second = Machines::<u64>::default();
        second.restore(&Restored { begin, machines }).expect("readable");
        add(&mut first, 11, "B");
        for (offset, machine) in [(10, "A"), (11, "B")] {
            add(&mut second, offset, machine);
        }
        let all = |machines: &Machines<u64>| {
            let mut all: Vec<_> = machines.iter().map(|(name, sum)| (name.clone(), *sum)).collect();
            all.sort();
            all
        };
        assert_eq!(all(&second), all(&first));
        assert_eq!(second.readings(0), 2);
        second.drop_partition(0);
        assert_eq!(all(&second), []);
    }
}
