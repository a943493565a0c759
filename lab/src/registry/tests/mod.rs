//! The registry over real HTTP on loopback.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Options, RegistryServer, start};

mod calls;

const STRING: &str = r#""string""#;
const POINT: &str = r#"{"type":"record","name":"Point","fields":[{"name":"x","type":"int"}]}"#;

fn server() -> RegistryServer {
    start(Options::in_memory(0)).expect("a free port")
}

fn connect(server: &RegistryServer) -> TcpStream {
    TcpStream::connect(server.address).expect("a listening registry")
}

/// The status, the head and the body of one exchange.
fn exchange(
    server: &RegistryServer,
    method: &str,
    path: &str,
    kind: &str,
    body: &str,
) -> (u16, String, Value) {
    let mut stream = connect(server);
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\
         content-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains("content-type: application/vnd.schemaregistry.v1+json"), "{head}");
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    (status, head.to_owned(), serde_json::from_str(body).expect("JSON"))
}

fn get(server: &RegistryServer, path: &str) -> (u16, Value) {
    let (status, _, body) = exchange(server, "GET", path, "text/plain", "");
    (status, body)
}

fn post(server: &RegistryServer, path: &str, body: &str) -> (u16, Value) {
    let (status, _, body) = exchange(server, "POST", path, "application/json", body);
    (status, body)
}

fn put(server: &RegistryServer, path: &str, body: &str) -> (u16, Value) {
    let (status, _, body) = exchange(server, "PUT", path, "application/json", body);
    (status, body)
}

fn delete(server: &RegistryServer, path: &str) -> (u16, Value) {
    let (status, _, body) = exchange(server, "DELETE", path, "text/plain", "");
    (status, body)
}

fn posted(schema: &str) -> String {
    json!({"schema": schema}).to_string()
}

/// Asserts a refusal's status and code, and returns its message.
fn refused((status, body): (u16, Value), expected: u16, code: u32) -> String {
    assert_eq!((status, &body["error_code"]), (expected, &json!(code)), "{body}");
    body["message"].as_str().expect("a message").to_owned()
}

