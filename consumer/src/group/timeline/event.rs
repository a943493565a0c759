use serde::{Deserialize, Serialize};

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
}

/// What a member told of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When, in milliseconds by the member's clock.
    pub at: i64,
    /// The member's name.
    pub member: String,
    /// What.
    pub kind: Kind,
}

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The member began.
    Started,
    /// Partitions came, beside those it had.
    Assigned(Vec<Place>),
    /// Partitions were given back.
    Revoked(Vec<Place>),
    /// Partitions went without warning.
    Lost(Vec<Place>),
    /// Anything else, which shows that it lives.
    Sign,
    /// The member ended in order.
    Ended,
}

#[derive(Deserialize)]
struct Told {
    timestamp: i64,
    name: String,
    member: String,
    #[serde(default)]
    partitions: Vec<Place>,
}

impl Event {
    /// Reads a record's value; `None` where it is no event of a member.
    pub fn read(value: &[u8]) -> Option<Self> {
        let Told { timestamp: at, name, member, partitions } = serde_json::from_slice(value).ok()?;
        let kind = match name.as_str() {
            "startup_complete" => Kind::Started,
            "partitions_assigned" => Kind::Assigned(partitions),
            "partitions_revoked" => Kind::Revoked(partitions),
            "partitions_lost" => Kind::Lost(partitions),
            "shutdown_complete" => Kind::Ended,
            _ => Kind::Sign,
        };
        Some(Self { at, member, kind })
    }

    /// Leaves out the partitions of other topics, if there is one that is wanted.
    pub fn keep(&mut self, topic: Option<&str>) {
        if let (Kind::Assigned(places) | Kind::Revoked(places) | Kind::Lost(places), Some(topic)) =
            (&mut self.kind, topic)
        {
            places.retain(|place| place.topic == topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Teller;
    use crate::source::{Change, Dated};

    fn read(value: &serde_json::Value) -> Kind {
        Event::read(value.to_string().as_bytes()).expect("an event").kind
    }

    #[test]
    fn what_members_tell_is_understood() {
        let teller = Teller::new("g", "m", "t");
        let place = |partition| Place { topic: "t".into(), partition };
        let change = |change| teller.change(&Dated { at: 7, change }).expect("told");
        assert_eq!(read(&change(Change::Assigned(vec![0, 2]))), Kind::Assigned(vec![place(0), place(2)]));
        assert_eq!(read(&teller.plain("startup_complete")), Kind::Started);
        assert_eq!(read(&teller.plain("shutdown_complete")), Kind::Ended);
        assert_eq!(read(&teller.consumed(&[(0, (3, 7, 9))].into())), Kind::Sign);
        let lost = Event::read(change(Change::Lost(vec![1])).to_string().as_bytes()).expect("an event");
        assert_eq!((lost.at, lost.kind), (7, Kind::Lost(vec![place(1)])));
        for strange in ["", "{}", "[1]", r#"{"timestamp": "now", "name": "alive", "member": "m"}"#] {
            assert_eq!(Event::read(strange.as_bytes()), None, "{strange}");
        }
    }
}
