use std::collections::HashMap;
use std::collections::btree_map::{BTreeMap, Entry};
use std::time::{Duration, Instant};

use millrace_core::kafka::Topic;
use millrace_core::registry::{Registry, RegistryClient};
use millrace_core::{Error, Result};
use millrace_schemas::codec::{ReadingDecoder, RecordReader, read_frame};
use millrace_schemas::subject::SENSOR_TRUTH;
use rdkafka::Timestamp;
use rdkafka::message::{BorrowedMessage, Message};
use serde::Deserialize;

use super::replay::Times;
use super::tail::backwards;
use super::{Mark, Position, Replay, RunRecord};
use crate::settings::{KafkaOutput, Settings};

/// What a killed producer had handed to the network still arrives; its records are no further apart.
const STILL_ARRIVING: Duration = Duration::from_millis(300);
/// Whatever arrives for longer comes from a producer that lives.
const LONGEST_ARRIVAL: Duration = Duration::from_secs(5);

/// Where a run without transactions goes on: behind the last record of each machine that lies in its topics.
pub(super) fn of_topics(
    run: &RunRecord,
    topic: &Topic,
    settings: &Settings,
    replay: &Replay,
    output: &KafkaOutput,
) -> Result<Position> {
    let times = replay.times(settings);
    let next = |mark: &Mark, kind| {
        let mut seen = Seen::nothing(settings, &times, Sequences::of(kind, output)?);
        look(mark, &run.run, output, &mut seen)?;
        Ok(seen.next())
    };
    let readings = next(&Mark { topic: topic.name.clone(), offsets: run.offsets.clone() }, Kind::Readings)?;
    let truth = match &run.truth {
        Some(truth) => next(truth, Kind::Truth)?,
        None => BTreeMap::new(),
    };
    Ok(Position::of(readings, truth))
}

/// Looks at the end of a topic until nothing more arrives there from the producer that was killed. What
/// others write meanwhile does not matter.
fn look(mark: &Mark, run: &str, output: &KafkaOutput, seen: &mut Seen<'_>) -> Result<()> {
    let topic = &mark.topic;
    let kafka = &output.kafka;
    let Some(mut span) = mark.since(kafka, false)? else { return Ok(()) };
    if span.ends().iter().zip(&mark.offsets).any(|(end, offset)| end < offset) {
        return Err(Error::failed(format!(
            "topic {topic} has fewer records than when run {run} began: it was made anew, so begin anew without --resume",
        )));
    }
    backwards(&span, kafka, |record| match record {
        Some(record) => seen.note(record).map(|_| false),
        None => Ok(seen.is_whole()),
    })?;
    let began = Instant::now();
    loop {
        std::thread::sleep(STILL_ARRIVING);
        span = span.since(kafka)?;
        let mut is_still = true;
        span.each(kafka, |record| seen.note(record).map(|is_ours| is_still &= !is_ours))?;
        if is_still {
            return Ok(());
        }
        if began.elapsed() > LONGEST_ARRIVAL {
            return Err(Error::failed(format!(
                "run {run} is still being written to topic {topic} by another process: end that one, or give this \
                 one a --run-id of its own and begin anew without --resume"
            )));
        }
    }
}

/// What was seen of a run in one of its topics.
struct Seen<'a> {
    /// The next sequence of each machine, by id; `None` where it was not seen.
    next: HashMap<&'a str, Option<u64>>,
    times: &'a Times,
    sequences: Sequences,
}

impl<'a> Seen<'a> {
    fn nothing(settings: &'a Settings, times: &'a Times, sequences: Sequences) -> Self {
        let next = settings.machines.iter().map(|id| (id.as_str(), None)).collect();
        Self { next, times, sequences }
    }

    /// Whether a record of every machine was seen.
    fn is_whole(&self) -> bool {
        self.next.values().all(Option::is_some)
    }

    fn note(&mut self, record: &BorrowedMessage<'_>) -> Result<bool> {
        let Timestamp::CreateTime(time) = record.timestamp() else { return Ok(false) };
        self.note_value(record.key().unwrap_or_default(), time, record.payload().unwrap_or_default())
    }

