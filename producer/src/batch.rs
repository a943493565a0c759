//! Encoded records on their way from the simulation to a sink.

use std::sync::Arc;

use millrace_schemas::MachineState;

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
    /// What is true of each reading, where that is asked for.
    pub truth: Lane,
    /// The episodes that ended; of failures only, where those of maintenance have a lane of their own.
    pub episodes: Lane,
    /// The episodes of maintenance, where they go elsewhere than those of failures.
    pub maintenance: Lane,
    /// The ledger's entries about the readings.
    pub ledger: Lane,
    /// Who the machines are.
    pub machines: Arc<Machines>,
    /// What the machines were doing at the first tick, where that was asked for.
    pub states: Vec<MachineState>,
}

/// Chooses one of a part's lanes.
pub type LaneOf = fn(&Part) -> &Lane;

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

    /// Event time of its last reading.
    pub fn last_timestamp(&self) -> Option<i64> {
        self.parts.iter().filter_map(|part| part.readings.records.last()).map(|record| record.timestamp).max()
    }

    /// How many ticks it holds.
    pub fn ticks(&self) -> usize {
        self.parts.first().map_or(0, |part| part.readings.ticks.len())
    }

    /// What the machines were doing at the first tick, by id; empty unless that was asked for.
    pub fn states(&self) -> Vec<MachineState> {
        let mut states: Vec<_> = self.parts.iter().flat_map(|part| part.states.iter().cloned()).collect();
        states.sort_by(|one, other| one.machine_id.cmp(&other.machine_id));
        states
    }

    /// The bytes of each tick in one of the lanes, in order, one slice a part; then those behind the last tick.
    pub fn slices(&self, lane: LaneOf) -> impl Iterator<Item = &[u8]> {
        let ticks = self.parts.first().map_or(0, |part| lane(part).ticks.len());
        let of_tick = move |tick| self.parts.iter().map(move |part| lane(part).tick_bytes(tick));
        (0..ticks).flat_map(of_tick).chain(self.parts.iter().map(move |part| lane(part).rest()))
    }
}

impl Batch {
    /// The readings of each tick in order, with the number of their part; then those behind the last tick.
    pub fn readings(&self) -> impl Iterator<Item = (usize, &Record, &[u8])> {
        let of_tick = move |tick| {
            let parts = self.parts.iter().enumerate();
            parts.flat_map(move |(number, part)| {
                part.readings.of_tick(tick).map(move |(record, bytes)| (number, record, bytes))
            })
        };
        (0..=self.ticks()).flat_map(of_tick)
    }
}

impl Part {
    /// Notes that everything about a tick is there.
    pub fn end_tick(&mut self) {
        self.lanes().into_iter().for_each(Lane::end_tick);
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.lanes().into_iter().for_each(Lane::clear);
    }

    /// All its lanes.
    pub fn lanes(&mut self) -> [&mut Lane; 5] {
        [&mut self.readings, &mut self.truth, &mut self.episodes, &mut self.maintenance, &mut self.ledger]
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

    /// The records of one tick, in order; behind the last tick, those that follow it.
    fn of_tick(&self, tick: usize) -> impl Iterator<Item = (&Record, &[u8])> {
        let (first, end) = (self.first_of(tick), self.ticks.get(tick).copied());
        let records = self.records[first..end.unwrap_or(self.records.len())].iter();
        records.scan(self.end_of(first), |begin, record| {
            let bytes = &self.bytes[*begin..record.end];
            *begin = record.end;
            Some((record, bytes))
        })
    }

    fn tick_bytes(&self, tick: usize) -> &[u8] {
        &self.bytes[self.end_of(self.first_of(tick))..self.end_of(self.ticks[tick])]
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.ticks.last().map_or(0, |records| self.end_of(*records))..]
    }

    /// Index of a tick's first record.
    fn first_of(&self, tick: usize) -> usize {
        tick.checked_sub(1).map_or(0, |before| self.ticks[before])
    }

    fn end_of(&self, records: usize) -> usize {
        records.checked_sub(1).map_or(0, |last| self.records[last].end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(texts: &[&str], rest: &str) -> Part {
        let mut part = Part::default();
        for text in texts {
            part.truth.bytes.extend(text.bytes());
            part.truth.end_record(0, 0);
            part.end_tick();
        }
        part.truth.bytes.extend(rest.bytes());
        part.truth.end_record(0, 0);
        part
    }

    #[test]
    fn slices_go_tick_by_tick_and_part_by_part_and_end_with_what_is_behind_the_last_tick() {
        let batch = Batch { parts: vec![part(&["a", "b"], "c"), part(&["1", "2"], "3")] };
        assert_eq!(batch.slices(|part| &part.truth).collect::<Vec<_>>().concat(), b"a1b2c3");
        let of = |tick: usize| batch.parts[1].truth.of_tick(tick).map(|(_, bytes)| bytes).collect::<Vec<_>>();
        assert_eq!([of(0), of(1), of(2)].concat(), [b"1", b"2", b"3"]);
        assert_eq!(batch.slices(|part| &part.readings).collect::<Vec<_>>().concat(), b"");
    }
}
