use std::collections::{BTreeMap, HashMap};

use super::Restored;
use crate::pipeline::Place;

/// What is kept of a machine.
pub trait Known {
    /// Looks at what the machine's next record will be held against, so that the processor has it at hand by then:
    /// of many machines most lies in slow memory.
    fn warm(&self) {}
}

/// The state of each machine of the partitions that are here.
#[derive(Debug)]
pub struct Machines<M> {
    partitions: BTreeMap<i32, Partition<M>>,
}

#[derive(Debug)]
struct Partition<M> {
    kept: Vec<Kept<M>>,
    places: HashMap<String, usize>,
    /// The place of the machine that came last.
    last: usize,
}

#[derive(Debug)]
struct Kept<M> {
    name: String,
    state: M,
    /// The last offset of the partition of which it was known to take account when it was restored.
    applied: i64,
    has_changed: bool,
    /// The place of the machine that came after this one the last time, and probably comes again.
    follower: usize,
}

impl<M> Default for Machines<M> {
    fn default() -> Self {
        Self { partitions: BTreeMap::new() }
    }
}

impl<M> Default for Partition<M> {
    fn default() -> Self {
        Self { kept: Vec::new(), places: HashMap::new(), last: 0 }
    }
}

impl<M> Partition<M> {
    fn add(&mut self, name: &str, state: M, applied: i64) -> usize {
        let place = self.kept.len();
        self.places.insert(name.to_owned(), place);
        self.kept.push(Kept { name: name.to_owned(), state, applied, has_changed: false, follower: place });
        place
    }

    fn place(&self, machine: &str) -> Option<usize> {
        self.places.get(machine).copied()
    }

    /// The place of the machine whose turn it is. Most machines come in the same order again and again, and
    /// comparing names costs less than looking one up.
    fn turn(&mut self, machine: &str, new: impl FnOnce() -> M) -> usize {
        let expected = self.kept.get(self.last).map(|kept| kept.follower);
        let place = match expected.filter(|place| self.kept[*place].name == machine) {
            Some(place) => place,
            None => {
                let place = self.place(machine).unwrap_or_else(|| self.add(machine, new(), i64::MIN));
                self.kept[self.last].follower = place;
                place
            }
        };
        self.last = place;
        place
    }
}

impl<M: Known> Machines<M> {
    /// The state of the machine that this record is of, which is about to change; `None` where the state takes
    /// account of the record already.
    pub fn at(&mut self, at: Place, machine: &str, new: impl FnOnce() -> M) -> Option<&mut M> {
        let partition = self.partitions.entry(at.partition).or_default();
        let place = partition.turn(machine, new);
        partition.kept[partition.kept[place].follower].state.warm();
        let kept = &mut partition.kept[place];
        if kept.applied >= at.offset {
            return None;
        }
        kept.has_changed = true;
        Some(&mut kept.state)
    }

    /// Notes that a machine's state has changed without a record of its own.
    pub fn touch(&mut self, partition: i32, machine: &str) {
        if let Some(partition) = self.partitions.get_mut(&partition)
            && let Some(place) = partition.place(machine)
        {
            partition.kept[place].has_changed = true;
        }
    }

    /// Takes in what was found of a partition, instead of what is known of it; `read` makes state of the bytes.
    ///
    /// # Errors
    /// One clause about the first machine whose state cannot be read.
    pub fn restore(
        &mut self,
        restored: &Restored,
        mut read: impl FnMut(&str, &[u8]) -> Result<M, String>,
    ) -> Result<(), String> {
        let mut partition = Partition::default();
        for (machine, snapshot) in &restored.machines {
            let state = read(machine, &snapshot.body).map_err(|why| format!("machine {machine}: {why}"))?;
            partition.add(machine, state, snapshot.applied);
        }
        self.partitions.insert(restored.begin.partition, partition);
        Ok(())
    }

    /// Gives out every machine of a partition that has changed since the last time, in the order of their names;
    /// `write` makes bytes of the state.
    pub fn changed(
        &mut self,
        partition: i32,
        mut write: impl FnMut(&str, &M) -> Vec<u8>,
    ) -> Vec<(String, Vec<u8>)> {
        let kept = self.partitions.get_mut(&partition).into_iter().flat_map(|partition| &mut partition.kept);
        let changed = kept.filter_map(|kept| {
            let has_changed = std::mem::take(&mut kept.has_changed);
            has_changed.then(|| (kept.name.clone(), write(&kept.name, &kept.state)))
        });
        let mut all: Vec<_> = changed.collect();
        all.sort_unstable();
        all
    }

    /// The states of a partition.
    pub fn of(&self, partition: i32) -> impl Iterator<Item = &M> {
        let kept = self.partitions.get(&partition).into_iter().flat_map(|partition| &partition.kept);
        kept.map(|kept| &kept.state)
    }

    /// Lets go of a partition.
    pub fn drop_partition(&mut self, partition: i32) {
        self.partitions.remove(&partition);
    }

    /// Every machine with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &M)> {
        let kept = self.partitions.values().flat_map(|partition| &partition.kept);
        kept.map(|kept| (&kept.name, &kept.state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Begin, Mark, Snapshot};

    impl Known for u64 {}

    fn write(_: &str, sum: &u64) -> Vec<u8> {
        sum.to_le_bytes().to_vec()
    }

    fn read(_: &str, bytes: &[u8]) -> Result<u64, String> {
        bytes.try_into().map(u64::from_le_bytes).map_err(|_| "not eight bytes".to_owned())
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
        let saved = first.changed(0, write);
        assert_eq!(saved.len(), 2);
        assert_eq!(first.changed(0, write), [], "nothing has changed since");
        first.touch(0, "B");
        assert_eq!(first.changed(0, write).len(), 1);
        add(&mut first, 10, "A");
        // B's snapshot is older, as if the next checkpoint had been cut off.
        let mut machines: HashMap<_, _> =
            saved.into_iter().map(|(name, body)| (name, snapshot(body))).collect();
        let later = first.changed(0, write).remove(0).1;
        machines.insert("A".into(), Snapshot { life: mark.life, applied: 10, body: later });
        let begin = Begin { partition: 0, committed: 12, mark };
        let mut second = Machines::<u64>::default();
        second.restore(&Restored { begin, machines }, read).expect("readable");
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
        assert_eq!(second.of(0).count(), 2);
        second.drop_partition(0);
        assert_eq!(all(&second), []);
    }
}
