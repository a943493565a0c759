use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use millrace_core::kafka::{Kafka, cause};
use millrace_core::{Error, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use serde::Serialize;

const CALL: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);
/// How far before its end the newest record of a partition is looked for: the last offsets may be those of
/// markers that end transactions.
const TAILS: [i64; 3] = [1, 10, 1000];

/// A partition.
type Place = (String, i32);

/// How far a group is behind in one partition.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
}

/// Measures a group in every partition where it has committed, or in those of one topic.
///
/// # Errors
/// When the cluster does not answer, or the group has committed nothing there.
pub fn measure(kafka: &Kafka, group: &str, topic: Option<&str>) -> Result<Vec<PartitionLag>> {
    let refuse =
        |e: KafkaError| Error::failed(format!("the lag of group {group} cannot be measured: {}", cause(&e)));
    let observer = kafka.observer(group)?;
    let committed = committed(&observer, topic).map_err(refuse)?;
    if committed.is_empty() {
        let place = topic.map_or_else(String::new, |topic| format!(" in topic {topic}"));
        let server = kafka.bootstrap_servers();
        return Err(Error::failed(format!(
            "group {group} has committed nothing{place} at {server}; check --group and --bootstrap-server"
        )));
    }
    let starts = offsets(&observer, committed.keys(), Offset::Beginning).map_err(refuse)?;
    let ends = offsets(&observer, committed.keys(), Offset::End).map_err(refuse)?;
    let mut lags: Vec<PartitionLag> = committed
        .into_iter()
        .map(|(place, committed)| {
            let log_start = starts.get(&place).copied().unwrap_or(0);
            let end = ends.get(&place).copied().unwrap_or(committed);
            let (topic, partition) = place;
            let lag = (end - committed.max(log_start)).max(0);
            let lag_event_s = (lag == 0).then_some(0.0);
            PartitionLag { topic, partition, committed, log_start, end, lag, lag_event_s }
        })
        .collect();
    times(kafka, &mut lags)?;
    Ok(lags)
}

fn committed(
    observer: &BaseConsumer,
    topic: Option<&str>,
) -> std::result::Result<BTreeMap<Place, i64>, KafkaError> {
    let metadata = observer.fetch_metadata(topic, CALL)?;
    let mut list = TopicPartitionList::new();
    for topic in metadata.topics() {
        for partition in topic.partitions() {
            list.add_partition(topic.name(), partition.id());
        }
    }
    Ok(known(&observer.committed_offsets(list, CALL)?))
}

/// Where partitions begin or end, all asked for at once.
fn offsets<'a>(
    observer: &BaseConsumer,
    places: impl Iterator<Item = &'a Place>,
    at: Offset,
) -> std::result::Result<BTreeMap<Place, i64>, KafkaError> {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in places {
        list.add_partition_offset(topic, *partition, at)?;
    }
    Ok(known(&observer.offsets_for_times(list, CALL)?))
}

fn known(list: &TopicPartitionList) -> BTreeMap<Place, i64> {
    let offset = |offset| if let Offset::Offset(offset) = offset { Some(offset) } else { None };
    let elements = list.elements();
    let pairs =
        elements.iter().map(|element| ((element.topic().to_owned(), element.partition()), element.offset()));
    pairs.filter_map(|(place, at)| Some((place, offset(at)?))).collect()
}

/// Reads the oldest unread and the newest record of each partition that is behind.
fn times(kafka: &Kafka, lags: &mut [PartitionLag]) -> Result<()> {
    let behind = |lags: &[PartitionLag]| -> Vec<(Place, i64)> {
        let behind = lags.iter().filter(|lag| lag.lag > 0);
        behind.map(|lag| ((lag.topic.clone(), lag.partition), lag.committed.max(lag.log_start))).collect()
    };
    let all = behind(lags);
    if all.is_empty() {
        return Ok(());
    }
    let oldest = first_times(kafka, &all)?;
    let mut newest = BTreeMap::new();
    for tail in TAILS {
        let left = all.iter().filter(|(place, _)| !newest.contains_key(place));
        let from = left.map(|(place, begin)| {
            let lag = lags.iter().find(|lag| (&lag.topic, lag.partition) == (&place.0, place.1));
            (place.clone(), lag.map_or(*begin, |lag| (lag.end - tail).max(*begin)))
        });
        let from: Vec<_> = from.collect();
        if from.is_empty() {
            break;
        }
        newest.extend(first_times(kafka, &from)?);
    }
    for lag in lags.iter_mut().filter(|lag| lag.lag > 0) {
        let place = (lag.topic.clone(), lag.partition);
        let both = newest.get(&place).zip(oldest.get(&place));
        lag.lag_event_s = both.map(|(newest, oldest)| (newest - oldest) as f64 / 1000.0);
    }
    Ok(())
}

/// The time of the first record at or behind each offset; none where there is none.
fn first_times(kafka: &Kafka, from: &[(Place, i64)]) -> Result<BTreeMap<Place, i64>> {
    let refuse = |e: KafkaError| Error::failed(format!("records cannot be read: {}", cause(&e)));
    let reader = kafka.isolated_reader(false)?;
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset) in from {
        list.add_partition_offset(topic, *partition, Offset::Offset(*offset)).map_err(refuse)?;
    }
    reader.assign(&list).map_err(refuse)?;
    let mut found = BTreeMap::new();
    let mut ends = 0;
    let began = Instant::now();
    while found.len() + ends < from.len() && began.elapsed() < CALL {
        match reader.poll(POLL) {
            Some(Ok(record)) => {
                let place = (record.topic().to_owned(), record.partition());
                if let (Some(time), false) = (record.timestamp().to_millis(), found.contains_key(&place)) {
                    let mut seen = TopicPartitionList::new();
                    seen.add_partition(&place.0, place.1);
                    reader.pause(&seen).map_err(refuse)?;
                    found.insert(place, time);
                }
            }
            // A partition whose first record was found is paused and does not end.
            Some(Err(KafkaError::PartitionEOF(_))) => ends += 1,
            Some(Err(_)) | None => {}
        }
    }
    Ok(found)
}
