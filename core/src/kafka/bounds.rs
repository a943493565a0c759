use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::{Offset, TopicPartitionList};

use super::cause;
use super::topic::TIMEOUT;
use crate::error::{Error, Result};

const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// First offset and end of a partition, as the reader may see it. A partition that has just been made or
/// changes its leader is waited for.
///
/// # Errors
/// When the cluster does not answer, or knows no such partition.
pub fn bounds(reader: &BaseConsumer, topic: &str, partition: i32) -> Result<(i64, i64)> {
    let began = Instant::now();
    loop {
        match reader.fetch_watermarks(topic, partition, TIMEOUT) {
            Ok(found) => return Ok(found),
            Err(error) if began.elapsed() < TIMEOUT && passes(error.rdkafka_error_code()) => {
                std::thread::sleep(BETWEEN_ATTEMPTS);
            }
            Err(error) => {
                return Err(Error::failed(format!("topic {topic} cannot be read: {}", cause(&error))));
            }
        }
    }
}

/// Where partitions begin ([`Offset::Beginning`]) or end ([`Offset::End`]), all asked for at once; those of which
/// it is not known are left out.
///
/// # Errors
/// When the cluster does not answer.
pub fn edges<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    places: impl IntoIterator<Item = (impl AsRef<str>, i32)>,
    at: Offset,
) -> KafkaResult<BTreeMap<(String, i32), i64>> {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in places {
        list.add_partition_offset(topic.as_ref(), partition, at)?;
    }
    Ok(known(&client.offsets_for_times(list, TIMEOUT)?))
}

/// The offsets of a list, as far as they are numbers.
pub fn known(list: &TopicPartitionList) -> BTreeMap<(String, i32), i64> {
    let offset = |offset| if let Offset::Offset(offset) = offset { Some(offset) } else { None };
    let elements = list.elements();
    let pairs =
        elements.iter().map(|element| ((element.topic().to_owned(), element.partition()), element.offset()));
    pairs.filter_map(|(place, at)| Some((place, offset(at)?))).collect()
}

fn passes(code: Option<Code>) -> bool {
    matches!(
        code,
        Some(
            Code::AllBrokersDown
                | Code::BrokerTransportFailure
                | Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::UnknownPartition
                | Code::UnknownTopicOrPartition
        )
    )
}
