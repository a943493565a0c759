//! What is no longer there: the topic, or records that were deleted before they were read.

use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::metadata::MetadataTopic;
use rdkafka::types::RDKafkaRespErr;

use super::{Change, Dated, Source};
use crate::settings::Protocol;

const CALL: Duration = Duration::from_secs(5);

impl Source {
    /// Tells, where partitions went and none is left, whether that is because the topic went: in groups of the
    /// protocol `consumer` the client says nothing of it.
    pub(super) fn look_for_topic(&self, changes: &[Dated]) {
        let went = |told: &Dated| matches!(told.change, Change::Revoked(_) | Change::Lost(_));
        let has_some = || self.consumer.assignment().is_ok_and(|own| own.count() > 0);
        if self.protocol == Protocol::Classic || !changes.iter().any(went) || has_some() {
            return;
        }
        let topic = self.topic.clone();
        drop(self.call(move |consumer| {
            let Ok(found) = consumer.fetch_metadata(Some(&topic), CALL) else { return };
            let is_gone = |topic: &MetadataTopic| {
                topic.error() == Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            };
            if found.topics().iter().any(is_gone) {
                consumer.context().is_gone();
            }
        }));
    }
}

/// The partition of which a line of the client says that its next record is not there, and what is to be said of it:
/// the client has no other way to tell. `None` for other lines.
pub(super) fn missing(topic: &str, line: &str) -> Option<(i32, String)> {
    // It begins with the name of a thread.
    let (_, line) = line.split_once("]: ")?;
    let (partition, rest) =
        line.strip_prefix(topic)?.strip_prefix(" [")?.split_once("]: offset reset (at offset ")?;
    let partition = partition.parse().ok()?;
    let offset: i64 = rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    let sentence = format!(
        "offset {offset} of {topic} partition {partition} is not there: records were deleted before the group read them, \
         or the topic was made anew; reading goes on at the first that is there"
    );
    Some((partition, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_not_there_is_told_of_in_one_sentence() {
        let line = "[thrd:main]: t [3]: offset reset (at offset 50 (leader epoch 0), broker 1) to offset BEGINNING \
                    (leader epoch -1): fetch failed due to requested offset not available on the broker: Broker: Offset \
                    out of range";
        let (partition, sentence) = missing("t", line).expect("a sentence");
        assert_eq!(partition, 3);
        insta::assert_snapshot!(
            sentence,
            @"offset 50 of t partition 3 is not there: records were deleted before the group read them, or the topic was made anew; reading goes on at the first that is there"
        );
        assert_eq!(missing("u", line), None);
        assert_eq!(missing("t", "something else"), None);
    }
}
