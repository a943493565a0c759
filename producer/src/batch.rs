//! Encoded records on their way from the simulation to a sink.

use std::sync::Arc;

/// All records of some consecutive ticks, made by one or more threads.
///
/// Order: tick by tick, and within a tick part by part.
#[derive(Default)]
pub struct Batch {
    /// What each thread made.
    pub parts: Vec<Part>,
}

/// What one thread made of the machines that are its own.
#[derive(Default)]
pub struct Part {
    /// The readings.
    pub readings: Lane,
    /// Who the machines are.
    pub machines: Arc<Machines>,
}

/// Encoded records of one kind, in order.
#[derive(Default)]
pub struct Lane {
    /// The encoded records, one behind the other.
    pub bytes: Vec<u8>,
    /// Where each record ends, and whose it is.
    pub records: Vec<Record>,
    /// How many of the records belong to each tick, added up.
    pub ticks: Vec<usize>,
}

/// One encoded record.
#[derive(Clone, Copy)]
pub struct Record {
    /// End of its bytes.
    pub end: usize,
    /// Index of its machine.
    pub machine: usize,
    /// Event time, milliseconds since 1970-01-01T00:00:00Z.
    pub timestamp: i64,
}

/// The machines of a part.
#[derive(Default)]
pub struct Machines {
    /// Their ids.
    pub ids: Vec<String>,
    /// Their partitions, where the sink has any.
    pub partitions: Vec<i32>,
}

impl Batch {
    /// How many records it holds.
    pub fn records(&self) -> u64 {
        self.parts.iter().map(|part| part.readings.records.len() as u64).sum()
    }

    /// How many ticks it holds.
    pub fn ticks(&self) -> usize {
        self.parts.first().map_or(0, |part| part.readings.ticks.len())
    }

    /// The bytes of each tick's readings, in order, one slice a part.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ticks()).flat_map(|tick| self.parts.iter().map(move |part| part.readings.tick_bytes(tick)))
    }
}

impl Lane {
    /// Notes that the bytes of a record are complete.
    pub fn end_record(&mut self, machine: usize, timestamp: i64) {
        self.records.push(Record { end: self.bytes.len(), machine, timestamp });
    }

    /// Notes that all records of a tick are there.
    pub fn end_tick(&mut self) {
        self.ticks.push(self.records.len());
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
        self.ticks.clear();
    }

    /// The records of all its ticks, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Record, &[u8])> {
        let begins = std::iter::once(0).chain(self.records.iter().map(|record| record.end));
        self.records.iter().zip(begins).map(|(record, begin)| (record, &self.bytes[begin..record.end]))
    }

    fn tick_bytes(&self, tick: usize) -> &[u8] {
        let end_of = |records: usize| records.checked_sub(1).map_or(0, |last| self.records[last].end);
        let begin = tick.checked_sub(1).map_or(0, |before| end_of(self.ticks[before]));
        &self.bytes[begin..end_of(self.ticks[tick])]
    }
}
