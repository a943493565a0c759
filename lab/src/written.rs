//! What a consumer writes of which each reading gives a record of its own, and what of it was lost or repeated.
//!
//! Its windows take a millisecond, so each reading closes the window of the one before it. What an undisturbed run
//! writes is what there should be.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;

use millrace_core::Result;
use millrace_core::kafka::Kafka;
use rdkafka::message::Message;

use crate::program::program;
use crate::topic;

/// How often each record was written, by a digest of its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Written(BTreeMap<u64, u64>);

impl Written {
    /// What lies in a topic for a reader of what is committed.
    pub fn read(kafka: &Kafka, topic: &str) -> Result<Self> {
        let mut written = Self::default();
        topic::for_each(kafka, topic, |record| written.note(record.payload().unwrap_or_default()))?;
        Ok(written)
    }

    fn note(&mut self, record: &[u8]) {
        let mut digest = DefaultHasher::new();
        record.hash(&mut digest);
        *self.0.entry(digest.finish()).or_default() += 1;
    }

    /// How many records there are, each counted once.
    pub fn distinct(&self) -> u64 {
        self.0.len() as u64
    }
}

/// What is wrong with what was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flaws {
    /// Records that are not there.
    pub lost: u64,
    /// Records that are there once more.
    pub repeated: u64,
    /// Records that should not be there at all.
    pub wrong: u64,
}

impl Flaws {
    /// What differs from what there should be.
    pub fn of(expected: &Written, written: &Written) -> Self {
        let missing = |of: &Written, from: &Written| {
            of.0.keys().filter(|record| !from.0.contains_key(*record)).count() as u64
        };
        Self {
            lost: missing(expected, written),
            repeated: written.0.values().map(|times| times - 1).sum(),
            wrong: missing(written, expected),
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        let counts = [(self.lost, "lost"), (self.repeated, "repeated"), (self.wrong, "wrong")];
        let told: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if told.is_empty() { "each once".to_owned() } else { told.join(", ") }
    }
}

/// A consumer that writes into a topic of its group's name. Its member has a name that outlives a crash, so that
/// nobody waits for its session to end.
pub(crate) fn consumer(input: &str, group: &str, guarantee: &str) -> Result<Command> {
    let mut command = program("consumer")?;
    command
        .args(["--topic", input, "--group-id", group, "--group-instance-id", "only", "--quiet"])
        .args(["--guarantee", guarantee, "--from-beginning", "--show", "nothing", "--output-format", "text"])
        .args(["--window", "1ms", "--metrics-topic", group, "--late-topic", &format!("{group}-late")])
        .args(["--session-timeout", "6", "--no-group-events"]);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(records: &[u8]) -> Written {
        let mut written = Written::default();
        records.iter().for_each(|record| written.note(&[*record]));
        written
    }

    #[test]
    fn what_is_missing_twice_there_or_foreign_is_counted_and_told() {
        let expected = written(&[1, 2, 3]);
        let flaws = Flaws::of(&expected, &written(&[1, 1, 1, 2, 9]));
        assert_eq!(flaws, Flaws { lost: 1, repeated: 2, wrong: 1 });
        assert_eq!(flaws.words(), "1 lost, 2 repeated, 1 wrong");
        assert_eq!(Flaws::of(&expected, &expected).words(), "each once");
        assert_eq!(expected.distinct(), 3);
    }
}