    /// Whether a record is of this run: its machine has that sequence at that event time. Others may write
    /// about the same machines into the same topic.
    fn note_value(&mut self, key: &[u8], time: i64, value: &[u8]) -> Result<bool> {
        let key = std::str::from_utf8(key).unwrap_or_default();
        let Some(next) = self.next.get_mut(key) else { return Ok(false) };
        let sequence = self.sequences.of_value(value)?;
        let Some(sequence) = sequence.filter(|sequence| self.times.of(*sequence) == time) else {
            return Ok(false);
        };
        *next = (*next).max(Some(sequence + 1));
        Ok(true)
    }

    fn next(self) -> BTreeMap<String, u64> {
        self.next.into_iter().map(|(id, next)| (id.to_owned(), next.unwrap_or(0))).collect()
    }
}

#[derive(Deserialize)]
struct WithSequence {
    sequence: u64,
}

/// What a topic's records are.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Readings,
    Truth,
}

/// Reads the sequences out of a topic's records.
struct Sequences {
    kind: Kind,
    /// `None` = JSON.
    registry: Option<RegistryClient>,
    /// By schema id; `None` where the schema is none of such records.
    readers: BTreeMap<u32, Option<Reader>>,
}

/// Reads what was written with one schema.
enum Reader {
    Reading(ReadingDecoder),
    Truth(RecordReader),
}

impl Sequences {
    fn of(kind: Kind, output: &KafkaOutput) -> Result<Self> {
        let registry = output.schema_registry.as_ref().map(Registry::client).transpose()?;
        Ok(Self { kind, registry, readers: BTreeMap::new() })
    }

    /// `None` = it is no such record.
    ///
    /// # Errors
    /// When the registry is out of reach, so that it cannot be told.
    fn of_value(&mut self, value: &[u8]) -> Result<Option<u64>> {
        let Some(registry) = &self.registry else {
            return Ok(serde_json::from_slice(value).ok().map(|read: WithSequence| read.sequence));
        };
        let Ok((id, body)) = read_frame(value) else { return Ok(None) };
        let reader = match self.readers.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let schema = registry.find_schema(id)?;
                place.insert(schema.and_then(|schema| Reader::of(self.kind, &schema)))
            }
        };
        Ok(reader.as_ref().and_then(|reader| reader.sequence(body)))
    }
}

impl Reader {
    fn of(kind: Kind, schema: &str) -> Option<Self> {
        match kind {
            Kind::Readings => ReadingDecoder::new(schema).map(Self::Reading).ok(),
            Kind::Truth => RecordReader::new(schema, SENSOR_TRUTH).map(Self::Truth).ok(),
        }
    }

    fn sequence(&self, body: &[u8]) -> Option<u64> {
        match self {
            Self::Reading(reader) => u64::try_from(reader.decode(body).ok()?.sequence).ok(),
            Self::Truth(reader) => reader.decode::<WithSequence>(body).map(|read| read.sequence).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Output, read};

    const START: i64 = 1_767_225_600_000;

    fn settings() -> (Settings, KafkaOutput) {
        let said = "producer --mode kafka --format json --machines A B --rate 2 --start 2026-01-01T00:00:00Z";
        let settings = read(said.split(' ').map(Into::into)).expect("fine").expect("a run");
        match settings.output.clone() {
            Output::Kafka(output) => (settings, *output),
            other => panic!("not Kafka: {other:?}"),
        }
    }

    #[test]
    fn a_record_counts_when_its_machine_has_that_sequence_at_that_event_time() {
        let (settings, output) = settings();
        let times = Replay::default().times(&settings);
        let sequences = Sequences::of(Kind::Readings, &output).expect("no registry");
        let mut seen = Seen::nothing(&settings, &times, sequences);
        let mut note = |machine: &str, time, value: &str| {
            seen.note_value(machine.as_bytes(), START + time, value.as_bytes()).expect("no registry")
        };
        assert!(note("A", 2_000, r#"{"sequence": 4, "temperature": 21.5}"#));
        assert!(!note("A", 5_000, r#"{"sequence": 5000}"#), "of a run that began at another time");
        assert!(!note("A", 2_500, r#"{"sequence": 18446744073709551615}"#));
        assert!(!note("A", 2_500, "\0\0\0\0\u{1}, as another format has it"));
        assert!(!note("A", 2_500, ""));
        assert!(!note("C", 2_500, r#"{"sequence": 5}"#), "a machine of another run");
        assert!(!seen.is_whole());
        assert_eq!(seen.next(), [("A", 5), ("B", 0)].map(|(id, next)| (id.to_owned(), next)).into());
    }
}
