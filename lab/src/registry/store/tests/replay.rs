//! The log holds everything that the store does.

use millrace_schemas::compatibility::Compatibility;
use proptest::prelude::*;

use super::{INT, POINT, STRING, avro, lenient};
use crate::registry::change::{Change, Mode};
use crate::registry::store::{Store, VersionAsked};

/// What a client may ask for; subjects and schemas are few, so that operations meet.
#[derive(Debug, Clone)]
enum Operation {
    Register(String, usize),
    DeleteSubject(String, bool),
    DeleteVersion(String, u32, bool),
    Level(Option<String>, Option<Compatibility>),
    Mode(Option<String>, Option<Mode>),
}

const SCHEMAS: [&str; 5] = [STRING, INT, r#""long""#, r#"{"type":"array","items":"int"}"#, POINT];

fn operation() -> impl Strategy<Value = Operation> {
    let subject = || prop::sample::select(vec!["a".to_owned(), "b".to_owned()]);
    let level = || prop::option::of(prop::sample::select(Compatibility::ALL.to_vec()));
    let mode = || prop::option::weighted(0.3, Just(Mode::Readonly));
    prop_oneof![
        6 => (subject(), 0..SCHEMAS.len()).prop_map(|(s, n)| Operation::Register(s, n)),
        2 => (subject(), any::<bool>()).prop_map(|(s, good)| Operation::DeleteSubject(s, good)),
        4 => (subject(), 1..5_u32, any::<bool>()).prop_map(|(s, n, good)| Operation::DeleteVersion(s, n, good)),
        2 => (prop::option::of(subject()), level()).prop_map(|(s, level)| Operation::Level(s, level)),
        1 => (prop::option::of(subject()), mode()).prop_map(|(s, mode)| Operation::Mode(s, mode)),
    ]
}

/// The changes that an operation comes to; none where it is refused.
fn plan(store: &Store, operation: &Operation) -> Vec<Change> {
    let changes = match operation {
        Operation::Register(subject, n) => store.register(subject, &avro(SCHEMAS[*n])).map(|p| p.changes),
        Operation::DeleteSubject(subject, good) => store.delete_subject(subject, *good).map(|p| p.changes),
        Operation::DeleteVersion(subject, n, good) => {
            store.delete_version(subject, VersionAsked::Number(*n), *good).map(|p| p.changes)
        }
        Operation::Level(s, Some(level)) => store.set_level(s.as_deref(), *level).map(|p| p.changes),
        Operation::Level(s, None) => store.unset_level(s.as_deref()).map(|p| p.changes),
        Operation::Mode(s, Some(mode)) => Ok(store.set_mode(s.as_deref(), *mode).changes),
        Operation::Mode(s, None) => store.unset_mode(s.as_deref()).map(|p| p.changes),
    };
    changes.unwrap_or_default()
}

type Records = Vec<(String, Option<String>)>;

/// A store after some operations, and its log.
fn carried_out(operations: &[Operation]) -> (Store, Records) {
    let (mut store, mut log) = (lenient(), Records::new());
    log.push(Change::Level(None, Some(Compatibility::None)).record().expect("a record"));
    for operation in operations {
        for change in plan(&store, operation) {
            log.push(change.record().expect("a record"));
            store.apply(change).expect("a planned change can be made");
        }
    }
    (store, log)
}

fn replayed(log: &Records) -> Store {
    let mut store = Store::default();
    for (key, value) in log {
        let change = Change::read(key.as_bytes(), value.as_deref().map(str::as_bytes)).expect("readable");
        store.apply(change).expect("a change of ours");
    }
    store
}

/// What compaction may leave: the newest record of each key, in order, and no tombstones.
fn compacted(log: &Records) -> Records {
    let newest = |(n, (key, _)): &(usize, &(String, _))| log.iter().rposition(|(k, _)| k == key) == Some(*n);
    let kept = log.iter().enumerate().filter(newest).map(|(_, record)| record.clone());
    kept.filter(|(_, value)| value.is_some()).collect()
}

proptest! {
    #[test]
    fn replaying_the_log_gives_the_same_store(operations in prop::collection::vec(operation(), 0..40)) {
        let (store, log) = carried_out(&operations);
        prop_assert_eq!(&replayed(&log), &store);
        prop_assert_eq!(&replayed(&compacted(&log)), &store);
    }
}
