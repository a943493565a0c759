use std::time::{Duration, Instant};

use millrace_core::kafka::{Kafka, cause};
use millrace_core::{Error, Result};
use millrace_schemas::ControlReply;
use millrace_schemas::subject::CONTROL_REPLY;
use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;

use crate::control::reader::Records;

const CALL: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);

/// The answers to commands, as they come.
pub(super) struct Replies {
    reader: BaseConsumer,
    records: Records,
}

impl Replies {
    /// Listens to the answers from now on, or to all of them, where one may be there already.
    pub fn listen(
        kafka: &Kafka,
        topic: &str,
        control: &str,
        from_beginning: bool,
        records: Records,
    ) -> Result<Self> {
        let refuse = |e: KafkaError| Error::failed(format!("topic {topic}: {}", cause(&e)));
        let reader = kafka.reader()?;
        let metadata = reader.fetch_metadata(Some(topic), CALL).map_err(refuse)?;
        let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len() as i32);
        if partitions == 0 {
            return Err(Error::failed(format!(
                "no producer has listened to {control} at {} yet: there is no topic {topic}; start one with --mode kafka",
                kafka.bootstrap_servers()
            )));
        }
        let mut from = TopicPartitionList::new();
        for partition in 0..partitions {
            let offset = match from_beginning {
                true => Offset::Beginning,
                false => Offset::Offset(reader.fetch_watermarks(topic, partition, CALL).map_err(refuse)?.1),
            };
            from.add_partition_offset(topic, partition, offset).map_err(refuse)?;
        }
        reader.assign(&from).map_err(refuse)?;
        Ok(Self { reader, records })
    }

    /// Waits for the answer to a command; `None` when there is none until `deadline`.
    pub fn wait(&mut self, id: &str, deadline: Instant) -> Result<Option<ControlReply>> {
        while Instant::now() < deadline {
            // An error is an outage, which may pass in time.
            let Some(Ok(record)) = self.reader.poll(POLL) else { continue };
            let read = self.records.read::<ControlReply>(CONTROL_REPLY, record.payload())?;
            if let Ok(reply) = read
                && reply.command_id == id
            {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }
}
