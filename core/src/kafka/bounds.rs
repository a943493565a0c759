use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode as Code;

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
