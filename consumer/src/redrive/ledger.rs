use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use millrace_core::Result;
use millrace_core::kafka::{Kafka, Span};
use rdkafka::message::Message;

use super::letter::Return;

/// Which letters are back: of each place the hash of its entry, so that a million of them fit into memory.
#[derive(Debug, Default)]
pub(super) struct Ledger(HashMap<(i32, i64), u64>);

impl Ledger {
    /// All entries of a topic; none where it is not there.
    pub fn read(kafka: &Kafka, topic: &str) -> Result<Self> {
        let mut ledger = Self::default();
        Span::of(kafka, topic)?.each(kafka, |record| {
            ledger.note(record.key().unwrap_or_default(), record.payload());
            Ok(())
        })?;
        Ok(ledger)
    }

    /// Takes in an entry; a tombstone takes it out again.
    fn note(&mut self, key: &[u8], entry: Option<&[u8]>) {
        let Some(place) = place(key) else { return };
        match entry {
            Some(entry) => drop(self.0.insert(place, hash(entry))),
            None => drop(self.0.remove(&place)),
        }
    }

    /// Whether a letter is back. What lies at the place of one that is may be another by now.
    pub fn has(&self, letter: &Return) -> bool {
        let entry = self.0.get(&(letter.at.partition, letter.at.offset));
        entry == Some(&hash(letter.origin().as_bytes()))
    }
}

fn place(key: &[u8]) -> Option<(i32, i64)> {
    let (partition, offset) = std::str::from_utf8(key).ok()?.split_once('/')?;
    Some((partition.parse().ok()?, offset.parse().ok()?))
}

fn hash(entry: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    entry.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Letter;
    use crate::pipeline::Place;

    fn letter(timestamp: i64) -> Return {
        Return {
            at: Place { partition: 0, offset: 3 },
            exception: "x".into(),
            from: Place { partition: 1, offset: 2 },
            record: Letter { topic: "t".into(), timestamp: Some(timestamp), ..Letter::default() },
        }
    }

    #[test]
    fn a_letter_is_back_when_its_place_and_its_origin_are_noted() {
        let mut ledger = Ledger::default();
        let letter = letter(1);
        assert!(!ledger.has(&letter));
        let entry = letter.entry("t.dlq.redriven");
        let key = entry.key.unwrap_or_default();
        ledger.note(&key, entry.payload.as_deref());
        ledger.note(b"garbage", Some(b"{}"));
        assert!(ledger.has(&letter));
        assert!(!ledger.has(&self::letter(2)), "the topic of letters was made anew");
        ledger.note(&key, None);
        assert!(!ledger.has(&letter), "a tombstone allows it once more");
    }
}
