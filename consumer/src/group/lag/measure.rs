use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use millrace_core::kafka::{Kafka, cause, edges, known};
use millrace_core::{Error, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use serde::Serialize;

use super::times::{Readers, Stamp, Stretches, ends};

const CALL: Duration = Duration::from_secs(10);

/// A partition.
type Place = (String, i32);

/// How far a group is behind in one partition.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PartitionLag {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The next offset that the group has committed.
    pub committed: i64,
    /// The first offset that is still there.
    pub log_start: i64,
    /// The offset behind the last.
    pub end: i64,
    /// End less committed or log start, whichever is later, as Kafka's tools say.
    pub lag: i64,
    /// The newest record's time less that of the oldest unread, in seconds; `None` where it cannot be known.
    pub lag_event_s: Option<f64>,
    /// How long ago the oldest unread record came, in seconds; `None` where it cannot be known.
    pub lag_wall_s: Option<f64>,
    /// Unread records that are there, counted one by one; `None` = not counted.
    pub unread: Option<i64>,
    /// Offsets a second that the group commits, seen by watching.
    pub read_per_s: Option<f64>,
    /// Offsets a second that come, seen by watching.
    pub arriving_per_s: Option<f64>,
    /// Seconds until all is read at these rates; `None` where it would never be.
    pub catch_up_s: Option<f64>,
}

impl PartitionLag {
    /// The first offset that is unread.
    pub fn next(&self) -> i64 {
        self.committed.max(self.log_start)
    }
}

/// Measures a group in every partition where it has committed, or in those of one topic.
///
/// # Errors
/// When the cluster does not answer, or the group has committed nothing there.
pub fn measure(kafka: &Kafka, group: &str, topic: Option<&str>) -> Result<Vec<PartitionLag>> {
    Meter::new(kafka, group, topic)?.measure()
}

/// Measures a group as often as one likes.
pub struct Meter {
    group: String,
    topic: Option<String>,
    servers: String,
    observer: BaseConsumer,
    readers: Readers,
}

impl Meter {
    /// A meter of a group, in all topics or one.
    ///
    /// # Errors
    /// When no client can be built.
    pub fn new(kafka: &Kafka, group: &str, topic: Option<&str>) -> Result<Self> {
        Ok(Self {
            group: group.to_owned(),
            topic: topic.map(ToOwned::to_owned),
            servers: kafka.bootstrap_servers().to_owned(),
            observer: kafka.observer(group)?,
            readers: Readers::new(kafka)?,
        })
    }

    /// Measures.
    ///
    /// # Errors
    /// When the cluster does not answer, or the group has committed nothing.
    pub fn measure(&self) -> Result<Vec<PartitionLag>> {
        let group = &self.group;
        let refuse = |e: KafkaError| {
            Error::failed(format!("the lag of group {group} cannot be measured: {}", cause(&e)))
        };
        let committed = self.committed().map_err(refuse)?;
        if committed.is_empty() {
            let place = self.topic.as_ref().map_or_else(String::new, |topic| format!(" in topic {topic}"));
            return Err(Error::failed(format!(
                "group {group} has committed nothing{place} at {}; check --group and --bootstrap-server",
                self.servers
            )));
        }
        let starts = self.edges(&committed, Offset::Beginning).map_err(refuse)?;
        let ends = self.edges(&committed, Offset::End).map_err(refuse)?;
        let mut lags: Vec<PartitionLag> = committed
            .into_iter()
            .map(|(place, committed)| {
                let log_start = starts.get(&place).copied().unwrap_or(0);
                let end = ends.get(&place).copied().unwrap_or(committed);
                let (topic, partition) = place;
                let lag = (end - committed.max(log_start)).max(0);
                let none = (lag == 0).then_some(0.0);
                let times = PartitionLag { lag_event_s: none, lag_wall_s: none, ..PartitionLag::default() };
                PartitionLag { topic, partition, committed, log_start, end, lag, ..times }
            })
            .collect();
        for own in lags.chunk_by_mut(|one, next| one.topic == next.topic) {
            self.times(own)?;
        }
        Ok(lags)
    }

    fn committed(&self) -> std::result::Result<BTreeMap<Place, i64>, KafkaError> {
        let metadata = self.observer.fetch_metadata(self.topic.as_deref(), CALL)?;
        let mut list = TopicPartitionList::new();
        for topic in metadata.topics() {
            for partition in topic.partitions() {
                list.add_partition(topic.name(), partition.id());
            }
        }
        Ok(known(&self.observer.committed_offsets(list, CALL)?))
    }

    fn edges(
        &self,
        of: &BTreeMap<Place, i64>,
        at: Offset,
    ) -> std::result::Result<BTreeMap<Place, i64>, KafkaError> {
        edges(&self.observer, of.keys().map(|(topic, partition)| (topic, *partition)), at)
    }

    /// Reads the oldest unread and the newest record of each partition of one topic that is behind.
    fn times(&self, own: &mut [PartitionLag]) -> Result<()> {
        let behind = own.iter().filter(|lag| lag.lag > 0);
        let stretches: Stretches = behind.map(|lag| (lag.partition, (lag.next(), lag.end))).collect();
        if stretches.is_empty() {
            return Ok(());
        }
        let found = ends(&self.readers, &own[0].topic, &stretches)?;
        let now = Utc::now().timestamp_millis();
        for lag in own {
            let Some((oldest, newest)) = found.get(&lag.partition) else { continue };
            lag.lag_event_s = Some((newest.time() - oldest.time()) as f64 / 1000.0);
            if let Stamp::Appended(time) = oldest {
                lag.lag_wall_s = Some((now - time).max(0) as f64 / 1000.0);
            }
        }
        Ok(())
    }
}
