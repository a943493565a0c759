//! Avro records seen through the registry.

use std::collections::BTreeMap;

use millrace_core::Result;
use millrace_core::registry::RegistryClient;
use millrace_schemas::SensorReading;
use millrace_schemas::codec::{ReadingDecoder, read_frame};
use millrace_tests::topic::Record;

/// Decodes records with the schemas that the registry gives for their ids.
pub struct Readings {
    registry: RegistryClient,
    decoders: BTreeMap<u32, ReadingDecoder>,
}

impl Readings {
    pub fn through(registry_url: &str) -> Result<Self> {
        Ok(Self { registry: RegistryClient::new(registry_url)?, decoders: BTreeMap::new() })
    }

    pub fn decode(&mut self, value: &[u8]) -> SensorReading<'static> {
        let (id, body) = read_frame(value).expect("a Confluent frame");
        let decoder = self.decoders.entry(id).or_insert_with(|| {
            let schema = self.registry.schema(id).expect("the registry knows the id");
            ReadingDecoder::new(&schema).expect("an Avro schema")
        });
        decoder.decode(body).expect("a reading").into_owned()
    }
}

/// The sequences of every machine, in the order of arrival.
#[derive(Default)]
pub struct Sequences(BTreeMap<String, Vec<i64>>);

impl Sequences {
    pub fn note(&mut self, machine: &str, sequence: i64) {
        match self.0.get_mut(machine) {
            Some(seen) => seen.push(sequence),
            None => drop(self.0.insert(machine.to_owned(), vec![sequence])),
        }
    }

    /// Every machine has 0..each, without gap, repetition or disorder.
    pub fn check(&self, machines: usize, each: i64) {
        assert_eq!(self.0.len(), machines, "machines");
        for (machine, seen) in &self.0 {
            let wrong = seen.iter().zip(0..).find(|(found, expected)| **found != *expected);
            assert_eq!(wrong, None, "{machine}: (sequence found, expected)");
            assert_eq!(seen.len() as i64, each, "{machine}: records");
        }
    }
}

/// The values of every machine, in the order of arrival.
pub fn by_machine(records: Vec<Record>) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut machines: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for record in records {
        machines.entry(record.key).or_default().push(record.value);
    }
    machines
}
