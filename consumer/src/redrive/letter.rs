use millrace_core::kafka::{REJECTED_PREFIX, legal_topic, partition_of};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};

use crate::outbox::Letter;
use crate::pipeline::Place;

/// The header that counts how often a record was put back, so that a letter that returns for ever is seen.
pub const REDRIVEN: &str = "millrace.redriven";

/// A dead letter as it goes back: the record that it was.
#[derive(Debug, Clone)]
pub(super) struct Return {
    /// Where the letter lies.
    pub at: Place,
    /// The kind of its cause, as in its header.
    pub exception: String,
    /// Where the record lay in its topic.
    pub from: Place,
    /// The record, for that partition.
    pub record: Letter,
}

impl Return {
    /// What a record in the topic of dead letters was; `None` where its headers do not say where it came from.
    pub fn of(record: &impl Message) -> Option<Self> {
        let own = record.headers()?;
        let topic = said(own, "topic").filter(|name| legal_topic(name).is_ok())?;
        let partition = said(own, "partition")?.parse().ok().filter(|partition| *partition >= 0)?;
        Some(Self {
            at: Place { partition: record.partition(), offset: record.offset() },
            exception: said(own, "exception")?,
            from: Place { partition, offset: said(own, "offset")?.parse().ok()? },
            record: Letter {
                partition: Some(partition),
                headers: Some(restored(own)),
                ..Letter::as_it_came(&topic, record)
            },
        })
    }

    /// The same, for a topic that has so many partitions by now.
    pub fn into_topic_of(mut self, partitions: i32) -> Self {
        let from = self.from.partition;
        let partition = match &self.record.key {
            _ if from < partitions => from,
            Some(key) => partition_of(key, partitions),
            None => from % partitions,
        };
        self.record.partition = Some(partition);
        self
    }

    /// The note that it is back: its place and its [`origin`](Self::origin).
    pub fn entry(&self, topic: &str) -> Letter {
        Letter {
            topic: topic.to_owned(),
            key: Some(format!("{}/{}", self.at.partition, self.at.offset).into_bytes()),
            payload: Some(self.origin().into_bytes()),
            ..Letter::default()
        }
    }

    /// What tells it from another letter at its place, should the topic of letters be made anew.
    pub fn origin(&self) -> String {
        let Self { from: Place { partition, offset }, record: Letter { topic, timestamp, .. }, .. } = self;
        serde_json::json!({"topic": topic, "partition": partition, "offset": offset, "timestamp": timestamp})
            .to_string()
    }
}

/// The value of the last header of this kind: what a record brought with it stands before ours.
fn said<H: Headers>(headers: &H, name: &str) -> Option<String> {
    let is_it = |key: &str| key.strip_prefix(REJECTED_PREFIX) == Some(name);
    let last = headers.iter().filter(|header| is_it(header.key)).last()?;
    String::from_utf8(last.value?.to_vec()).ok()
}

/// A record's own headers, with one more return counted.
fn restored<H: Headers>(all: &H) -> OwnedHeaders {
    let own = all.iter().filter(|header| !header.key.starts_with(REJECTED_PREFIX));
    let (counts, own): (Vec<_>, Vec<_>) = own.partition(|header| header.key == REDRIVEN);
    let count = |header: &Header<'_, &[u8]>| std::str::from_utf8(header.value?).ok()?.parse::<u64>().ok();
    let before = counts.last().and_then(count).unwrap_or(0);
    let headers =
        own.into_iter().fold(OwnedHeaders::new_with_capacity(all.count() + 1), OwnedHeaders::insert);
    let times = before.saturating_add(1).to_string();
    headers.insert(Header { key: REDRIVEN, value: Some(&times) })
}

#[cfg(test)]
mod tests {
    use millrace_core::kafka::rejected_headers;
    use rdkafka::Timestamp;
    use rdkafka::message::OwnedMessage;

    use super::*;

    fn record(topic: &str, partition: i32, headers: OwnedHeaders) -> OwnedMessage {
        let (key, payload) = (Some(b"M".to_vec()), Some(b"hello".to_vec()));
        let time = Timestamp::CreateTime(7);
        OwnedMessage::new(payload, key, topic.to_owned(), time, partition, 9, Some(headers))
    }

    fn letter_of(rejected: &OwnedMessage) -> OwnedMessage {
        record("t.dlq", 0, rejected_headers(rejected, "millrace.consumer.NotFramed", "why"))
    }

    fn own() -> OwnedHeaders {
        OwnedHeaders::new().insert(Header { key: "own", value: Some("header") })
    }

    fn names(headers: &OwnedHeaders) -> Vec<(String, String)> {
        let text = |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
        headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
    }

    #[test]
    fn a_letter_goes_back_as_the_record_that_it_was_and_counts_its_returns() {
        let mut record = record("t", 2, own());
        for times in ["1", "2"] {
            let back = Return::of(&letter_of(&record)).expect("a letter");
            let place = (back.record.topic.as_str(), back.from.partition, back.from.offset);
            assert_eq!((place, back.exception.as_str()), (("t", 2, 9), "millrace.consumer.NotFramed"));
            let back = back.record;
            assert_eq!(
                (back.key.as_deref(), back.payload.as_deref()),
                (Some(&b"M"[..]), Some(&b"hello"[..]))
            );
            assert_eq!(back.timestamp, Some(7));
            let expected = [("own", "header"), (REDRIVEN, times)].map(|(a, b)| (a.to_owned(), b.to_owned()));
            let headers = back.headers.expect("headers");
            assert_eq!(names(&headers), expected);
            record = self::record(&back.topic, 2, headers);
        }
    }

    #[test]
    fn a_partition_that_is_gone_is_replaced_by_that_of_the_key() {
        let back = Return::of(&letter_of(&record("t", 5, own()))).expect("a letter");
        let partition = |back: &Return, partitions| back.clone().into_topic_of(partitions).record.partition;
        assert_eq!(partition(&back, 6), Some(5));
        assert_eq!(partition(&back, 3), Some(partition_of(b"M", 3)));
        let keyless = Return { record: Letter { key: None, ..back.record.clone() }, ..back };
        assert_eq!(partition(&keyless, 3), Some(2));
    }

    #[test]
    fn what_does_not_say_where_it_came_from_is_no_letter() {
        assert!(Return::of(&record("t", 0, own())).is_none());
        assert!(Return::of(&letter_of(&record("no such/topic", 0, own()))).is_none());
    }
}
