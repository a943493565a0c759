//! The truth apart from the data, scenarios, and what neither of them may touch.

mod program;

use std::path::Path;

use program::{producer, text};

const RUN: [&str; 7] = ["--quiet", "--mode", "file", "--seed", "7", "--start", "2026-01-01T00:00:00Z"];
/// Three days of four machines, a sample a minute, with much going on.
const DAYS: [&str; 8] =
    ["--rate", "0.016666666666666666", "--duration", "259200", "--machines", "4", "--anomaly-rate", "0.1"];

fn run(folder: &Path, output: &str, more: &[&str]) -> String {
    let args = [&RUN[..], &["--output", output], more].concat();
    let done = producer(folder, &args);
    assert!(done.status.success(), "{args:?}: {}", text(&done.stderr));
    read(folder, output)
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("written")
}

/// The rows of a CSV file, field by field, without its header.
fn rows(csv: &str) -> Vec<Vec<&str>> {
    csv.lines().skip(1).map(|row| row.split(',').collect()).collect()
}

fn days(folder: &Path, output: &str, more: &[&str]) -> String {
    run(folder, output, &[&DAYS[..], &["--maintenance-interval", "100000", "--speed", "max"], more].concat())
}

#[test]
fn the_truth_goes_into_files_of_its_own_and_leaves_the_readings_as_they_were() {
    let folder = tempfile::tempdir().expect("a folder");
    let without = days(folder.path(), "a.csv", &[]);
    let names = std::fs::read_dir(folder.path()).expect("readable");
    let names: Vec<_> = names.map(|file| file.expect("a file").file_name()).collect();
    let readings = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("a.csv");
    assert!(names.iter().all(readings), "nothing but the readings and what describes them: {names:?}");
    let with = days(folder.path(), "a.csv", &["--truth", "truth.csv"]);
    assert!(with == without, "the readings do not tell whether the truth is written");
    let labelled = days(folder.path(), "b.csv", &["--include-labels"]);
    let truth = read(folder.path(), "truth.csv");
    let truth = rows(&truth);
    assert_eq!(truth.len(), 4 * 3 * 1440);
    for (truth, reading) in truth.iter().zip(rows(&labelled)) {
        assert_eq!(
            [truth[1], truth[0], truth[3], truth[4]],
            [reading[0], reading[1], reading[10], reading[11]]
        );
        let severity: f64 = truth[5].parse().expect("a number");
        assert!((0.0..=1.0).contains(&severity) && (truth[3] == "1" || severity == 0.0), "{truth:?}");
    }
}

#[test]
fn episodes_say_when_the_labels_change_and_the_machine_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let readings = days(folder.path(), "a.csv", &["--truth", "day-truth.csv"]);
    let (truth, episodes) = (read(folder.path(), "day-truth.csv"), read(folder.path(), "day-episodes.csv"));
    let (truth, episodes) = (rows(&truth), rows(&episodes));
    let ended = episodes.iter().filter(|episode| !episode[4].is_empty()).count();
    assert!(ended > 10 && episodes.len() > ended, "{episodes:?}");
    // Times in one form sort as text.
    let during = |kind: &str, machine: &str, time: &str| {
        let is_in = |episode: &&Vec<&str>| {
            let has_begun = *episode[3] <= *format!("{time}.000");
            let goes_on = episode[4].is_empty() || *episode[4] > *format!("{time}.000");
            episode[0] == machine && episode[1] == kind && has_begun && goes_on
        };
        episodes.iter().find(is_in).map_or("normal", |episode| episode[2])
    };
    for (truth, reading) in truth.iter().zip(rows(&readings)) {
        assert_eq!(truth[4], during("failure", truth[0], truth[1]), "{truth:?}");
        let stands = during("maintenance", truth[0], truth[1]) == "maintenance";
        assert_eq!(reading[2] == "maintenance", stands, "{reading:?}");
    }
}

