use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use millrace_core::access::Access;
use reqwest::Url;
use serde_json::Value;

use super::*;
use crate::batch::{Lane as Records, Part};

const QUICK: Patience = Patience {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(5),
    in_all: Duration::from_secs(20),
    at_first: Duration::from_secs(20),
    asked: Duration::from_secs(2),
};

/// Answers posts with what `answer` says of the how-manieth and its body; gives its address.
fn server(answer: impl Fn(usize, &str) -> Response + Send + Sync + 'static) -> Url {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = address(listener.local_addr().expect("an address").port());
    serve(listener, answer);
    url
}

fn address(port: u16) -> Url {
    Url::parse(&format!("http://127.0.0.1:{port}/api/data")).expect("an address")
}

fn serve(listener: std::net::TcpListener, answer: impl Fn(usize, &str) -> Response + Send + Sync + 'static) {
    let count = AtomicUsize::new(0);
    let handler = async move |body: Bytes| {
        answer(count.fetch_add(1, Ordering::SeqCst), str::from_utf8(&body).expect("UTF-8"))
    };
    let handler = Arc::new(handler);
    let router = Router::new().route("/api/data", post(move |body| async move { handler(body).await }));
    listener.set_nonblocking(true).expect("a listener for Tokio");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, router).await.expect("served");
        });
    });
}

fn sink(url: Url, batch: Option<usize>, lanes: usize, patience: Patience) -> HttpSink {
    let output = ApiOutput { access: Access::default(), url, batch, lanes, rejects: None };
    HttpSink::patient(&output, false, patience).expect("a sink")
}

/// One tick, made by two threads with three machines each.
fn tick(number: usize) -> Batch {
    let part = |names: [&str; 3]| {
        let mut readings = Records::default();
        for (machine, name) in names.iter().enumerate() {
            readings.bytes.extend_from_slice(format!("{{\"m\":\"{name}\",\"n\":{number}}}").as_bytes());
            readings.end_record(machine, 0);
        }
        readings.end_tick();
        Part { readings, ..Part::default() }
    };
    Batch { parts: vec![part(["a", "b", "c"]), part(["d", "e", "f"])] }
}

/// The numbers that came for each machine, in order.
type Came = Arc<Mutex<BTreeMap<String, Vec<u64>>>>;

fn note(came: &Came, body: &str) {
    let readings = match serde_json::from_str(body).expect("JSON") {
        Value::Array(readings) => readings,
        reading => vec![reading],
    };
    for reading in readings {
        let name = reading["m"].as_str().expect("a name").to_owned();
        came.lock().expect("whole").entry(name).or_default().push(reading["n"].as_u64().expect("a number"));
    }
}

fn ok() -> Response {
    StatusCode::OK.into_response()
}

#[test]
fn a_machines_readings_arrive_in_order_and_once_also_when_requests_are_repeated() {
    for (batch, lanes) in [(None, 1), (None, 6), (Some(4), 3), (Some(100), 2)] {
        let came = Came::default();
        let seen = Arc::clone(&came);
        let url = server(move |count, body| match count % 3 {
            0 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            _ => {
                note(&seen, body);
                ok()
            }
        });
        let mut sink = sink(url, batch, lanes, QUICK);
        (0..50).for_each(|number| sink.send(&tick(number)).expect("sent"));
        sink.close().expect("all taken");
        assert_eq!((sink.acknowledged(), sink.failed()), (300, 0));
        let came = came.lock().expect("whole");
        assert_eq!(came.len(), 6);
        assert!(came.values().all(|numbers| numbers.iter().copied().eq(0..50)), "{came:?}");
    }
}

#[test]
fn what_waits_is_bounded_so_a_slow_server_slows_the_simulation() {
    let (sent, came) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let most_waiting = Arc::new(AtomicUsize::new(0));
    let (sender, most) = (Arc::clone(&sent), Arc::clone(&most_waiting));
    let url = server(move |_, body| {
        let taken = came.fetch_add(body.matches("\"n\"").count(), Ordering::SeqCst);
        most.fetch_max(sender.load(Ordering::SeqCst) - taken, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(1));
        ok()
    });
    let mut sink = sink(url, Some(5), 2, QUICK);
    for number in 0..100 {
        sink.send(&tick(number)).expect("sent");
        sent.fetch_add(6, Ordering::SeqCst);
    }
    sink.close().expect("all taken");
    // In each lane: one under way, those that wait, one being handed over, one being gathered.
    let bound = 2 * 5 * (WAITING + 3);
    assert!(most_waiting.load(Ordering::SeqCst) <= bound, "{most_waiting:?} readings were waiting");
}

