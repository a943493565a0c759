//! Readings posted to a web API, by the program as a user starts it.

mod program;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use program::{producer, text};

const RUN: [&str; 7] = [
    "--quiet",
    "--seed=7",
    "--start=2026-01-01T00:00:00Z",
    "--speed=max",
    "--duration=20",
    "--machines=3",
    "--mode",
];

/// A server and the bodies that were posted to it.
struct Api {
    url: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Api {
    fn start() -> Self {
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        let take = async move |headers: HeaderMap, body: String| {
            let json = headers.get("content-type").is_some_and(|kind| kind == "application/json");
            kept.lock().expect("whole").push(body);
            if json { StatusCode::CREATED } else { StatusCode::UNSUPPORTED_MEDIA_TYPE }
        };
        let router = Router::new()
            .route("/api/data", post(move |headers, body| async move { take(headers, body).await }));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener for Tokio");
        let url = format!("http://{}/api/data", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                axum::serve(listener, router).await.expect("served");
            });
        });
        Self { url, bodies }
    }

    /// What came, sorted, since machines may overtake each other.
    fn came(&self) -> Vec<String> {
        let mut came = self.bodies.lock().expect("whole").clone();
        came.sort();
        came
    }
}

/// The lines that a file of the same run has, sorted.
fn lines(folder: &std::path::Path) -> Vec<String> {
    let output = producer(folder, &[&RUN[..], &["file", "--output", "same.json"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let file = std::fs::read_to_string(folder.join("same.json")).expect("written");
    let mut lines: Vec<String> = file.lines().map(ToOwned::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn each_reading_is_posted_as_the_object_that_a_file_has_on_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let api = Api::start();
    let output = producer(folder.path(), &[&RUN[..], &["api", "--url", &api.url]].concat());
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    assert_eq!(api.came(), lines(folder.path()));
}

#[test]
fn with_a_batch_arrays_are_posted() {
    let folder = tempfile::tempdir().expect("a folder");
    let api = Api::start();
    let more = ["api", "--url", &api.url, "--batch=25", "--concurrency=1", "--threads=2"];
    let output = producer(folder.path(), &[&RUN[..], &more].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let bodies = api.bodies.lock().expect("whole");
    assert!(bodies.iter().all(|body| body.starts_with("[{") && body.ends_with("}]")));
    let sizes: Vec<usize> = bodies.iter().map(|body| body.matches("\"timestamp\"").count()).collect();
    assert_eq!(sizes, [25, 25, 10]);
    let mut came: Vec<String> = bodies
        .iter()
        .flat_map(|body| {
            body[1..body.len() - 1].replace("},{", "}\n{").lines().map(ToOwned::to_owned).collect::<Vec<_>>()
        })
        .collect();
    came.sort();
    assert_eq!(came, lines(folder.path()));
}

#[test]
fn what_a_server_refuses_is_counted_and_kept_and_the_exit_code_is_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let api = Api::start();
    let url = api.url.replace("/api/data", "/elsewhere");
    let args = [&RUN[1..], &["api", "--url", &url, "--rejects", "rejects.jsonl"]].concat();
    let output = producer(folder.path(), &args);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let last = told.lines().last().expect("a sentence");
    let sentence = format!(
        "producer: {url} answered 404 Not Found: 60 readings were given up; they are in rejects.jsonl"
    );
    assert_eq!(last, sentence);
    assert!(told.contains("generated 60, acknowledged 0, failed 60"), "{told}");
    let rejects = std::fs::read_to_string(folder.path().join("rejects.jsonl")).expect("written");
    assert_eq!(rejects.lines().count(), 60);
    assert!(rejects.lines().all(|line| {
        let kept: serde_json::Value = serde_json::from_str(line).expect("JSON");
        kept["status"] == 404 && kept["readings"][0]["machine_id"].is_string()
    }));
}

#[test]
fn a_server_that_is_not_there_is_named_after_ten_seconds() {
    let folder = tempfile::tempdir().expect("a folder");
    let output =
        producer(folder.path(), &["--quiet", "--duration=3", "--mode=api", "--url=http://127.0.0.1:9/api"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "producer: http://127.0.0.1:9/api is not reached: Connection refused, for 10 s; start the server there, \
         or check --url\n"
    );
}
