use millrace_schemas::compatibility::Compatibility;

use super::{Listed, Place, Planned, Problem, Scope, Store, VersionAsked};
use crate::registry::change::Mode;
use crate::registry::schema::AvroSchema;

mod replay;

const POINT: &str = r#"{"type":"record","name":"Point","fields":[{"name":"x","type":"int","default":0}]}"#;
const STRING: &str = r#""string""#;
const INT: &str = r#""int""#;

fn avro(text: &str) -> AvroSchema {
    AvroSchema::parse(text.to_owned()).expect("valid Avro")
}

/// A store that takes any schema after any other.
fn lenient() -> Store {
    let mut store = Store::default();
    done(&mut store, |store| store.set_level(None, Compatibility::None)).expect("writable");
    store
}

fn done<T>(
    store: &mut Store,
    plan: impl FnOnce(&Store) -> Result<Planned<T>, Problem>,
) -> Result<T, Problem> {
    let planned = plan(store)?;
    for change in planned.changes {
        store.apply(change).expect("a planned change can be made");
    }
    Ok(planned.answer)
}

fn register(store: &mut Store, subject: &str, schema: &str) -> u32 {
    done(store, |store| store.register(subject, &avro(schema))).expect("registered")
}

fn delete(store: &mut Store, subject: &str, version: u32, for_good: bool) -> Result<u32, Problem> {
    done(store, |store| store.delete_version(subject, VersionAsked::Number(version), for_good))
}

fn delete_all(store: &mut Store, subject: &str, for_good: bool) -> Result<Vec<u32>, Problem> {
    done(store, |store| store.delete_subject(subject, for_good))
}

#[test]
fn ids_count_from_one_and_versions_count_within_their_subject() {
    let mut store = lenient();
    assert_eq!(register(&mut store, "a", STRING), 1);
    assert_eq!(register(&mut store, "a", INT), 2);
    assert_eq!(register(&mut store, "b", INT), 2);
    assert_eq!(store.versions("a", Scope::Live), Ok(vec![1, 2]));
    assert_eq!(store.versions("b", Scope::Live), Ok(vec![1]));
    assert_eq!(store.subjects("", Scope::Live), ["a", "b"]);
    assert_eq!(store.subjects("b", Scope::Live), ["b"]);
    let places = [Place { subject: "a", version: 2 }, Place { subject: "b", version: 1 }];
    assert_eq!(store.places(2, Scope::Live), Ok(places.into()));
}

#[test]
fn the_same_schema_in_another_writing_is_no_new_version_and_keeps_its_first_text() {
    let mut store = lenient();
    register(&mut store, "s", POINT);
    assert_eq!(register(&mut store, "s", avro(POINT).normalized().text()), 1);
    assert_eq!(store.versions("s", Scope::Live), Ok(vec![1]));
    assert_eq!(store.schema(1), Ok(POINT));
}

