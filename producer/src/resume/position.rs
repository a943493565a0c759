use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use millrace_core::kafka::{Kafka, Topic};
use millrace_core::registry::{Registry, RegistryClient};
use millrace_core::{Error, Result};
use millrace_schemas::codec::{ReadingDecoder, read_frame};
use rdkafka::message::{BorrowedMessage, Message};
use serde::Deserialize;

use super::tail::Tail;
use crate::batch::{Batch, Lane, Machines};
use crate::settings::{KafkaOutput, Settings};

/// What a killed producer had handed to the network still arrives; no longer than this on a live one.
const STILL_ARRIVING: Duration = Duration::from_millis(300);

/// Which record of each machine comes next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position {
    ticks: u64,
    /// Machines that are further than `ticks`, by id.
    ahead: BTreeMap<String, u64>,
}

impl Position {
    /// Every machine's next record has this sequence.
    pub fn all_at(ticks: u64) -> Self {
        Self { ticks, ahead: BTreeMap::new() }
    }

    /// The next record of each machine, by id.
    pub fn of(next: impl IntoIterator<Item = (String, u64)>) -> Self {
        let mut ahead: BTreeMap<String, u64> = next.into_iter().collect();
        let ticks = ahead.values().copied().min().unwrap_or(0);
        ahead.retain(|_, next| *next > ticks);
        Self { ticks, ahead }
    }

    /// The first tick that some machine needs.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// The tick from which every machine needs all.
    pub fn level(&self) -> u64 {
        self.ahead.values().copied().max().unwrap_or(self.ticks)
    }

    /// How many records lie before it, of so many machines.
    pub fn records(&self, machines: usize) -> u64 {
        let ahead: u64 = self.ahead.values().map(|next| next - self.ticks).sum();
        self.ticks * machines as u64 + ahead
    }

    /// Takes out of a batch that begins with tick `first` what is there already.
    pub fn trim(&self, first: u64, batch: &mut Batch) {
        if first >= self.level() {
            return;
        }
        for part in &mut batch.parts {
            let next = self.of_machines(&part.machines);
            for lane in part.lanes() {
                lane.retain(|tick, machine| first + tick as u64 >= next[machine]);
            }
        }
    }

    fn of_machines(&self, machines: &Machines) -> Vec<u64> {
        machines.ids.iter().map(|id| self.ahead.get(id).copied().unwrap_or(self.ticks)).collect()
    }
}

impl Lane {
    /// Keeps the records for which `keep` is true of their tick's place in the lane and their machine, and those
    /// behind the last tick.
    fn retain(&mut self, keep: impl Fn(usize, usize) -> bool) {
        let old = std::mem::take(self);
        let mut records = old.iter();
        let mut seen = 0;
        for (tick, end) in old.ticks.iter().enumerate() {
            for (record, bytes) in records.by_ref().take(end - seen) {
                if keep(tick, record.machine) {
                    self.bytes.extend_from_slice(bytes);
                    self.end_record(record.machine, record.timestamp);
                }
            }
            seen = *end;
            self.end_tick();
        }
        for (record, bytes) in records {
            self.bytes.extend_from_slice(bytes);
            self.end_record(record.machine, record.timestamp);
        }
    }
}

/// Where a run without transactions goes on: behind the last record of each machine that lies in its topic
/// behind `floors`, where the topic ended when the run began.
pub(super) fn of_topic(
    topic: &Topic,
    floors: &[i64],
    settings: &Settings,
    output: &KafkaOutput,
) -> Result<Position> {
    let mut tail = settled(&output.kafka, topic)?;
    if tail.ends().iter().zip(floors).any(|(end, floor)| end < floor) {
        return Err(Error::failed(format!(
            "topic {} has fewer records than when run {} began: it was made anew, so begin anew without --resume",
            topic.name, output.recovery.run_id
        )));
    }
    tail.not_before(floors);
    let mut sequences = Sequences::of(output)?;
    let mut next: HashMap<&[u8], Option<u64>> =
        settings.machines.iter().map(|id| (id.as_bytes(), None)).collect();
    tail.back(|record| {
        let Some(record) = record else { return Ok(next.values().all(Option::is_some)) };
        if let Some(machine) = record.key().and_then(|key| next.get_mut(key)) {
            *machine = (*machine).max(Some(sequences.of_record(record)? + 1));
        }
        Ok(false)
    })?;
    Ok(Position::of(settings.machines.iter().map(|id| (id.clone(), next[id.as_bytes()].unwrap_or(0)))))
}

