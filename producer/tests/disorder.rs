//! Disorder, its ledger, and `producer clean`, as a user meets them.

mod program;
#[path = "program/refusals.rs"]
mod refusals;

use std::path::Path;

use program::{producer, text};
use refusals::refusals;

const RUN: [&str; 12] = [
    "--mode",
    "file",
    "--seed",
    "7",
    "--start",
    "2026-01-01T00:00:00Z",
    "--duration",
    "2000",
    "--speed",
    "max",
    "--machines",
    "7",
];
const EVERYTHING: &str = "late=0.05:5s..60s,duplicate=0.05,drop=0.05,stuck=0.005:30s,spike=0.05,corrupt=0.05,\
                          skew=MACHINE_003:-2h,null=0.05";

/// Runs the program; it must end well and say one line at most.
fn done(folder: &Path, args: &[&str]) -> String {
    let output = producer(folder, args);
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stderr)
}

fn run(folder: &Path, more: &[&str]) -> String {
    done(folder, &[&RUN[..], more].concat())
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("written")
}

#[test]
fn a_disordered_file_and_its_ledger_give_the_clean_file_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["day.csv", "day.jsonl"] {
        let clean = format!("clean-{name}");
        run(folder.path(), &["--quiet", "--output", &clean]);
        for threads in ["1", "3"] {
            let disorder = ["--disorder", EVERYTHING, "--ledger", "acts.jsonl", "--threads", threads];
            run(folder.path(), &[&["--quiet", "--output", name][..], &disorder].concat());
            let said = done(
                folder.path(),
                &["clean", "--ledger", "acts.jsonl", "--input", name, "--output", "back"],
            );
            assert_ne!(read(folder.path(), name), read(folder.path(), &clean));
            assert!(read(folder.path(), "back") == read(folder.path(), &clean), "{name}: the same file");
            let acts = read(folder.path(), "acts.jsonl").lines().count();
            assert_eq!(said, format!("wrote 14000 clean records to back: {acts} acts undone\n"));
        }
    }
}

#[test]
fn a_ledger_without_acts_leaves_a_file_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), &["--quiet", "--output", "a.csv", "--disorder", "drop=0", "--ledger", "acts.jsonl"]);
    done(folder.path(), &["clean", "--ledger", "acts.jsonl", "--input", "a.csv", "--output", "b.csv"]);
    assert_eq!(read(folder.path(), "acts.jsonl"), "");
    assert!(read(folder.path(), "a.csv") == read(folder.path(), "b.csv"));
}

#[test]
fn disorder_without_a_ledger_says_that_it_cannot_be_undone() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = run(folder.path(), &["--output", "a.csv", "--disorder", "drop=0.5"]);
    assert!(said.contains("--ledger"), "{said}");
    assert!(!run(folder.path(), &["--output", "a.csv"]).contains("--ledger"));
}

/// Flags and how they are wrong.
const WRONG: [&[&str]; 21] = [
    &["--disorder", "dorp=0.1"],
    &["--disorder", "drop=2"],
    &["--disorder", "late=0.1"],
    &["--disorder", "skew=MACHINE_009:1h"],
    &["--disorder", "skew=MACHINE_001:-3650d", "--start", "1971-01-01T00:00:00Z"],
    &["--ledger", "acts.jsonl"],
    &["--disorder", "drop=0.1", "--ledger", ""],
    &["--disorder", "drop=0.1", "--ledger", "acts.csv"],
    &["--disorder", "drop=0.1", "--ledger", "topic:"],
    &["--mode", "kafka", "--disorder", "drop=0.1", "--ledger", "topic:a b"],
    &["--mode", "file", "--append", "--disorder", "drop=0.1", "--ledger", "acts.jsonl"],
    &["--mode", "kafka", "--topic", "a", "--disorder", "drop=0.1", "--ledger", "topic:a"],
    &["--mode", "file", "--output", "a.json", "--disorder", "drop=0.1", "--ledger", "a.json"],
    &["--mode", "kafka", "--resume", "--disorder", "drop=0.1"],
    &["--mode", "api", "--url", "http://127.0.0.1:9/", "--batch", "2", "--disorder", "corrupt=0.1"],
    &["clean"],
    &["clean", "--ledger", "a", "--input", "b", "--output", "b"],
    &["clean", "--ledger", "a", "--input", "b", "--output", "a"],
    &["clean", "--ledger", "a", "--input", "topic:b", "--output", "c", "--bootstrap-server", "127.0.0.1:1"],
    &["clean", "--ledger", "a", "--input", "b", "--output", "c", "-X", "linger.ms=5"],
    &["clean", "--ledger", "a", "--input", "b", "--output", "c", "--force"],
];

#[test]
fn what_is_said_wrongly_about_disorder_is_answered_in_one_sentence_and_nothing_is_written() {
    insta::assert_snapshot!(refusals(&WRONG));
}

#[test]
fn what_clean_cannot_do_is_said_with_the_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let disorder = ["--disorder", "drop=0.1,spike=0.1", "--ledger", "acts.jsonl"];
    run(folder.path(), &[&["--quiet", "--output", "a.csv"][..], &disorder].concat());
    run(folder.path(), &["--quiet", "--output", "other.csv"]);
    std::fs::write(folder.path().join("text.jsonl"), "{\"kind\":\"drop\"}\n").expect("written");
    let mut seen = String::new();
    for (ledger, input) in [
        ("none.jsonl", "a.csv"),
        ("acts.jsonl", "none.csv"),
        ("text.jsonl", "a.csv"),
        ("acts.jsonl", "other.csv"),
    ] {
        let args = ["clean", "--ledger", ledger, "--input", input, "--output", "back"];
        let output = producer(folder.path(), &args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        seen.push_str(&format!("{ledger} {input}\n  {}", text(&output.stderr)));
    }
    insta::assert_snapshot!(seen);
}