#[test]
fn a_look_up_tells_a_missing_subject_from_a_missing_schema() {
    let mut store = lenient();
    register(&mut store, "s", STRING);
    register(&mut store, "s", POINT);
    register(&mut store, "other", INT);
    let look_up = |subject, schema| store.look_up(subject, avro(schema).canonical(), Scope::Live);
    let found = Listed { place: Place { subject: "s", version: 2 }, id: 2, schema: POINT };
    assert_eq!(look_up("s", POINT), Ok(found));
    assert_eq!(look_up("none", POINT), Err(Problem::Subject("none".into())));
    assert_eq!(look_up("s", INT), Err(Problem::Schema));
    assert_eq!(look_up("s", r#""long""#), Err(Problem::Schema));
}

#[test]
fn only_latest_and_positive_numbers_are_versions() {
    assert_eq!(VersionAsked::parse("latest"), Ok(VersionAsked::Latest));
    assert_eq!(VersionAsked::parse("-1"), Ok(VersionAsked::Latest));
    assert_eq!(VersionAsked::parse("2147483647"), Ok(VersionAsked::Number(2_147_483_647)));
    for wrong in ["0", "-2", "2147483648", "newest", "", "1.0"] {
        assert_eq!(VersionAsked::parse(wrong), Err(Problem::InvalidVersion(wrong.into())));
    }
}

#[test]
fn a_deleted_version_is_seen_only_where_it_is_asked_for_and_its_schema_by_its_id() {
    let mut store = lenient();
    register(&mut store, "s", STRING);
    register(&mut store, "s", INT);
    assert_eq!(delete(&mut store, "s", 2, false), Ok(2));
    assert_eq!(store.versions("s", Scope::Live), Ok(vec![1]));
    assert_eq!(store.versions("s", Scope::All), Ok(vec![1, 2]));
    assert_eq!(store.versions("s", Scope::Deleted), Ok(vec![2]));
    let latest = store.version("s", VersionAsked::Latest, Scope::All).map(|found| found.place.version);
    assert_eq!(latest, Ok(1));
    assert_eq!(store.version("s", VersionAsked::Number(2), Scope::Live), Err(Problem::Version(2)));
    assert_eq!(store.schema(2), Ok(INT));
    assert_eq!(store.places(2, Scope::Live), Ok(vec![]));
}

#[test]
fn a_deleted_schema_registered_again_is_a_new_version_with_the_same_id() {
    let mut store = lenient();
    register(&mut store, "s", STRING);
    assert_eq!(delete_all(&mut store, "s", false), Ok(vec![1]));
    assert_eq!(register(&mut store, "s", STRING), 1);
    assert_eq!(store.versions("s", Scope::All), Ok(vec![1, 2]));
    assert_eq!(store.versions("s", Scope::Live), Ok(vec![2]));
}

#[test]
fn a_version_is_deleted_for_good_only_after_it_was_deleted_and_each_only_once() {
    let mut store = lenient();
    register(&mut store, "s", STRING);
    register(&mut store, "s", INT);
    assert_eq!(delete(&mut store, "s", 1, true), Err(Problem::VersionNotDeleted("s".into(), 1)));
    assert_eq!(delete(&mut store, "s", 1, false), Ok(1));
    assert_eq!(delete(&mut store, "s", 1, false), Err(Problem::VersionDeleted("s".into(), 1)));
    assert_eq!(delete(&mut store, "s", 1, true), Ok(1));
    assert_eq!(delete(&mut store, "s", 1, true), Err(Problem::Version(1)));
    assert_eq!(store.schema(1), Err(Problem::Id(1)));
}

#[test]
fn a_subject_is_deleted_for_good_only_after_it_was_deleted_and_each_only_once() {
    let mut store = lenient();
    register(&mut store, "s", STRING);
    register(&mut store, "s", INT);
    delete(&mut store, "s", 1, false).expect("deleted");
    assert_eq!(delete_all(&mut store, "s", true), Err(Problem::SubjectNotDeleted("s".into())));
    assert_eq!(delete_all(&mut store, "s", false), Ok(vec![2]));
    assert_eq!(store.subjects("", Scope::Live), [""; 0]);
    assert_eq!(store.subjects("", Scope::Deleted), ["s"]);
    assert_eq!(delete_all(&mut store, "s", false), Err(Problem::SubjectDeleted("s".into())));
    assert_eq!(delete_all(&mut store, "s", true), Ok(vec![1, 2]));
    assert_eq!(delete_all(&mut store, "s", true), Err(Problem::Subject("s".into())));
}

#[test]
fn an_id_is_never_given_twice_even_after_its_schema_was_deleted_for_good() {
    let mut store = lenient();
    register(&mut store, "s", STRING);
    delete_all(&mut store, "s", false).expect("deleted");
    delete_all(&mut store, "s", true).expect("gone");
    assert_eq!(register(&mut store, "s", INT), 2);
    assert_eq!(store.versions("s", Scope::All), Ok(vec![1]));
}

#[test]
fn a_subject_without_versions_keeps_no_settings_of_its_own() {
    let mut store = Store::default();
    register(&mut store, "s", STRING);
    done(&mut store, |store| store.set_level(Some("s"), Compatibility::Full)).expect("set");
    done(&mut store, |store| Ok(store.set_mode(Some("s"), Mode::Readwrite))).expect("set");
    delete(&mut store, "s", 1, false).expect("deleted");
    assert_eq!((store.own_level(Some("s")), store.own_mode(Some("s"))), (None, None));
}

#[test]
fn a_read_only_subject_takes_nothing_new_but_still_answers_with_what_it_has() {
    let mut store = Store::default();
    register(&mut store, "s", STRING);
    done(&mut store, |store| Ok(store.set_mode(Some("s"), Mode::Readonly))).expect("set");
    assert_eq!(register(&mut store, "s", STRING), 1);
    let refused = Problem::NotPermitted("Subject s is in read-only mode".into());
    assert_eq!(store.register("s", &avro(INT)).map(|plan| plan.answer), Err(refused.clone()));
    assert_eq!(delete_all(&mut store, "s", false), Err(refused.clone()));
    assert_eq!(store.set_level(Some("s"), Compatibility::Full).map(|plan| plan.answer), Err(refused));
    assert_eq!(register(&mut store, "t", INT), 2);
}

#[test]
fn the_global_override_wins_over_a_subjects_own_mode() {
    let mut store = Store::default();
    done(&mut store, |store| Ok(store.set_mode(Some("s"), Mode::Readwrite))).expect("set");
    done(&mut store, |store| Ok(store.set_mode(None, Mode::Readonly))).expect("set");
    assert_eq!((store.mode(Some("s")), store.mode(Some("t"))), (Mode::Readwrite, Mode::Readonly));
    done(&mut store, |store| Ok(store.set_mode(None, Mode::ReadonlyOverride))).expect("set");
    assert_eq!(store.mode(Some("s")), Mode::ReadonlyOverride);
}

#[test]
fn a_schema_is_judged_by_the_newest_version_that_is_not_deleted() {
    let mut store = lenient();
    register(&mut store, "s", INT);
    register(&mut store, "s", STRING);
    done(&mut store, |store| store.unset_level(None)).expect("unset");
    let refused = store.register("s", &avro(r#""long""#)).expect_err("a string is no long").to_string();
    assert!(refused.contains("{errorType:'TYPE_MISMATCH'"), "{refused}");
    assert!(refused.contains("{oldSchemaVersion: 2}, {oldSchema: '\"string\"'}"), "{refused}");
    assert!(refused.ends_with("{compatibility: 'BACKWARD'}]"), "{refused}");
    delete(&mut store, "s", 2, false).expect("deleted");
    assert_eq!(register(&mut store, "s", r#""long""#), 3);
}
