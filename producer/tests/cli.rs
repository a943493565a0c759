//! The program as a user meets it: what it refuses and how, and what it writes.

mod program;
#[path = "program/refusals.rs"]
mod refusals;

use std::path::Path;

use program::{producer, text};
use refusals::refusals;

/// Flags, each wrong in one way, as a user would get them wrong.
const WRONG: &[&[&str]] = &[
    &["--rat", "1"],
    &["--rate", "0"],
    &["--rate", "-1"],
    &["--rate", "1e9"],
    &["--rate", "1e-12"],
    &["--rate", "fast"],
    &["--rate", "nan"],
    &["--rate"],
    &["--duration", "0"],
    &["--speed", "0"],
    &["--speed", "1e300"],
    &["--speed", "fastest"],
    &["--start", "yesterday"],
    &["--start", "2026-13-01T00:00:00Z"],
    &["--machines", "0"],
    &["--machines", "99999999999"],
    &["--machines", "A B"],
    &["--machines", "A", "A"],
    &["--seed", "-1"],
    &["--anomaly-rate", "1.5"],
    &["--maintenance-interval", "-1"],
    &["--no-anomalies", "--anomaly-rate", "0.1"],
    &["--no-maintenance", "--maintenance-interval", "60"],
    &["--repair-after", "soon"],
    &["--failures-from", "-7d"],
    &["--no-maintenance", "--repair-after", "2h"],
    &["--no-anomalies", "--failures-from", "7d"],
    &["--scenario", "lesson.yaml"],
    &["--threads", "0"],
    &["--mode", "kafak"],
    &["--mode", "api"],
    &["--mode", "api", "--url", "localhost:8000"],
    &["--mode", "api", "--url", "http://localhost:8000", "--batch", "0"],
    &["--mode", "api", "--url", "http://localhost:8000", "--concurrency", "999"],
    &["--mode", "api", "--url", "http://localhost:8000", "--format", "csv"],
    &["--url", "http://localhost:8000"],
    &["--mode", "file", "--batch", "10"],
    &["--mode", "kafka", "--rejects", "a.jsonl"],
    &["--mode", "file", "--compression", "none"],
    &["--mode", "file", "--format", "parquet", "--append"],
    &["--mode", "file", "--output", "a.avro", "--append"],
    &["--mode", "file", "--output", "a.avro", "--disorder", "corrupt=0.1"],
    &["--mode", "kafka", "--format", "parquet"],
    &["--compression", "none"],
    &["--format", "xml"],
    &["--format", "avro"],
    &["--mode", "kafka", "--format", "csv"],
    &["--output", "a.csv"],
    &["--append"],
    &["--topic", "a"],
    &["--mode", "kafka", "--topic", "a b"],
    &["--mode", "kafka", "--partitions", "0"],
    &["--mode", "kafka", "--schema-registry-url", "localhost:8081"],
    &["--mode", "kafka", "-X", "linger.ms"],
    &["--mode", "kafka", "-X", "sasl.jaas.config=x"],
    &["--mode", "kafka", "-X", "acks=1"],
    &["--exactly-once"],
    &["--mode", "file", "--resume"],
    &["--mode", "kafka", "--resume", "-X", "acks=1"],
    &["--mode", "kafka", "--resume", "-X", "message.timeout.ms=5000"],
    &["--mode", "kafka", "--transaction-interval", "2"],
    &["--mode", "kafka", "--exactly-once", "--transaction-interval", "60"],
    &["--mode", "kafka", "--exactly-once", "--transactional-id", "a b"],
    &["--mode", "kafka", "--run-id", ""],
    &["--mode", "kafka", "-X", "transactional.id=x"],
    &["--truth", "truth.txt"],
    &["--truth", "truth.parquet"],
    &["--truth", "topic:a b"],
    &["--mode", "file", "--output", "truth.csv", "--truth", "truth.csv"],
    &["--mode", "file", "--output", "episodes.csv", "--truth", "truth.csv"],
    &["--mode", "kafka", "--truth", "topic:sensor-data"],
    &["--mode", "kafka", "--topic", "anomaly-episodes", "--truth", "topic:"],
    &["--mode", "kafka", "--truth", "topic:maintenance-events"],
    &["--mode", "kafka", "--disorder", "drop=0.1", "--ledger", "topic:a", "--truth", "topic:a"],
    &["--mode", "kafka", "--resume", "--truth", "truth.csv"],
    &["--truth", "truth.csv", "--bootstrap-server", "localhost:9092"],
    &["--preset", "developement"],
    &["--features", "roling"],
    &["--share", "3"],
    &["--share", "0/2", "--seed", "1", "--start", "2026-01-01T00:00:00Z"],
    &["--share", "6/6", "--seed", "1", "--start", "2026-01-01T00:00:00Z"],
    &["--share", "1/2", "--seed", "1"],
    &["--no-control"],
    &["--mode", "kafka", "--interactive", "--no-control"],
    &["--control-topic", "a"],
    &["--mode", "kafka", "--control-topic", "a b"],
    &["--mode", "kafka", "--control-topic", "a", "--no-control"],
    &["control"],
    &["control", "injekt", "MACHINE_001"],
    &["control", "rate", "fast"],
    &["--rate", "1", "control", "stop"],
    &["surplus"],
];

#[test]
fn what_is_said_wrongly_is_answered_in_one_sentence_and_nothing_is_written() {
    insta::assert_snapshot!(refusals(WRONG));
}