#[test]
fn a_final_answer_is_not_asked_for_again_and_the_reading_is_kept_with_its_cause() {
    let folder = tempfile::tempdir().expect("a folder");
    let rejects = folder.path().join("rejects.jsonl");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let url = server(move |_, body| {
        count.fetch_add(1, Ordering::SeqCst);
        if body.contains("\"b\"") {
            (StatusCode::UNPROCESSABLE_ENTITY, "no b\nhere").into_response()
        } else {
            ok()
        }
    });
    let output = ApiOutput {
        access: Access::default(),
        url: url.clone(),
        batch: None,
        lanes: 2,
        rejects: Some(rejects.clone()),
    };
    let mut sink = HttpSink::patient(&output, false, QUICK).expect("a sink");
    sink.send(&tick(7)).expect("sent");
    let error = sink.close().expect_err("one was given up").to_string();
    assert_eq!(
        error.replace(folder.path().to_str().expect("a path"), "FOLDER"),
        format!(
            "{url} answered 422 Unprocessable Entity: no b here: 1 reading was given up; it is in FOLDER/rejects.jsonl"
        )
    );
    assert_eq!((sink.acknowledged(), sink.failed(), asked.load(Ordering::SeqCst)), (5, 1, 6));
    let kept: Value =
        serde_json::from_str(&std::fs::read_to_string(rejects).expect("readable")).expect("JSON");
    assert_eq!((&kept["status"], &kept["attempts"]), (&422.into(), &1.into()));
    assert_eq!(kept["cause"], "answered 422 Unprocessable Entity: no b here");
    assert_eq!(kept["readings"], serde_json::json!([{ "m": "b", "n": 7 }]));
}

#[test]
fn a_server_that_stays_broken_is_given_up_after_bounded_attempts() {
    let url = server(|_, _| StatusCode::INTERNAL_SERVER_ERROR.into_response());
    let mut sink = sink(url, Some(6), 1, Patience { in_all: Duration::from_millis(30), ..QUICK });
    sink.send(&tick(0)).expect("sent");
    let error = sink.close().expect_err("given up").to_string();
    assert!(error.contains("answered 500 Internal Server Error: 6 readings were given up"), "{error}");
}

#[test]
fn a_server_that_asks_for_a_pause_gets_it() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&times);
    let url = server(move |count, _| {
        seen.lock().expect("whole").push(Instant::now());
        match count {
            0 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response(),
            _ => ok(),
        }
    });
    // The pause asked for is longer than our own patience, which it does not use up.
    let mut sink = sink(url, Some(6), 1, Patience { in_all: Duration::from_millis(100), ..QUICK });
    sink.send(&tick(0)).expect("sent");
    sink.close().expect("taken in the end");
    let times = times.lock().expect("whole");
    assert_eq!(times.len(), 2);
    assert!(times[1] - times[0] >= Duration::from_secs(1));
}

#[test]
fn a_server_that_asks_for_too_long_a_pause_is_given_up() {
    for asked in ["3600", "18446744073709551615"] {
        let busy = move || (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", asked)]).into_response();
        let mut sink = sink(server(move |_, _| busy()), Some(6), 1, QUICK);
        sink.send(&tick(0)).expect("sent");
        sink.close().expect_err("given up");
        assert_eq!(sink.failed(), 6);
    }
}

#[test]
fn a_server_that_was_never_there_ends_the_run_with_its_address() {
    // Port 9 (discard) is not served on a test machine.
    let patience = Patience { at_first: Duration::from_millis(50), ..QUICK };
    let mut sink = sink(address(9), None, 3, patience);
    // Enough to fill the lanes: the sink notices while it is sent to.
    let error = (0..1000).find_map(|number| sink.send(&tick(number)).err()).expect("ended");
    let sentence = error.to_string();
    assert_eq!(error.exit_code(), 1);
    assert!(
        sentence.starts_with("http://127.0.0.1:9/api/data is not reached: Connection refused"),
        "{sentence}"
    );
    assert!(sentence.ends_with("start the server there, or check --url"), "{sentence}");
    sink.close().expect_err("it stays broken");
}

#[test]
fn a_server_that_comes_late_gets_everything() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let came = Came::default();
    let mut sink = sink(address(port), None, 2, QUICK);
    sink.send(&tick(0)).expect("sent");
    let seen = Arc::clone(&came);
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).expect("the same port");
    serve(listener, move |_, body| {
        note(&seen, body);
        ok()
    });
    sink.close().expect("all taken");
    assert_eq!(came.lock().expect("whole").len(), 6);
}

#[test]
fn an_unfilled_array_goes_out_after_a_while() {
    let url = server(|_, _| ok());
    let mut sink = sink(url, Some(100), 1, QUICK);
    sink.send(&tick(0)).expect("sent");
    let began = Instant::now();
    while sink.acknowledged() < 6 && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
        sink.poll().expect("polled");
    }
    assert_eq!(sink.acknowledged(), 6);
    assert!(began.elapsed() >= LONGEST_WAIT / 2);
}

#[test]
fn a_connection_that_breaks_off_is_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = address(listener.local_addr().expect("an address").port());
    let came = Came::default();
    let seen = Arc::clone(&came);
    std::thread::spawn(move || {
        drop(listener.accept().expect("the first call"));
        serve(listener, move |_, body| {
            note(&seen, body);
            ok()
        });
    });
    let mut sink = sink(url, Some(6), 1, QUICK);
    sink.send(&tick(0)).expect("sent");
    sink.close().expect("taken in the end");
    assert_eq!(came.lock().expect("whole").len(), 6);
}
