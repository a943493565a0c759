//! Gives the clean data back: disordered data and their ledger in, the run without disorder out, byte for
//! byte. Neither schema nor format need be known; records are told apart by their bytes.

mod records;
mod rows;

use std::collections::HashMap;

pub use records::Records;
pub use rows::Rows;

use super::Entry;

/// What a ledger named, and how much of it was there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Acts undone.
    pub acts: u64,
    /// Records that the ledger names and the data did not hold: the ledger of another run, or the data of a
    /// run that was cut short.
    pub missing: u64,
}

/// Values that stand in the data because of an act, and how often.
#[derive(Debug, Default)]
struct Written(HashMap<Vec<u8>, usize>);

impl Written {
    fn learn(&mut self, entry: &Entry<'_>) {
        let (copies, value) = entry.written();
        if copies > 0 {
            *self.0.entry(value.to_vec()).or_default() += copies;
        }
    }

    /// Whether a value is one of them; each is taken once.
    fn take(&mut self, value: &[u8]) -> bool {
        match self.0.get_mut(value) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    fn missing(&self) -> u64 {
        self.0.values().map(|left| *left as u64).sum()
    }
}

#[cfg(test)]
mod tests;
