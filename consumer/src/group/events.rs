use std::collections::BTreeMap;

use chrono::Utc;
use serde_json::{Value, json};

use crate::outbox::Letter;
use crate::source::{Change, Dated};

/// The topic of all members of all groups.
pub const TOPIC: &str = "group-events";

/// Tells what a member does, in the manner of Kafka's verifiable clients: an object each, by the member's clock.
#[derive(Debug, Clone)]
pub struct Teller {
    group: String,
    member: String,
    topic: String,
}

impl Teller {
    /// A teller of the member of this name.
    pub fn new(group: &str, member: &str, topic: &str) -> Self {
        Self { group: group.to_owned(), member: member.to_owned(), topic: topic.to_owned() }
    }

    /// The record of an event, in the topic of all groups.
    pub fn record(&self, event: &Value) -> Letter {
        Letter {
            topic: TOPIC.to_owned(),
            key: Some(self.group.as_bytes().to_vec()),
            payload: Some(event.to_string().into_bytes()),
            ..Letter::default()
        }
    }

    /// An event without more to say: `startup_complete`, `alive`, `shutdown_complete`.
    pub fn plain(&self, name: &str) -> Value {
        self.of(Utc::now().timestamp_millis(), name)
    }

    fn of(&self, at: i64, name: &str) -> Value {
        json!({
            "timestamp": at,
            "name": name,
            "group": self.group,
            "member": self.member,
        })
    }

    /// What a change is told as; `None` where it ends the run instead.
    pub fn change(&self, told: &Dated) -> Option<Value> {
        let (name, partitions) = match &told.change {
            Change::Assigned(partitions) => ("partitions_assigned", partitions),
            Change::Revoked(partitions) => ("partitions_revoked", partitions),
            Change::Lost(partitions) => ("partitions_lost", partitions),
            Change::Committed(offsets, result) => return Some(self.committed(told.at, offsets, result)),
            Change::Failed(_) => return None,
        };
        let partitions =
            partitions.iter().map(|partition| json!({"topic": self.topic, "partition": partition}));
        Some(with(self.of(told.at, name), [("partitions", partitions.collect())]))
    }

    fn committed(&self, at: i64, offsets: &[(i32, i64)], result: &Result<(), String>) -> Value {
        let offset = |(partition, offset): &(i32, i64)| json!({"topic": self.topic, "partition": partition, "offset": offset});
        let error = result.as_ref().err().map_or(Value::Null, |why| Value::from(why.as_str()));
        let offsets = offsets.iter().map(offset).collect();
        with(
            self.of(at, "offsets_committed"),
            [("success", result.is_ok().into()), ("error", error), ("offsets", offsets)],
        )
    }

    /// Records that were taken since the last time: count, first and last offset of each partition.
    pub fn consumed(&self, partitions: &BTreeMap<i32, (u64, i64, i64)>) -> Value {
        let count: u64 = partitions.values().map(|(count, ..)| count).sum();
        let of = |(partition, (count, first, last)): (&i32, &(u64, i64, i64))| {
            json!({
                "topic": self.topic, "partition": partition, "count": count, "minOffset": first, "maxOffset": last,
            })
        };
        let partitions = partitions.iter().map(of).collect();
        with(self.plain("records_consumed"), [("count", count.into()), ("partitions", partitions)])
    }
}

fn with<const N: usize>(mut event: Value, more: [(&str, Value); N]) -> Value {
    for (key, value) in more {
        event[key] = value;
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(mut event: Value) -> String {
        event["timestamp"] = 0.into();
        event.to_string()
    }

    #[test]
    fn events_are_in_the_manner_of_kafkas_verifiable_clients() {
        let teller = Teller::new("g", "m", "t");
        let changes = [
            Change::Assigned(vec![0, 2]),
            Change::Revoked(vec![2]),
            Change::Lost(vec![0]),
            Change::Committed(vec![(0, 5)], Ok(())),
            Change::Committed(vec![(0, 5)], Err("fenced".into())),
        ];
        let changes = changes.into_iter().map(|change| Dated { at: 1, change });
        let mut lines: Vec<String> = changes.filter_map(|change| teller.change(&change)).map(told).collect();
        lines.push(told(teller.consumed(&[(0, (3, 7, 9))].into())));
        lines.push(told(teller.plain("alive")));
        insta::assert_snapshot!(lines.join("\n"));
    }
}
