use std::collections::{BTreeMap, HashMap};

use super::{Found, Written};
use crate::disorder::Entry;

/// Undoes the disorder of a topic, each machine in its order; different machines do not wait for each other.
#[derive(Debug, Default)]
pub struct Records {
    machines: HashMap<String, Machine>,
    acts: u64,
}

#[derive(Debug, Default)]
struct Machine {
    written: Written,
    /// Values still to be put back, by event time, which a machine has once.
    originals: BTreeMap<i64, Vec<u8>>,
}

impl Records {
    /// Takes in an entry; all of them before the first record. An entry that is given again is known.
    pub fn learn(&mut self, entry: &Entry<'_>) {
        let machine = self.machines.entry(entry.key.clone().into_owned()).or_default();
        if machine.originals.insert(entry.planned, entry.original.to_vec()).is_none() {
            machine.written.learn(entry);
            self.acts += 1;
        }
    }

    /// Takes in the next record of a partition, and hands on the clean ones up to it: key, value, timestamp.
    ///
    /// # Errors
    /// Those of `clean`.
    pub fn next<E>(
        &mut self,
        key: &str,
        value: &[u8],
        timestamp: i64,
        mut clean: impl FnMut(&str, &[u8], i64) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(machine) = self.machines.get_mut(key) else { return clean(key, value, timestamp) };
        if machine.written.take(value) {
            return Ok(());
        }
        while let Some(entry) = machine.originals.first_entry().filter(|entry| *entry.key() < timestamp) {
            let (planned, original) = entry.remove_entry();
            clean(key, &original, planned)?;
        }
        clean(key, value, timestamp)
    }

    /// Hands on what lies behind the last record of each machine.
    ///
    /// # Errors
    /// Those of `clean`.
    pub fn finish<E>(self, mut clean: impl FnMut(&str, &[u8], i64) -> Result<(), E>) -> Result<Found, E> {
        let mut missing = 0;
        for (key, machine) in self.machines {
            missing += machine.written.missing();
            for (planned, original) in machine.originals {
                clean(&key, &original, planned)?;
            }
        }
        Ok(Found { acts: self.acts, missing })
    }
}
