//! What stands in the headers of a dead letter, under the names of Kafka Streams (KIP-1034).

use rdkafka::message::{Header, Headers, Message, OwnedHeaders};

/// What the names of these headers begin with.
pub const REJECTED_PREFIX: &str = "__streams.errors.";

/// The headers of a record that is rejected: its own, then why and where from. `exception` is the kind of the
/// cause as a name that programs ask for, `why` is for people.
pub fn rejected_headers(record: &impl Message, exception: &str, why: &str) -> OwnedHeaders {
    let mut headers = OwnedHeaders::new();
    if let Some(own) = record.headers() {
        for header in own.iter() {
            headers = headers.insert(header);
        }
    }
    let (partition, offset) = (record.partition().to_string(), record.offset().to_string());
    for (name, value) in [
        ("exception", exception),
        ("message", why),
        // There is no stack in a refusal; the reason stands where Kafka Streams' tools look for one.
        ("stacktrace", why),
        ("topic", record.topic()),
        ("partition", &partition),
        ("offset", &offset),
    ] {
        headers = headers.insert(Header { key: &format!("{REJECTED_PREFIX}{name}"), value: Some(value) });
    }
    headers
}
