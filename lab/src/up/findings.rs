use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use millrace_core::Result;
use millrace_core::kafka::{Kafka, edges};
use millrace_core::registry::RegistryClient;
use millrace_detector::alert;
use millrace_schemas::codec::{RecordReader, read_frame};
use millrace_schemas::subject::{ANOMALY_ALERT, WINDOW_STATS};
use millrace_schemas::{AnomalyAlert, Sensor, WindowStats};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::columns::row;

/// Where the consumer's windows are.
pub(super) const WINDOWS: &str = "sensor-metrics";
/// Where the detector's alerts are.
pub(super) const ALERTS: &str = "anomaly-alerts";

/// Machines and alerts that are shown.
const SHOWN: usize = 3;
/// How long new records may be read before the view goes on.
const LOOK: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(10);

/// What consumer and detector write, read back from their topics.
pub(super) struct Findings {
    kafka: Kafka,
    reader: BaseConsumer,
    registry: RegistryClient,
    /// Where what is new begins: in topics that were there before, at their end.
    begins: BTreeMap<(String, i32), i64>,
    /// Topics that are read.
    read: Vec<&'static str>,
    /// How records of a schema are read.
    readers: BTreeMap<u32, Option<RecordReader>>,
    windows: BTreeMap<String, WindowStats>,
    alerts: VecDeque<String>,
    counts: Counts,
}

/// How much was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub windows: u64,
    pub alerts: u64,
}

impl Findings {
    /// Of what is written from now on.
    pub fn open(kafka: &Kafka, registry_url: &str) -> Result<Self> {
        let mut findings = Self {
            kafka: kafka.clone(),
            reader: kafka.reader()?,
            registry: RegistryClient::new(registry_url)?,
            begins: BTreeMap::new(),
            read: Vec::new(),
            readers: BTreeMap::new(),
            windows: BTreeMap::new(),
            alerts: VecDeque::new(),
            counts: Counts::default(),
        };
        let there = findings.partitions()?;
        findings.begins = edges(&findings.reader, there, Offset::End).unwrap_or_default();
        Ok(findings)
    }

    /// The partitions of topics that are there and not read yet.
    fn partitions(&self) -> Result<Vec<(String, i32)>> {
        let mut all = Vec::new();
        for topic in [WINDOWS, ALERTS].into_iter().filter(|topic| !self.read.contains(topic)) {
            let partitions = self.kafka.partitions(topic)?.unwrap_or(0);
            all.extend((0..partitions).map(|partition| (topic.to_owned(), partition)));
        }
        Ok(all)
    }

    /// Reads what has come since the last look. A cluster that is away shows elsewhere.
    pub fn look(&mut self) {
        if self.read.len() < 2 {
            self.assign();
        }
        let until = Instant::now() + LOOK;
        while Instant::now() < until {
            let Some(Ok(record)) = self.reader.poll(POLL) else { break };
            let (topic, value) = (record.topic().to_owned(), record.payload().unwrap_or_default().to_vec());
            drop(record);
            self.take(&topic, &value);
        }
    }

    /// Begins to read topics that are there by now.
    fn assign(&mut self) {
        let Ok(partitions) = self.partitions() else { return };
        let mut list = TopicPartitionList::new();
        for (topic, partition) in &partitions {
            let begin = self.begins.get(&(topic.clone(), *partition)).copied().unwrap_or(0);
            if list.add_partition_offset(topic, *partition, Offset::Offset(begin)).is_err() {
                return;
            }
        }
        if list.count() > 0 && self.reader.incremental_assign(&list).is_ok() {
            let is_read = |topic: &&str| partitions.iter().any(|(read, _)| read == topic);
            self.read.extend([WINDOWS, ALERTS].iter().filter(|topic| is_read(topic)));
        }
    }

    fn take(&mut self, topic: &str, value: &[u8]) {
        let Ok((id, body)) = read_frame(value) else { return };
        let ours = if topic == WINDOWS { WINDOW_STATS } else { ANOMALY_ALERT };
        let registry = &self.registry;
        let reader = self.readers.entry(id).or_insert_with(|| {
            let writer = registry.schema(id).ok()?;
            RecordReader::new(&writer, ours).ok()
        });
        let Some(reader) = reader else { return };
        if topic == WINDOWS {
            if let Ok(window) = reader.decode::<WindowStats>(body) {
                self.counts.windows += 1;
                self.windows.insert(window.machine_id.clone(), window);
            }
        } else if let Ok(found) = reader.decode::<AnomalyAlert>(body) {
            self.counts.alerts += 1;
            if self.alerts.len() == SHOWN {
                self.alerts.pop_front();
            }
            self.alerts.push_back(alert::AnomalyAlert::from(&found).sentence());
        }
    }

    /// What was found, a line each, in the columns of the readings.
    pub fn lines(&self) -> Vec<String> {
        let windows = match self.counts.windows {
            0 => "consumer   no ten seconds of the plant are over yet".to_owned(),
            count => format!("consumer   {count} windows of ten seconds in {WINDOWS}; the newest:"),
        };
        let alerts = match self.counts.alerts {
            0 => "detector   no alert yet; what is normal for a machine is learnt from its first day"
                .to_owned(),
            count => format!("detector   {count} alerts in {ALERTS}; the newest:"),
        };
        let rows = self.windows.values().take(SHOWN).map(row_of);
        std::iter::once(windows).chain(rows).chain([alerts]).chain(self.alerts.iter().cloned()).collect()
    }
}

fn row_of(window: &WindowStats) -> String {
    let means = Sensor::ALL.map(|sensor| window.sensor(sensor).map(|stats| stats.mean));
    row(window.window_start, &window.machine_id, window.count, "mean of", &means)
}
