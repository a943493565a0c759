use apache_avro::Schema;

use super::{Compatibility, Direction, Kind, incompatibilities};

fn schema(json: &str) -> Schema {
    Schema::parse_str(json).expect("a schema")
}

/// A record `R` of these fields.
fn record(fields: &str) -> Schema {
    schema(&format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#))
}

const A: &str = r#"{"name":"a","type":"int"}"#;
const A_B: &str = r#"{"name":"a","type":"int"},{"name":"b","type":"string"}"#;
const A_B_DEFAULT: &str = r#"{"name":"a","type":"int"},{"name":"b","type":"string","default":""}"#;

#[test]
fn the_field_at_fault_is_named_with_the_fields_around_it() {
    let features = |hour: &str| {
        record(&format!(
            r#"{{"name":"features","type":["null",{{"type":"record","name":"F","fields":[
                {{"name":"hour","type":"{hour}"}}]}}]}}"#
        ))
    };
    let reasons = incompatibilities(&features("int"), &features("long"));
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert_eq!(reasons[0].field.as_deref(), Some("features.hour"));
    assert_eq!(reasons[0].path, "/fields/0/type/1/fields/0/type");
    assert_eq!(reasons[0].kind, Kind::TypeMismatch);
    assert_eq!(reasons[0].message, "`features.hour` may be written as long and is read as int");
}

#[test]
fn every_fault_is_reported_and_each_once() {
    let point = |x: &str| {
        record(&format!(
            r#"{{"name":"from","type":{{"type":"record","name":"P","fields":[{{"name":"x","type":"{x}"}}]}}}},
               {{"name":"to","type":"P"}}, {{"name":"note","type":"{x}"}}"#
        ))
    };
    let reasons = incompatibilities(&point("int"), &point("long"));
    let fields: Vec<_> = reasons.iter().filter_map(|reason| reason.field.as_deref()).collect();
    assert_eq!(fields, ["from.x", "note"]);
}

#[test]
fn a_type_that_contains_itself_is_judged_in_bounded_time() {
    let list = |head: &str| {
        schema(&format!(
            r#"{{"type":"record","name":"L","fields":[
                {{"name":"head","type":"{head}"}},{{"name":"tail","type":["null","L"]}}]}}"#
        ))
    };
    assert_eq!(incompatibilities(&list("long"), &list("int")), []);
    let reasons = incompatibilities(&list("int"), &list("long"));
    assert_eq!(reasons.len(), 1, "{reasons:?}");
}

#[test]
fn the_same_type_under_a_reference_and_under_its_definition_is_the_same() {
    let point = r#"{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]}"#;
    let one = record(&format!(r#"{{"name":"a","type":{point}}},{{"name":"b","type":"P"}}"#));
    let other = record(&format!(r#"{{"name":"b","type":{point}}},{{"name":"a","type":"P"}}"#));
    assert_eq!(incompatibilities(&one, &other), []);
}

#[test]
fn a_field_that_two_of_the_writers_fields_could_be_is_refused() {
    let reader = record(r#"{"name":"a","type":"int","aliases":["b"]}"#);
    let writer = record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#);
    let reasons = incompatibilities(&reader, &writer);
    assert_eq!(reasons[0].message, "`a` is both `a` and `b` of the writer, by its name and aliases");
}

#[test]
fn a_contradiction_in_one_branch_of_a_union_is_not_excused_by_another() {
    let union = |fields: &str| {
        schema(&format!(
            r#"[{{"type":"record","name":"R","namespace":"one","fields":[{fields}]}},
               {{"type":"record","name":"R","namespace":"two","fields":[]}}]"#
        ))
    };
    let writer = union(A_B);
    assert_eq!(incompatibilities(&union(A), &writer), []);
    let reader = union(r#"{"name":"a","type":"int","aliases":["b"]}"#);
    let reasons = incompatibilities(&reader, &writer);
    assert_eq!(reasons[0].field.as_deref(), Some("a"), "{reasons:?}");
}

#[test]
fn backward_looks_at_the_newest_alone_and_transitive_at_all() {
    let earlier = [record(A), record(A_B)];
    let new = record(A_B);
    assert_eq!(Compatibility::Backward.check(&new, &earlier), Ok(()));
    let conflict = Compatibility::BackwardTransitive.check(&new, &earlier).expect_err("the first has no b");
    assert_eq!((conflict.earlier, conflict.direction), (0, Direction::Backward));
}

#[test]
fn forward_judges_the_earlier_schema_as_the_reader() {
    let earlier = [record(A_B)];
    assert_eq!(Compatibility::Backward.check(&record(A), &earlier), Ok(()));
    let conflict = Compatibility::Forward.check(&record(A), &earlier).expect_err("b is required");
    assert_eq!(conflict.direction, Direction::Forward);
}

#[test]
fn full_asks_for_both_ways() {
    assert_eq!(Compatibility::Full.check(&record(A_B_DEFAULT), &[record(A)]), Ok(()));
    assert!(Compatibility::Full.check(&record(A_B), &[record(A)]).is_err());
    assert!(Compatibility::Full.check(&record(A), &[record(A_B)]).is_err());
    assert_eq!(Compatibility::None.check(&schema(r#""int""#), &[record(A)]), Ok(()));
}

#[test]
fn the_first_schema_of_a_subject_goes_with_every_level() {
    for level in Compatibility::ALL {
        assert_eq!(level.check(&record(A), &[]), Ok(()));
    }
}

#[test]
fn a_conflict_says_who_cannot_read_whom_and_what_to_do() {
    let backward = Compatibility::Full.check(&record(A_B), &[record(A)]).expect_err("no default");
    assert_eq!(
        backward.sentences("version 1"),
        [
            "the new schema cannot read what version 1 wrote: `b` is not written, and the reader has no default \
          for it; give `b` a default"
        ]
    );
    let forward = Compatibility::Forward.check(&record(A), &[record(A_B)]).expect_err("b is required");
    assert_eq!(
        forward.sentences("version 1"),
        ["version 1 cannot read what the new schema writes: `b` is not written, and the reader has no \
          default for it; keep `b`"]
    );
}

#[test]
fn levels_are_read_as_they_are_written_in_any_case() {
    for level in Compatibility::ALL {
        assert_eq!(level.to_string().parse(), Ok(level));
        let json = serde_json::to_string(&level).expect("JSON");
        assert_eq!(json, format!("\"{level}\""));
        assert_eq!(serde_json::from_str::<Compatibility>(&json).expect("a level"), level);
    }
    assert_eq!("full-transitive".parse(), Ok(Compatibility::FullTransitive));
    let refused = "FUL".parse::<Compatibility>().expect_err("no level").to_string();
    assert!(refused.starts_with("`FUL` is no compatibility level; use one of NONE, BACKWARD,"), "{refused}");
}