#[test]
fn a_registered_schema_is_found_by_every_call() {
    let s = server();
    put(&s, "/config", r#"{"compatibility":"NONE"}"#);
    assert_eq!(
        post(&s, "/subjects/a-value/versions?normalize=true", &posted(STRING)),
        (200, json!({"id": 1}))
    );
    assert_eq!(post(&s, "/subjects/a-value/versions", &posted(POINT)), (200, json!({"id": 2})));
    let second = json!({"subject": "a-value", "id": 2, "version": 2, "schema": POINT});
    assert_eq!(
        post(&s, "/subjects/a-value?normalize=false&deleted=true", &posted(POINT)),
        (200, second.clone())
    );
    assert_eq!(get(&s, "/subjects/a-value/versions/latest"), (200, second.clone()));
    assert_eq!(get(&s, "/subjects/a-value/versions/2"), (200, second));
    assert_eq!(get(&s, "/subjects/a-value/versions/1/schema"), (200, json!("string")));
    assert_eq!(get(&s, "/subjects/a-value/versions"), (200, json!([1, 2])));
    assert_eq!(get(&s, "/subjects"), (200, json!(["a-value"])));
    assert_eq!(get(&s, "/schemas/ids/2?subject=a-value"), (200, json!({"schema": POINT})));
    assert_eq!(get(&s, "/schemas/ids/2/versions"), (200, json!([{"subject": "a-value", "version": 2}])));
}

#[test]
fn an_empty_registry_answers_its_root_its_types_and_its_subjects() {
    let s = server();
    assert_eq!(get(&s, "/"), (200, json!({})));
    assert_eq!(get(&s, "/schemas/types"), (200, json!(["AVRO"])));
    assert_eq!(get(&s, "/subjects"), (200, json!([])));
}

#[test]
fn a_body_is_read_whatever_its_content_type() {
    let s = server();
    for kind in ["application/vnd.schemaregistry.v1+json", "application/json", "text/plain", ""] {
        let (status, _, body) = exchange(&s, "POST", "/subjects/s/versions", kind, &posted(STRING));
        assert_eq!((status, body), (200, json!({"id": 1})), "{kind}");
    }
}

#[test]
fn a_subject_may_hold_a_slash_and_a_space() {
    let s = server();
    post(&s, "/subjects/a%2Fb%20c/versions", &posted(STRING));
    assert_eq!(get(&s, "/subjects"), (200, json!(["a/b c"])));
}

#[test]
fn what_is_missing_is_named_with_confluents_code() {
    let s = server();
    post(&s, "/subjects/s/versions", &posted(STRING));
    assert_eq!(refused(post(&s, "/subjects/t", &posted(STRING)), 404, 40401), "Subject 't' not found.");
    refused(get(&s, "/subjects/t/versions"), 404, 40401);
    refused(get(&s, "/subjects/t/versions/1"), 404, 40401);
    refused(get(&s, "/subjects/t/versions/latest/schema"), 404, 40401);
    assert_eq!(refused(get(&s, "/subjects/s/versions/2"), 404, 40402), "Version 2 not found.");
    assert_eq!(refused(post(&s, "/subjects/s", &posted(POINT)), 404, 40403), "Schema not found");
    assert_eq!(refused(get(&s, "/schemas/ids/9"), 404, 40403), "Schema 9 not found");
    refused(get(&s, "/schemas/ids/9/versions"), 404, 40403);
}

#[test]
fn an_invalid_version_is_refused_before_the_subject_is_sought() {
    let s = server();
    for version in ["0", "newest", "2147483648"] {
        let message = refused(get(&s, &format!("/subjects/none/versions/{version}")), 422, 42202);
        assert!(message.contains(version), "{message}");
    }
}

#[test]
fn an_invalid_schema_is_refused_and_leaves_no_subject() {
    let s = server();
    let bodies = [
        (posted(r#"{"type":"record"}"#), "not Avro"),
        (posted("{"), "not JSON"),
        (posted(""), "Empty schema"),
        ("{}".to_owned(), "Empty schema"),
        (json!({"schema": STRING, "schemaType": "PROTOBUF"}).to_string(), "PROTOBUF"),
        (json!({"schema": STRING, "references": [{"name": "n"}]}).to_string(), "references"),
    ];
    for (body, part) in bodies {
        let message = refused(post(&s, "/subjects/s/versions", &body), 422, 42201);
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(get(&s, "/subjects"), (200, json!([])));
}

#[test]
fn avro_by_name_and_empty_references_are_accepted() {
    let s = server();
    let body = json!({"schema": STRING, "schemaType": "AVRO", "references": []}).to_string();
    assert_eq!(post(&s, "/subjects/s/versions", &body), (200, json!({"id": 1})));
    let nulls =
        json!({"schema": STRING, "schemaType": null, "references": null, "metadata": null}).to_string();
    assert_eq!(post(&s, "/subjects/s/versions", &nulls), (200, json!({"id": 1})));
}

#[test]
fn a_body_that_is_not_json_is_a_bad_request() {
    let s = server();
    for body in ["", "{", "[]x", r#"{"schema":1}"#] {
        refused(post(&s, "/subjects/s/versions", body), 400, 400);
    }
}

#[test]
fn a_body_over_a_mebibyte_is_too_large() {
    let s = server();
    let schema = posted(STRING);
    let padded = |length: usize| schema.clone() + &" ".repeat(length - schema.len());
    assert_eq!(post(&s, "/subjects/s/versions", &padded(1024 * 1024)).0, 200);
    for length in [1024 * 1024 + 1, 4 * 1024 * 1024] {
        refused(post(&s, "/subjects/s/versions", &padded(length)), 413, 413);
    }
}

#[test]
fn an_unknown_path_and_a_wrong_method_are_told_apart() {
    let s = server();
    for path in ["/associations/x", "/schemas/ids/one", "/schemas/ids/-1", "/subjects/%FF/versions"] {
        refused(get(&s, path), 404, 404);
    }
    let (status, head, body) = exchange(&s, "PUT", "/subjects/s", "text/plain", "");
    refused((status, body), 405, 405);
    assert!(head.contains("allow: POST,DELETE"), "{head}");
}

#[test]
fn a_taken_port_makes_way_for_a_free_one() {
    let first = server();
    let second = start(Options::in_memory(first.address.port())).expect("another port");
    assert_ne!(first.url(), second.url());
    assert_eq!(get(&second, "/").0, 200);
}

#[test]
fn a_registry_on_all_addresses_answers_on_the_loopback_too() {
    let s = start(Options { host: [0, 0, 0, 0].into(), ..Options::in_memory(0) }).expect("a registry");
    let port = s.address.port();
    assert_eq!(s.url(), format!("http://0.0.0.0:{port}"));
    TcpStream::connect(("127.0.0.1", port)).expect("an answer");
}

#[test]
fn a_dropped_registry_stops_listening() {
    let first = server();
    let (url, port) = (first.url(), first.address.port());
    assert_eq!(url, format!("http://127.0.0.1:{port}"));
    drop(first);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn a_client_that_never_finishes_its_request_does_not_hold_up_the_drop() {
    let s = server();
    let mut stream = connect(&s);
    stream
        .write_all(b"POST /subjects/s/versions HTTP/1.1\r\nhost: l\r\ncontent-length: 9\r\n\r\n{")
        .expect("sent");
    get(&s, "/");
    let begun = Instant::now();
    drop(s);
    assert!(begun.elapsed() < Duration::from_secs(10));
}
