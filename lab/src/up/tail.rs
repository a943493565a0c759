use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use millrace_core::kafka::{Kafka, cause};
use millrace_core::registry::RegistryClient;
use millrace_core::{Error, Result};
use millrace_schemas::SensorReading;
use millrace_schemas::codec::{ReadingDecoder, read_frame};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::columns::row;

const TIMEOUT: Duration = Duration::from_secs(5);
/// How long one look at the end offsets may take: a view comes each second.
const LOOK: Duration = Duration::from_millis(900);
/// How long the latest records may take to arrive before the view goes on without them.
const LATEST: Duration = Duration::from_millis(800);
/// How many records are shown.
const SHOWN: usize = 3;

/// Watches a topic: how fast each partition grows, and its latest records.
pub struct Tail {
    reader: BaseConsumer,
    topic: String,
    ends: Vec<i64>,
    seen: Instant,
    away: bool,
    registry: Option<RegistryClient>,
    decoders: HashMap<u32, ReadingDecoder>,
}

impl Tail {
    /// A tail of a topic that is there; its records are Avro if a registry is given, else JSON.
    pub fn open(kafka: &Kafka, topic: &str, registry_url: Option<&str>) -> Result<Self> {
        let reader = kafka.reader()?;
        let metadata = reader.fetch_metadata(Some(topic), TIMEOUT).map_err(|e| unreadable(topic, &e))?;
        let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
        let mut tail = Self {
            reader,
            topic: topic.to_owned(),
            ends: vec![0; partitions],
            seen: Instant::now(),
            away: false,
            registry: registry_url.map(RegistryClient::new).transpose()?,
            decoders: HashMap::new(),
        };
        // What the topic held before is not part of the first rate.
        tail.rates()?;
        Ok(tail)
    }

    /// Records per second and partition since the last call. End offsets tell it without reading a record.
    pub fn rates(&mut self) -> Result<Vec<f64>> {
        let timeout = if self.away { LOOK } else { TIMEOUT };
        let ends: Result<Vec<i64>> =
            (0..self.ends.len()).map(|partition| self.end(partition as i32, timeout)).collect();
        self.away = ends.is_err();
        let (ends, elapsed) = (ends?, self.seen.elapsed().as_secs_f64().max(1e-3));
        let rates = ends.iter().zip(&self.ends).map(|(new, old)| (new - old) as f64 / elapsed).collect();
        (self.seen, self.ends) = (Instant::now(), ends);
        Ok(rates)
    }

    /// Whether the cluster did not answer when it was asked last.
    pub fn is_away(&self) -> bool {
        self.away
    }

    fn end(&self, partition: i32, timeout: Duration) -> Result<i64> {
        let offsets = self.reader.fetch_watermarks(&self.topic, partition, timeout);
        offsets.map(|(_, end)| end).map_err(|e| unreadable(&self.topic, &e))
    }

    /// The latest record of some partitions, as text; what cannot be read says why.
    pub fn latest(&mut self) -> Vec<String> {
        let mut list = TopicPartitionList::new();
        for (partition, end) in self.ends.iter().enumerate().filter(|(_, end)| **end > 0).take(SHOWN) {
            // An offset that cannot be added is one that is not shown.
            let _ = list.add_partition_offset(&self.topic, partition as i32, Offset::Offset(end - 1));
        }
        let wanted = list.count();
        if self.reader.assign(&list).is_err() {
            return Vec::new();
        }
        let deadline = Instant::now() + LATEST;
        let mut found = Vec::new();
        let mut seen = Vec::new();
        while found.len() < wanted && Instant::now() < deadline {
            let Some(Ok(record)) = self.reader.poll(Duration::from_millis(10)) else { continue };
            let payload = record.payload().unwrap_or_default().to_vec();
            let partition = record.partition();
            drop(record);
            if !seen.contains(&partition) {
                seen.push(partition);
                found.push(self.text(&payload).unwrap_or_else(|error| format!("unreadable: {error}")));
            }
        }
        found
    }

    fn text(&mut self, payload: &[u8]) -> std::result::Result<String, String> {
        let Some(registry) = &self.registry else {
            return Ok(String::from_utf8_lossy(payload).into_owned());
        };
        let (id, body) = read_frame(payload).map_err(|e| e.to_string())?;
        let decoder = match self.decoders.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let schema = registry.schema(id).map_err(|e| e.to_string())?;
                new.insert(ReadingDecoder::new(&schema).map_err(|e| e.to_string())?)
            }
        };
        let reading = decoder.decode(body).map_err(|e| e.to_string())?;
        let SensorReading { timestamp, machine_id, sequence, maintenance_status, sensors, .. } = &reading;
        Ok(row(*timestamp, machine_id, *sequence, maintenance_status.name(), sensors))
    }
}

fn unreadable(topic: &str, error: &KafkaError) -> Error {
    Error::failed(format!("topic {topic} cannot be watched: {}", cause(error)))
}
