use super::{AvroSchema, Missing, Registered, Store, Version};

const POINT: &str = r#"{"type":"record","name":"Point","fields":[{"name":"x","type":"int","default":0}]}"#;

fn avro(text: &str) -> AvroSchema {
    AvroSchema::parse(text.to_owned()).expect("valid Avro")
}

#[test]
fn ids_count_from_one_and_versions_count_within_their_subject() {
    let mut store = Store::default();
    assert_eq!(store.register("a", avro(r#""string""#)), 1);
    assert_eq!(store.register("a", avro(r#""int""#)), 2);
    assert_eq!(store.register("b", avro(r#""int""#)), 2);
    assert_eq!(store.versions("a"), Ok(vec![1, 2]));
    assert_eq!(store.versions("b"), Ok(vec![1]));
    assert_eq!(store.subjects(), ["a", "b"]);
    assert_eq!(store.places(2), Ok(vec![("a", 2), ("b", 1)]));
}

#[test]
fn the_same_schema_in_other_spacing_and_key_order_is_no_new_version() {
    let mut store = Store::default();
    store.register("s", avro(POINT));
    let other = r#"{ "fields":[{"default":0, "type":"int", "name":"x"}], "name":"Point", "type":"record" }"#;
    assert_eq!(store.register("s", avro(other)), 1);
    assert_eq!(store.versions("s"), Ok(vec![1]));
    assert_eq!(store.schema(1), Ok(POINT));
}

#[test]
fn docs_and_defaults_make_another_schema() {
    let mut store = Store::default();
    store.register("s", avro(POINT));
    assert_eq!(store.register("s", avro(&POINT.replace(":0", ":1"))), 2);
    assert_eq!(store.register("s", avro(&POINT.replace(r#""fields""#, r#""doc":"d","fields""#))), 3);
}

#[test]
fn a_look_up_tells_a_missing_subject_from_a_missing_schema() {
    let mut store = Store::default();
    store.register("s", avro(r#""string""#));
    store.register("s", avro(POINT));
    store.register("other", avro(r#""int""#));
    assert_eq!(store.look_up("s", &avro(POINT)), Ok(Registered { id: 2, version: 2, schema: POINT }));
    assert_eq!(store.look_up("none", &avro(POINT)), Err(Missing::Subject("none".into())));
    assert_eq!(store.look_up("s", &avro(r#""int""#)), Err(Missing::Schema));
    assert_eq!(store.look_up("s", &avro(r#""long""#)), Err(Missing::Schema));
}

#[test]
fn versions_are_fetched_by_number_and_by_latest() {
    let mut store = Store::default();
    store.register("s", avro(r#""string""#));
    store.register("s", avro(r#""int""#));
    assert_eq!(store.version("s", Version::Number(1)).map(|r| r.schema), Ok(r#""string""#));
    assert_eq!(store.version("s", Version::Latest).map(|r| r.version), Ok(2));
    assert_eq!(store.version("s", Version::Number(3)), Err(Missing::Version(3)));
    assert_eq!(store.version("s", Version::Number(0)), Err(Missing::Version(0)));
    assert_eq!(store.version("t", Version::Latest), Err(Missing::Subject("t".into())));
}

#[test]
fn an_unknown_id_is_missing_also_zero() {
    let store = Store::default();
    assert_eq!(store.schema(0), Err(Missing::Id(0)));
    assert_eq!(store.schema(1), Err(Missing::Id(1)));
    assert_eq!(store.places(1), Err(Missing::Id(1)));
}

#[test]
fn only_latest_and_positive_numbers_are_versions() {
    assert_eq!(Version::parse("latest"), Some(Version::Latest));
    assert_eq!(Version::parse("-1"), Some(Version::Latest));
    assert_eq!(Version::parse("2147483647"), Some(Version::Number(2_147_483_647)));
    for wrong in ["0", "-2", "2147483648", "newest", "", "1.0"] {
        assert_eq!(Version::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn what_is_not_json_or_not_avro_is_refused_with_the_parsers_message() {
    for (text, part) in [("string", "not JSON: expected"), (r#""strin""#, "not Avro:"), ("", "not JSON: EOF")]
    {
        let sentence = AvroSchema::parse(text.to_owned()).expect_err(text).0;
        assert!(sentence.contains(part), "{sentence}");
    }
}