/// Config files, each wrong in one way.
const WRONG_FILES: &[&str] = &[
    "streaming: {output_mode: api, api_url: 'ftp://localhost'}",
    "streaming: {rat: 1}",
    "streaming: {rate: fast}",
    "streaming: {rate: -1}",
    "streaming: {machines: [A, A]}",
    "streaming: {machines: [007, A]}",
    "streaming: {machines: 1e3}",
    "kafka: {topics: {sensor-data: 0}}",
    "kafka: {topics: {other: 100001}}",
    "kafka: {default_partitions: -1}",
    "kafka: {replication_factor: 0}",
    "streming: {rate: 1}",
    "streaming: [1]",
    "streaming: {rate: 1",
];

#[test]
fn a_wrong_config_file_is_answered_with_its_key_and_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = String::new();
    for content in WRONG_FILES {
        std::fs::write(folder.path().join("my.yaml"), content).expect("written");
        let output = producer(folder.path(), &["--config", "my.yaml"]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{content}: {error}");
        assert_eq!(error.lines().count(), 1, "{content}: {error}");
        seen.push_str(&format!("{content}\n  {error}"));
    }
    let missing = text(&producer(folder.path(), &["--config", "none.yaml"]).stderr);
    seen.push_str(&format!("no file\n  {missing}"));
    insta::assert_snapshot!(seen);
}

const DAY: [&str; 8] =
    ["--quiet", "--seed", "7", "--start", "2026-01-01T00:00:00Z", "--speed", "max", "--rate=0.1"];

fn file(folder: &Path, name: &str, more: &[&str]) -> String {
    let args = [&DAY[..], &["--mode", "file", "--output", name, "--duration", "20000"], more].concat();
    let output = producer(folder, &args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    std::fs::read_to_string(folder.join(name)).expect("written")
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_threads_and_the_other_machines() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = file(folder.path(), "a.csv", &["--machines", "50"]);
    assert_eq!(one, file(folder.path(), "b.csv", &["--machines", "50", "--threads", "3"]));
    assert!(one.lines().count() == 50 * 2000 + 1);
    let alone = file(folder.path(), "c.csv", &["--machines", "MACHINE_042"]);
    let (header, rows) = one.split_once('\n').expect("a header");
    let of_42: Vec<&str> = rows.lines().filter(|row| row.contains(",MACHINE_042,")).collect();
    assert_eq!(alone, format!("{header}\n{}\n", of_42.join("\n")));
}

#[test]
fn a_file_is_overwritten_or_appended_to_under_one_header() {
    let folder = tempfile::tempdir().expect("a folder");
    let once = file(folder.path(), "a.csv", &[]);
    assert_eq!(once, file(folder.path(), "a.csv", &[]));
    let twice = file(folder.path(), "a.csv", &["--append"]);
    let (_, rows) = once.split_once('\n').expect("a header");
    assert_eq!(twice, format!("{once}{rows}"));
}

#[test]
fn labels_are_there_only_when_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let with = file(folder.path(), "a.csv", &["--include-labels", "--anomaly-rate", "0.5"]);
    assert!(with.lines().next().is_some_and(|h| h.contains(",anomaly_label,anomaly_type,")));
    assert!(with.contains("_failure,") || with.contains(",oil_leak,") || with.contains(",overheating,"));
    assert!(!file(folder.path(), "b.csv", &[]).contains("anomaly"));
    assert!(!file(folder.path(), "c.csv", &["--include-labels", "--no-labels"]).contains("anomaly"));
}

#[test]
fn the_flag_that_wants_no_features_wins_over_a_config_that_wants_rolling_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("my.yaml"), "streaming: {features: rolling}").expect("written");
    let config = ["--config", "my.yaml"];
    assert!(file(folder.path(), "a.csv", &config).contains("_rolling_mean"));
    let without = file(folder.path(), "b.csv", &[&config[..], &["--no-derived-features"]].concat());
    assert!(!without.contains("rolling") && !without.contains("hour"));
}

#[test]
fn the_format_follows_the_ending_and_the_flag_wins() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(file(folder.path(), "a.json", &[]).starts_with('{'));
    assert!(file(folder.path(), "a.txt", &["--format", "csv"]).starts_with("timestamp,"));
    assert!(file(folder.path(), "b.csv", &["--format", "json"]).starts_with('{'));
}

#[test]
fn help_shows_examples_on_standard_output() {
    let output = producer(Path::new("."), &["--help"]);
    assert!(output.status.success());
    insta::assert_snapshot!(text(&output.stdout));
}

const LESSON: &str = "\
scenario:
- {at: 500ms, machine: MACHINE_002, failure: pump_failure, severity: 0.8}
- {at: 1200ms, machine: MACHINE_002, clear: true}
- {at: 1400ms, machine: [MACHINE_001], maintenance: 20}
";

#[test]
fn a_scenario_gives_the_same_records_at_any_speed() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("lesson.yaml"), LESSON).expect("written");
    let run = |speed: &str, lesson: &[&str]| {
        let name = format!("{speed}.csv");
        let plain =
            ["--mode", "file", "--output", &name, "--rate", "10", "--duration", "2", "--include-labels"];
        let same = ["--seed", "3", "--start", "2026-01-01T00:00:00Z", "--machines", "3", "--speed", speed];
        let output = producer(folder.path(), &[&plain[..], &same, lesson].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        std::fs::read_to_string(folder.path().join(name)).expect("readable")
    };
    let lesson = ["--scenario", "lesson.yaml"];
    let at_once = run("max", &lesson);
    assert_eq!(at_once.lines().filter(|row| row.contains(",1,pump_failure")).count(), 7);
    assert_eq!(at_once.lines().filter(|row| row.contains("MACHINE_001,maintenance")).count(), 6);
    assert_eq!(run("1", &lesson), at_once);
    assert_eq!(run("600", &lesson), at_once);
    let without = run("max", &[]);
    let untouched = |rows: &str| {
        rows.lines().filter(|row| row.contains("MACHINE_003")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(untouched(&without), untouched(&at_once));
}
