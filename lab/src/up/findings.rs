use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use millrace_core::Result;
use millrace_core::kafka::{Kafka, edges};
use millrace_core::registry::RegistryClient;
use millrace_detector::alert;
use millrace_schemas::codec::{RecordReader, read_frame};
use millrace_schemas::subject::{ANOMALY_ALERT, WINDOW_STATS};
use millrace_schemas::text::format_time;
use millrace_schemas::{AnomalyAlert, Sensor, WindowStats};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

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
    assigned: usize,
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
            assigned: 0,
            readers: BTreeMap::new(),
            windows: BTreeMap::new(),
            alerts: VecDeque::new(),
            counts: Counts::default(),
        };
        let there = findings.partitions()?;
        findings.begins = edges(&findings.reader, there, Offset::End).unwrap_or_default();
        Ok(findings)
    }

    fn partitions(&self) -> Result<Vec<(String, i32)>> {
        let mut all = Vec::new();
        for topic in [WINDOWS, ALERTS] {
            let partitions = self.kafka.partitions(topic)?.unwrap_or(0);
            all.extend((0..partitions).map(|partition| (topic.to_owned(), partition)));
        }
        Ok(all)
    }

    /// Reads what has come since the last look. A cluster that is away shows elsewhere.
    pub fn look(&mut self) {
        if self.assigned < 2 {
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
        let mut topics: Vec<&str> = partitions.iter().map(|(topic, _)| topic.as_str()).collect();
        topics.dedup();
        if topics.len() == self.assigned {
            return;
        }
        let mut list = TopicPartitionList::new();
        for place in &partitions {
            let begin = self.begins.get(place).copied().unwrap_or(0);
            // A topic that is read goes on where it is.
            if list.add_partition_offset(&place.0, place.1, Offset::Offset(begin)).is_err() {
                return;
            }
        }
        if self.reader.assign(&list).is_ok() {
            self.assigned = topics.len();
            (self.counts, self.alerts) = (Counts::default(), VecDeque::new());
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
        let rows = self.windows.values().take(SHOWN).map(row);
        std::iter::once(windows).chain(rows).chain([alerts]).chain(self.alerts.iter().cloned()).collect()
    }
}

fn row(window: &WindowStats) -> String {
    let mean =
        |sensor| window.sensor(sensor).map_or_else(|| "-".to_owned(), |stats| format!("{:.2}", stats.mean));
    let [temperature, vibration, pressure, flow, power, oil, bearing] = Sensor::ALL.map(mean);
    format!(
        "{}  {:<12} {:>9}  {:<11} {temperature:>7} {vibration:>6} {pressure:>6} {flow:>7} {power:>7} {oil:>7} {bearing:>8}",
        format_time(window.window_start, false),
        window.machine_id,
        window.count,
        "mean of",
    )
}
