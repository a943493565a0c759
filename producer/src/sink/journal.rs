use rdkafka::message::OwnedHeaders;
use rdkafka::producer::BaseRecord;

use super::link::Record;

/// The records of the open transaction, kept until they are committed: a broken transaction is done again.
#[derive(Default)]
pub(super) struct Journal {
    topics: Vec<String>,
    keys: String,
    payloads: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    topic: usize,
    /// Length of the key.
    key: Option<usize>,
    /// Length of the payload.
    payload: Option<usize>,
    partition: Option<i32>,
    timestamp: Option<i64>,
    headers: Option<OwnedHeaders>,
    role: usize,
}

impl Journal {
    /// Keeps a copy of a record.
    pub fn push(&mut self, record: &Record<'_>) {
        let topic = self.topic(record.topic);
        let key = record.key.map(|key| {
            self.keys.push_str(key);
            key.len()
        });
        let payload = record.payload.map(|payload| {
            self.payloads.extend_from_slice(payload);
            payload.len()
        });
        self.entries.push(Entry {
            topic,
            key,
            payload,
            partition: record.partition,
            timestamp: record.timestamp,
            headers: record.headers.clone(),
            role: record.delivery_opaque,
        });
    }

    fn topic(&mut self, name: &str) -> usize {
        // A run writes to a handful of topics.
        self.topics.iter().position(|known| known == name).unwrap_or_else(|| {
            self.topics.push(name.to_owned());
            self.topics.len() - 1
        })
    }

    /// The topics of its records, and of those before them.
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many of them have this role.
    pub fn count(&self, role: usize) -> u64 {
        self.entries.iter().filter(|entry| entry.role == role).count() as u64
    }

    /// Leaves out the records of a role.
    pub fn forget(&mut self, role: usize) {
        if self.count(role) > 0 {
            let mut kept = Self::default();
            self.records()
                .filter(|record| record.delivery_opaque != role)
                .for_each(|record| kept.push(&record));
            *self = kept;
        }
    }

    /// How many bytes their values take.
    pub fn bytes(&self) -> usize {
        self.payloads.len()
    }

    /// The records, in order.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let (mut keys, mut payloads) = (self.keys.as_str(), self.payloads.as_slice());
        self.entries.iter().map(move |entry| {
            let mut record = BaseRecord::with_opaque_to(&self.topics[entry.topic], entry.role);
            if let Some(length) = entry.key {
                let (key, rest) = keys.split_at(length);
                (record.key, keys) = (Some(key), rest);
            }
            if let Some(length) = entry.payload {
                let (payload, rest) = payloads.split_at(length);
                (record.payload, payloads) = (Some(payload), rest);
            }
            record.partition = entry.partition;
            record.timestamp = entry.timestamp;
            record.headers = entry.headers.clone();
            record
        })
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.payloads.clear();
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::message::{Header, Headers};

    use super::*;

    fn record<'a>(topic: &'a str, key: Option<&'a str>, payload: Option<&'a [u8]>) -> Record<'a> {
        let mut record = BaseRecord::with_opaque_to(topic, usize::from(key.is_none()));
        (record.key, record.payload) = (key, payload);
        record
    }

    #[test]
    fn records_come_out_as_they_went_in() {
        let mut journal = Journal::default();
        let headers = OwnedHeaders::new().insert(Header { key: "why", value: Some("x") });
        let mut whole = record("a", Some("k1"), Some(b"v1"));
        (whole.partition, whole.timestamp, whole.headers) = (Some(3), Some(-5), Some(headers));
        journal.push(&whole);
        journal.push(&record("b", None, Some(b"")));
        journal.push(&record("a", Some(""), None));
        let mut seen = Vec::new();
        for one in journal.records() {
            let headers = one.headers.as_ref().map(Headers::count);
            let key = one.key.map(ToOwned::to_owned);
            let payload = one.payload.map(<[u8]>::to_vec);
            seen.push((one.topic.to_owned(), key, payload, one.partition, one.timestamp, headers));
        }
        let expected = [
            ("a".to_owned(), Some("k1".to_owned()), Some(b"v1".to_vec()), Some(3), Some(-5), Some(1)),
            ("b".to_owned(), None, Some(Vec::new()), None, None, None),
            ("a".to_owned(), Some(String::new()), None, None, None, None),
        ];
        assert_eq!(seen, expected);
        assert_eq!((journal.len(), journal.count(0), journal.bytes()), (3, 2, 2));
        journal.forget(1);
        assert_eq!(journal.records().map(|one| one.topic.to_owned()).collect::<Vec<_>>(), ["a", "a"]);
        journal.clear();
        assert_eq!((journal.len(), journal.records().count()), (0, 0));
    }
}