#[test]
fn the_truth_is_the_same_whatever_the_threads_and_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder");
    days(folder.path(), "a.csv", &["--truth", "truth.csv"]);
    days(folder.path(), "b.csv", &["--truth", "three-truth.csv", "--threads", "3"]);
    let same = |one: &str, other: &str| read(folder.path(), one) == read(folder.path(), other);
    assert!(same("truth.csv", "three-truth.csv") && same("episodes.csv", "three-episodes.csv"));
    days(folder.path(), "c.csv", &["--truth", "truth.jsonl"]);
    for name in ["truth", "episodes"] {
        let (csv, lines) =
            (read(folder.path(), &format!("{name}.csv")), read(folder.path(), &format!("{name}.jsonl")));
        let header: Vec<&str> = csv.lines().next().expect("a header").split(',').collect();
        assert_eq!(lines.lines().count() + 1, csv.lines().count());
        for (row, line) in rows(&csv).iter().zip(lines.lines()) {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            for (name, field) in header.iter().zip(row) {
                let text = line[name].as_str().map_or_else(|| line[name].to_string(), ToOwned::to_owned);
                assert_eq!(text.replace("null", ""), field.replace("null", ""), "{name} of {line}");
            }
        }
    }
}

const LESSON: &str = "\
scenario:
  - {at: 500ms, machine: MACHINE_002, failure: motor_failure, severity: 0.7}
  - {at: 1s, machine: [MACHINE_001, MACHINE_003], maintenance: 0.01}
  - {at: 2, machine: MACHINE_002, clear: true}
  - {at: '2026-01-01T00:00:02.5Z', machine: all, failure: oil_leak, hours: 0.0005}
";
const EXPECTED_EPISODES: [&str; 9] = [
    "MACHINE_001,maintenance,maintenance,2026-01-01T00:00:01.000,2026-01-01T00:00:01.600,scenario",
    "MACHINE_003,maintenance,maintenance,2026-01-01T00:00:01.000,2026-01-01T00:00:01.600,scenario",
    "MACHINE_002,failure,motor_failure,2026-01-01T00:00:00.500,2026-01-01T00:00:02.000,scenario",
    "MACHINE_001,failure,oil_leak,2026-01-01T00:00:02.500,,scenario",
    "MACHINE_002,failure,oil_leak,2026-01-01T00:00:02.500,,scenario",
    "MACHINE_003,failure,oil_leak,2026-01-01T00:00:02.500,,scenario",
    "MACHINE_004,failure,oil_leak,2026-01-01T00:00:02.500,,scenario",
    "MACHINE_005,failure,oil_leak,2026-01-01T00:00:02.500,,scenario",
    "",
];

#[test]
fn a_scenario_gives_the_same_records_at_every_speed() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("lesson.yaml"), LESSON).expect("written");
    let lesson = ["--scenario", "lesson.yaml", "--rate", "20", "--duration", "3", "--truth", "truth.csv"];
    let at = |speed: &str, more: &[&str]| {
        let readings = run(folder.path(), "a.csv", &[&lesson[..], &["--speed", speed], more].concat());
        [readings, read(folder.path(), "truth.csv"), read(folder.path(), "episodes.csv")]
    };
    let most = at("max", &[]);
    assert!(most[2].ends_with(&EXPECTED_EPISODES.join("\n")), "{}", most[2]);
    for speed in ["600", "1"] {
        assert!(at(speed, &[]) == most, "at {speed}x");
    }
    assert!(
        at("max", &["--no-anomalies", "--no-maintenance"]) == most,
        "chance has no part in three seconds"
    );
}

#[test]
fn a_scenario_changes_its_own_machines_only_from_its_own_time_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let lesson = "scenario:\n- {at: 12h, machine: MACHINE_002, failure: overheating, hours: 4}\n";
    std::fs::write(folder.path().join("lesson.yaml"), lesson).expect("written");
    let (without, with) =
        (days(folder.path(), "a.csv", &[]), days(folder.path(), "b.csv", &["--scenario", "lesson.yaml"]));
    let mut differing = 0;
    for (without, with) in rows(&without).iter().zip(rows(&with)) {
        if *without != with {
            assert!(with[1] == "MACHINE_002" && *with[0] >= *"2026-01-01T12:00:00", "{with:?}");
            differing += 1;
        }
    }
    assert!(differing > 100, "{differing}");
}
