//! Settings, deletions, verdicts and lists, and many clients at once.

use super::*;

const LONG: &str = r#""long""#;
const WIDER: &str = r#"{"type":"record","name":"Point","fields":[{"name":"x","type":"long"}]}"#;
const TALLER: &str =
    r#"{"type":"record","name":"Point","fields":[{"name":"x","type":"int"},{"name":"y","type":"int"}]}"#;

fn register(server: &RegistryServer, subject: &str, schema: &str) -> u64 {
    let (status, body) = post(server, &format!("/subjects/{subject}/versions"), &posted(schema));
    assert_eq!(status, 200, "{body}");
    body["id"].as_u64().expect("an id")
}

#[test]
fn the_level_of_a_subject_is_its_own_or_the_global_one() {
    let s = server();
    assert_eq!(get(&s, "/config"), (200, json!({"compatibilityLevel": "BACKWARD"})));
    let message = refused(get(&s, "/config/s"), 404, 40408);
    assert!(message.contains("'s'"), "{message}");
    let set = put(&s, "/config/s", r#"{"compatibility":"full_transitive"}"#);
    assert_eq!(set, (200, json!({"compatibility": "FULL_TRANSITIVE"})));
    assert_eq!(get(&s, "/config/s"), (200, json!({"compatibilityLevel": "FULL_TRANSITIVE"})));
    assert_eq!(delete(&s, "/config/s"), (200, json!({"compatibilityLevel": "FULL_TRANSITIVE"})));
    refused(delete(&s, "/config/s"), 404, 40401);
    put(&s, "/config", r#"{"compatibility":"NONE"}"#);
    assert_eq!(get(&s, "/config/s?defaultToGlobal=true"), (200, json!({"compatibilityLevel": "NONE"})));
    assert_eq!(delete(&s, "/config"), (200, json!({"compatibilityLevel": "NONE"})));
    assert_eq!(get(&s, "/config"), (200, json!({"compatibilityLevel": "BACKWARD"})));
}

#[test]
fn an_unknown_level_or_mode_is_refused_with_the_known_ones() {
    let s = server();
    for body in [r#"{"compatibility":"SIDEWARD"}"#, "{}"] {
        assert!(refused(put(&s, "/config", body), 422, 42203).contains("FULL_TRANSITIVE"));
    }
    assert!(refused(put(&s, "/mode", r#"{"mode":"OPEN"}"#), 422, 42204).contains("READWRITE"));
    assert!(refused(put(&s, "/mode/s", r#"{"mode":"IMPORT"}"#), 422, 42205).contains("IMPORT"));
}

#[test]
fn a_read_only_registry_refuses_writes_until_it_is_writable_again() {
    let s = server();
    refused(get(&s, "/mode/s"), 404, 40409);
    assert_eq!(put(&s, "/mode", r#"{"mode":"READONLY"}"#), (200, json!({"mode": "READONLY"})));
    assert_eq!(get(&s, "/mode/s?defaultToGlobal=true"), (200, json!({"mode": "READONLY"})));
    refused(post(&s, "/subjects/s/versions", &posted(STRING)), 422, 42205);
    refused(put(&s, "/config", r#"{"compatibility":"NONE"}"#), 422, 42205);
    assert_eq!(put(&s, "/mode/s", r#"{"mode":"READWRITE"}"#).0, 200);
    assert_eq!(register(&s, "s", STRING), 1);
    assert_eq!(delete(&s, "/mode"), (200, json!({"mode": "READONLY"})));
    assert_eq!(delete(&s, "/mode/s"), (200, json!({"mode": "READWRITE"})));
    refused(delete(&s, "/mode/s"), 404, 40401);
}

#[test]
fn deleting_goes_in_two_steps_and_each_wrong_step_has_its_code() {
    let s = server();
    register(&s, "s", POINT);
    register(&s, "s", WIDER);
    refused(delete(&s, "/subjects/s/versions/2?permanent=true"), 404, 40407);
    assert_eq!(delete(&s, "/subjects/s/versions/latest"), (200, json!(2)));
    refused(delete(&s, "/subjects/s/versions/2"), 404, 40406);
    refused(get(&s, "/subjects/s/versions/2"), 404, 40402);
    assert_eq!(get(&s, "/subjects/s/versions/2?deleted=true").0, 200);
    assert_eq!(delete(&s, "/subjects/s/versions/2?permanent=true"), (200, json!(2)));
    refused(delete(&s, "/subjects/s?permanent=true"), 404, 40405);
    assert_eq!(delete(&s, "/subjects/s"), (200, json!([1])));
    refused(delete(&s, "/subjects/s"), 404, 40404);
    assert_eq!(get(&s, "/subjects?deletedOnly=true"), (200, json!(["s"])));
    assert_eq!(delete(&s, "/subjects/s?permanent=true"), (200, json!([1])));
    refused(delete(&s, "/subjects/s"), 404, 40401);
    refused(delete(&s, "/subjects/s/versions/1"), 404, 40401);
}

#[test]
fn a_verdict_names_its_reasons_only_when_asked() {
    let s = server();
    register(&s, "s", POINT);
    let one = "/compatibility/subjects/s/versions/latest";
    let all = "/compatibility/subjects/s/versions";
    assert_eq!(post(&s, one, &posted(WIDER)), (200, json!({"is_compatible": true})));
    assert_eq!(post(&s, all, &posted(TALLER)), (200, json!({"is_compatible": false})));
    let (_, verbose) = post(&s, &format!("{one}?verbose=true"), &posted(TALLER));
    let messages = verbose["messages"].to_string();
    assert!(messages.contains("READER_FIELD_MISSING_DEFAULT_VALUE"), "{messages}");
    assert!(messages.contains("/fields/1") && messages.contains("`y`"), "{messages}");
    assert_eq!(
        post(&s, "/compatibility/subjects/t/versions/latest", &posted(POINT)).1["is_compatible"],
        true
    );
    refused(post(&s, "/compatibility/subjects/s/versions/9", &posted(POINT)), 404, 40402);
    refused(post(&s, "/compatibility/subjects/t/versions/1", &posted(POINT)), 404, 40401);
}

#[test]
fn an_incompatible_schema_is_a_conflict_in_confluents_form() {
    let s = server();
    register(&s, "s", POINT);
    let message = refused(post(&s, "/subjects/s/versions", &posted(TALLER)), 409, 409);
    let begin =
        "Schema being registered is incompatible with an earlier schema for subject \"s\", details: [";
    assert!(message.starts_with(begin), "{message}");
    let end = format!("{{oldSchemaVersion: 1}}, {{oldSchema: '{POINT}'}}, {{compatibility: 'BACKWARD'}}]");
    assert!(message.ends_with(&end), "{message}");
}

#[test]
fn lists_are_cut_by_prefix_page_and_newest() {
    let s = server();
    for (subject, schema) in [("a-key", STRING), ("a-value", POINT), ("a-value", WIDER), ("b", LONG)] {
        register(&s, subject, schema);
    }
    assert_eq!(get(&s, "/subjects?subjectPrefix=a-"), (200, json!(["a-key", "a-value"])));
    assert_eq!(get(&s, "/subjects?offset=1&limit=1"), (200, json!(["a-value"])));
    let (_, newest) = get(&s, "/schemas?latestOnly=true&subjectPrefix=a-v");
    assert_eq!(newest, json!([{"subject": "a-value", "version": 2, "id": 3, "schema": WIDER}]));
    assert_eq!(get(&s, "/schemas").1.as_array().map(Vec::len), Some(4));
}

#[test]
fn a_schema_is_found_by_its_id_with_its_places() {
    let s = server();
    for subject in ["a", "b"] {
        assert_eq!(register(&s, subject, POINT), 1);
    }
    register(&s, "c", LONG);
    delete(&s, "/subjects/b");
    assert_eq!(get(&s, "/schemas/ids/1?fetchMaxId=true"), (200, json!({"schema": POINT, "maxId": 2})));
    assert_eq!(get(&s, "/schemas/ids/2/schema"), (200, json!("long")));
    assert_eq!(get(&s, "/schemas/ids/1/subjects"), (200, json!(["a"])));
    assert_eq!(get(&s, "/schemas/ids/1/subjects?deleted=true"), (200, json!(["a", "b"])));
    refused(get(&s, "/schemas/ids/9/subjects"), 404, 40403);
}

#[test]
fn a_normalized_schema_is_found_in_any_writing() {
    let s = server();
    let spaced = POINT.replace(':', " : ").replace(r#""type" : "int""#, r#""type":{"type":"int"}"#);
    assert_eq!(post(&s, "/subjects/s/versions?normalize=true", &posted(&spaced)), (200, json!({"id": 1})));
    assert_eq!(register(&s, "s", POINT), 1);
    for flag in ["", "?normalize=true"] {
        assert_eq!(post(&s, &format!("/subjects/s{flag}"), &posted(&spaced)).1["version"], 1);
    }
    let (_, kept) = get(&s, "/schemas/ids/1");
    assert_eq!(kept["schema"], r#"{"fields":[{"name":"x","type":"int"}],"name":"Point","type":"record"}"#);
}

#[test]
fn what_a_client_asks_on_its_way_is_answered() {
    let s = server();
    register(&s, "s", STRING);
    assert_eq!(get(&s, "/contexts"), (200, json!(["."])));
    assert_eq!(get(&s, "/v1/metadata/version").0, 200);
    assert!(get(&s, "/v1/metadata/id").1["scope"]["clusters"].is_object());
    assert_eq!(get(&s, "/subjects/s/versions/1/referencedby"), (200, json!([])));
}

#[test]
fn many_clients_with_the_same_schema_get_one_id_and_with_others_other_ids() {
    const CLIENTS: usize = 32;
    let s = server();
    put(&s, "/config", r#"{"compatibility":"NONE"}"#);
    let distinct = |n: usize| format!(r#"{{"type":"fixed","name":"F","size":{n}}}"#);
    let (same, other): (Vec<u64>, Vec<u64>) = std::thread::scope(|scope| {
        let clients: Vec<_> = (1..=CLIENTS)
            .map(|n| {
                let (s, schema) = (&s, distinct(n));
                scope.spawn(move || (register(s, "same", POINT), register(s, "other", &schema)))
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("a client")).unzip()
    });
    assert!(same.iter().all(|id| *id == same[0]), "{same:?}");
    assert_eq!(other.iter().collect::<std::collections::BTreeSet<_>>().len(), CLIENTS);
    assert_eq!(get(&s, "/subjects/same/versions"), (200, json!([1])));
    assert_eq!(get(&s, "/subjects/other/versions").1.as_array().map(Vec::len), Some(CLIENTS));
}
