//! Where partitions go on that a member takes over, and with which state.

use std::time::{Duration, Instant};

use millrace_core::kafka::cause;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::member::Member;
use crate::state::{Begin, Mark, Restored, Store};

/// How long one question waits for the coordinator.
const CALL: Duration = Duration::from_secs(5);
/// How long what the group has committed is asked for: a transaction that a killed member has left open is ended by
/// Kafka after its timeout, and an outage passes.
const PATIENCE: Duration = Duration::from_secs(120);

impl Member {
    /// Looks up what the group has committed in these partitions, and reads the state that goes with it.
    ///
    /// # Errors
    /// A clause about what cannot be read.
    pub(super) fn take_over(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &[i32],
    ) -> Result<Vec<Restored>, String> {
        let Some(store) = self.store.as_ref().filter(|_| !partitions.is_empty()) else {
            return Ok(Vec::new());
        };
        store.prepare().map_err(|e| e.to_string())?;
        let committed = committed(consumer, &self.topic, partitions)?;
        let mut begins = Vec::new();
        for element in committed.elements() {
            let Offset::Offset(committed) = element.offset() else { continue };
            let partition = element.partition();
            if let Some(mark) = self.mark(consumer, store, (partition, committed), element.metadata())? {
                begins.push(Begin { partition, committed, mark });
            }
        }
        store.load(begins).map_err(|e| e.to_string())
    }

    /// The mark of a commit, if the state that it is of can be made again.
    fn mark(
        &self,
        consumer: &BaseConsumer<Self>,
        store: &Store,
        (partition, committed): (i32, i64),
        metadata: &str,
    ) -> Result<Option<Mark>, String> {
        // A commit of another program, or one that was reset by Kafka's tools: the state begins anew.
        let Ok(mark) = metadata.parse::<Mark>() else { return Ok(None) };
        let place = format!("{} partition {partition}", self.topic);
        if mark.version != store.version() {
            eprintln!("the state of {place} is of other settings; it begins anew at offset {committed}");
            return Ok(None);
        }
        if mark.from >= committed {
            return Ok(Some(mark));
        }
        let (first, _) = consumer.fetch_watermarks(&self.topic, partition, CALL).map_err(|e| cause(&e))?;
        if first > mark.from {
            eprintln!(
                "records from offset {} on, which the state of {place} needs, were deleted from the topic; it begins \
                 anew at offset {committed}",
                mark.from
            );
            return Ok(None);
        }
        Ok(Some(mark))
    }
}

fn committed<C: Consumer<Member>>(
    consumer: &C,
    topic: &str,
    partitions: &[i32],
) -> Result<TopicPartitionList, String> {
    let began = Instant::now();
    loop {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(topic, *partition);
        }
        match consumer.committed_offsets(list, CALL) {
            Ok(found) => return Ok(found),
            Err(error) if began.elapsed() < PATIENCE && passes(&error) => {}
            Err(error) => return Err(cause(&error)),
        }
    }
}

fn passes(error: &KafkaError) -> bool {
    use rdkafka::error::RDKafkaErrorCode as Code;
    !matches!(
        error.rdkafka_error_code(),
        Some(Code::GroupAuthorizationFailed | Code::TopicAuthorizationFailed | Code::Fatal)
    )
}
