use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use millrace_core::kafka::Kafka;
use millrace_core::registry::RegistryClient;
use millrace_core::{Error, Result};
use millrace_schemas::codec::{ReadingDecoder, read_frame};
use rdkafka::message::{BorrowedMessage, Message};

use crate::topic;

/// What lies in a topic, against what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Audit {
    /// Records in the topic.
    pub records: u64,
    /// Sequences of a machine that are not there.
    pub missing: u64,
    /// Records that are there more often than once.
    pub repeated: u64,
    /// Records behind a later one of their machine.
    pub out_of_order: u64,
}

/// How often each sequence of one machine was seen, and the highest so far.
#[derive(Default)]
struct Machine {
    seen: Vec<u32>,
    highest: Option<usize>,
}

/// Counts the machines' records, which must have the sequences 0 to `each` - 1.
#[derive(Default)]
struct Count {
    machines: BTreeMap<String, Machine>,
    audit: Audit,
}

impl Audit {
    /// Reads the whole topic of `machines` machines that sent `each` records, in Avro.
    pub(super) fn of(
        kafka: &Kafka,
        topic: &str,
        registry_url: &str,
        machines: u64,
        each: u64,
    ) -> Result<Self> {
        let registry = RegistryClient::new(registry_url)?;
        let mut decoders = BTreeMap::new();
        let (mut count, mut problem) = (Count::default(), None);
        topic::for_each(kafka, topic, |record| {
            match decode(&registry, &mut decoders, record) {
                Ok((machine_id, sequence)) => count.note(machine_id, sequence),
                Err(error) => drop(problem.get_or_insert(error)),
            };
        })?;
        match problem {
            Some(problem) => Err(problem),
            None => Ok(count.end(machines, each)),
        }
    }

    /// Whether every record is there once and in its place.
    pub fn is_complete(&self) -> bool {
        (self.missing, self.repeated, self.out_of_order) == (0, 0, 0)
    }
}

fn decode(
    registry: &RegistryClient,
    decoders: &mut BTreeMap<u32, ReadingDecoder>,
    record: &BorrowedMessage<'_>,
) -> Result<(String, i64)> {
    let place = || format!("partition {} offset {}", record.partition(), record.offset());
    let unreadable = |why: String| Error::failed(format!("the record at {} is no reading: {why}", place()));
    let value = record.payload().unwrap_or_default();
    let (id, body) = read_frame(value).map_err(|e| unreadable(e.to_string()))?;
    let decoder = match decoders.entry(id) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => {
            let schema = registry.schema(id)?;
            new.insert(ReadingDecoder::new(&schema).map_err(|e| unreadable(e.to_string()))?)
        }
    };
    let reading = decoder.decode(body).map_err(|e| unreadable(e.to_string()))?;
    Ok((reading.machine_id.into_owned(), reading.sequence))
}

impl Count {
    fn note(&mut self, machine_id: String, sequence: i64) {
        self.audit.records += 1;
        let machine = self.machines.entry(machine_id).or_default();
        let sequence = usize::try_from(sequence).unwrap_or(0);
        if machine.seen.len() <= sequence {
            machine.seen.resize(sequence + 1, 0);
        }
        machine.seen[sequence] += 1;
        if machine.seen[sequence] > 1 {
            self.audit.repeated += 1;
        } else if machine.highest.is_some_and(|highest| highest > sequence) {
            self.audit.out_of_order += 1;
        }
        machine.highest = machine.highest.max(Some(sequence));
    }

    fn end(self, machines: u64, each: u64) -> Audit {
        let there = |machine: &Machine| machine.seen.iter().filter(|times| **times > 0).count() as u64;
        let present: u64 = self.machines.values().map(there).sum();
        Audit { missing: (machines * each).saturating_sub(present), ..self.audit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audit(sequences: &[i64], each: u64) -> Audit {
        let mut count = Count::default();
        sequences.iter().for_each(|sequence| count.note("PUMP".into(), *sequence));
        count.end(1, each)
    }

    #[test]
    fn every_record_once_and_in_order_is_complete() {
        assert!(audit(&[0, 1, 2], 3).is_complete());
    }

    #[test]
    fn what_is_missing_repeated_or_late_is_counted() {
        assert_eq!(audit(&[0, 2], 3).missing, 1);
        assert_eq!(audit(&[], 3).missing, 3);
        let twice = audit(&[0, 1, 1, 2], 3);
        assert_eq!((twice.missing, twice.repeated, twice.out_of_order), (0, 1, 0));
        let late = audit(&[0, 2, 1], 3);
        assert_eq!((late.missing, late.repeated, late.out_of_order), (0, 0, 1));
    }
}