/// The tail once nothing more arrives from the producer that was killed.
fn settled<'a>(kafka: &Kafka, topic: &'a Topic) -> Result<Tail<'a>> {
    let look = || Tail::of(kafka, &topic.name, topic.partitions, false);
    let mut before = look()?;
    loop {
        std::thread::sleep(STILL_ARRIVING);
        let now = look()?;
        if now.ends() == before.ends() {
            return Ok(now);
        }
        before = now;
    }
}

/// Reads the sequence out of a record's value.
struct Sequences {
    /// `None` = JSON.
    registry: Option<RegistryClient>,
    decoders: BTreeMap<u32, ReadingDecoder>,
}

#[derive(Deserialize)]
struct WithSequence {
    sequence: u64,
}

impl Sequences {
    fn of(output: &KafkaOutput) -> Result<Self> {
        let registry = output.schema_registry.as_ref().map(Registry::client).transpose()?;
        Ok(Self { registry, decoders: BTreeMap::new() })
    }

    fn of_record(&mut self, record: &BorrowedMessage<'_>) -> Result<u64> {
        self.of_value(record.payload().unwrap_or_default()).map_err(|why| {
            let place = format!("partition {} offset {}", record.partition(), record.offset());
            let what = format!("topic {} holds no reading of this run at {place}", record.topic());
            Error::failed(format!("{what} ({why}), so it cannot go on: begin anew without --resume"))
        })
    }

    fn of_value(&mut self, value: &[u8]) -> std::result::Result<u64, String> {
        let Some(registry) = &self.registry else {
            let read: WithSequence = serde_json::from_slice(value).map_err(|e| e.to_string())?;
            return Ok(read.sequence);
        };
        let (id, body) = read_frame(value).map_err(|e| e.to_string())?;
        if let std::collections::btree_map::Entry::Vacant(place) = self.decoders.entry(id) {
            let schema = registry.schema(id).map_err(|e| e.to_string())?;
            place.insert(ReadingDecoder::new(&schema).map_err(|e| e.to_string())?);
        }
        let reading = self.decoders[&id].decode(body).map_err(|e| e.to_string())?;
        u64::try_from(reading.sequence).map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::batch::Part;

    /// A lane of two machines whose record at tick t is `"{machine}{t}"`.
    fn lane(first: u64, ticks: u64) -> Lane {
        let mut lane = Lane::default();
        for tick in first..first + ticks {
            for machine in 0..2 {
                lane.bytes.extend(format!("{machine}:{tick} ").bytes());
                lane.end_record(machine, tick.cast_signed());
            }
            lane.end_tick();
        }
        lane
    }

    fn batch(first: u64, ticks: u64) -> Batch {
        let machines = Arc::new(Machines { ids: vec!["A".into(), "B".into()], partitions: vec![0, 0] });
        Batch { parts: vec![Part { readings: lane(first, ticks), machines, ..Part::default() }] }
    }

    fn text(batch: &Batch) -> String {
        let bytes = batch.parts.iter().flat_map(|part| part.readings.bytes.clone()).collect();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn each_machine_goes_on_with_its_own_next_record() {
        let position = Position::of([("A".to_owned(), 7), ("B".to_owned(), 5)]);
        assert_eq!((position.ticks(), position.level()), (5, 7));
        let mut batch = batch(5, 4);
        position.trim(5, &mut batch);
        assert_eq!(text(&batch), "1:5 1:6 0:7 1:7 0:8 1:8 ");
        let lane = &batch.parts[0].readings;
        assert_eq!(lane.ticks, [1, 2, 4, 6], "every tick is still there");
        assert_eq!(lane.records.last().expect("records").end, lane.bytes.len());
    }

    #[test]
    fn a_batch_behind_the_last_machines_position_is_left_alone() {
        let position = Position::of([("A".to_owned(), 7), ("B".to_owned(), 5)]);
        let mut later = batch(7, 2);
        position.trim(7, &mut later);
        assert_eq!(text(&later), text(&batch(7, 2)));
        let mut all = batch(3, 2);
        Position::all_at(3).trim(3, &mut all);
        assert_eq!(text(&all), text(&batch(3, 2)));
    }
}
