use std::collections::BTreeMap;

use super::{Found, Written};
use crate::disorder::Entry;

/// Undoes the disorder of a text file, row by row.
#[derive(Debug, Default)]
pub struct Rows {
    written: Written,
    /// Rows still to be put back, by their place in the clean file.
    originals: BTreeMap<u64, Vec<u8>>,
    next: u64,
    acts: u64,
}

impl Rows {
    /// Takes in an entry; all of them before the first row. An entry that is given again is known, and one
    /// of a topic, which has no row, is refused with `false`.
    #[must_use]
    pub fn learn(&mut self, entry: &Entry<'_>) -> bool {
        let Some(row) = entry.row else { return false };
        if self.originals.insert(row, entry.original.to_vec()).is_none() {
            self.written.learn(entry);
            self.acts += 1;
        }
        true
    }

    /// Takes in the next row, and hands on the clean ones up to it, without their line ends.
    ///
    /// # Errors
    /// Those of `clean`.
    pub fn next<E>(&mut self, row: &[u8], mut clean: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        if self.written.take(row) {
            return Ok(());
        }
        while let Some(original) = self.originals.remove(&self.next) {
            clean(&original)?;
            self.next += 1;
        }
        self.next += 1;
        clean(row)
    }

    /// Hands on what lies behind the last row.
    ///
    /// # Errors
    /// Those of `clean`.
    pub fn finish<E>(self, mut clean: impl FnMut(&[u8]) -> Result<(), E>) -> Result<Found, E> {
        for original in self.originals.values() {
            clean(original)?;
        }
        Ok(Found { acts: self.acts, missing: self.written.missing() })
    }
}
