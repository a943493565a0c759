//! The guide of the Python tool: its command lines, its YAML block, its letters.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Failed;
use millrace_core::Result;
use millrace_tests::{Lab, Verdict, passed, skipped, topic};
use serde_json::Value;

use super::shell::{Ended, Line};
use super::workshop::{Workshop, root};

const LIST: &str = include_str!("commands.txt");
const YAML: &str = include_str!("guide.yaml");
const GUIDE: &str = "../shared/reference/streaming-guide.md";
const SCRIPT: &str = "python src/generate_flow.py ";
/// What is typed, and what answers it, in this order.
const LETTERS: [(&str, &[&str]); 6] = [
    ("a MACHINE_001 bearing_failure", &["Injected bearing_failure anomaly for MACHINE_001"]),
    ("m MACHINE_003 30", &["Started maintenance for MACHINE_003 (30 minutes)"]),
    (
        "s",
        &[
            "Machine States:",
            "MACHINE_001: ✅ Operational | 🚨 bearing_failure",
            "MACHINE_003: 🔧 Maintenance",
        ],
    ),
    ("c MACHINE_001", &["✅ Cleared anomaly for MACHINE_001"]),
    ("h", &["'a <machine_id> [failure_type]' - Inject anomaly", "'q' - Quit"]),
    ("q", &["Stopping"]),
];
const PATIENCE: Duration = Duration::from_secs(60);

/// A command line of the list.
struct Case {
    args: &'static str,
    added: &'static str,
    place: &'static str,
}

fn lines() -> impl Iterator<Item = &'static str> {
    LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn cases() -> impl Iterator<Item = Case> {
    lines().filter(|line| !line.starts_with("other | ")).map(|line| {
        let mut parts = line.split(" | ");
        let mut next = || parts.next().unwrap_or_else(|| panic!("three parts: {line}"));
        Case { args: next(), added: next(), place: next() }
    })
}

/// Command lines of other programs, each of which has a reason why it is not run here.
fn others() -> Vec<&'static str> {
    let other = |line: &'static str| line.strip_prefix("other | ")?.rsplit_once(" | ");
    lines().filter_map(other).map(|(command, _)| command).collect()
}

pub fn all(lab: &Lab) -> Verdict {
    let workshop = Workshop::new(lab)?;
    let failures: Vec<String> = cases().filter_map(|case| run(&workshop, &case).err()).collect();
    if failures.is_empty() { passed() } else { Err(Failed::from(failures.join("\n"))) }
}

fn run(workshop: &Workshop, case: &Case) -> std::result::Result<(), String> {
    let of = |what: &str| format!("producer {}: {what}", case.args);
    let mut added = case.added.split(' ').filter(|word| word.starts_with('-'));
    assert!(added.all(|flag| flag == "--duration" || flag == "--speed"), "{}", of("more is added"));
    let before = arrived(workshop, case.place, "").map_err(|e| of(&e.to_string()))?;
    let line = format!("producer {} {}", case.args, case.added);
    let ended = ended(workshop.line(&line)).map_err(|e| of(&e.to_string()))?;
    if !ended.is_good() {
        return Err(of(&ended.account()));
    }
    let after = arrived(workshop, case.place, &ended.stdout).map_err(|e| of(&e.to_string()))?;
    let expected = case.place.rsplit(' ').next().and_then(|count| count.parse().ok());
    let more = if case.place.starts_with("file") { after } else { after - before };
    if Some(more) == expected { Ok(()) } else { Err(of(&format!("{more} arrived, not {}", case.place))) }
}

fn ended(command: Command) -> std::io::Result<Ended> {
    Line::start(command)?.end(PATIENCE)
}

/// How many readings are at a place now.
fn arrived(workshop: &Workshop, place: &str, stdout: &str) -> Result<u64> {
    let words: Vec<&str> = place.split(' ').collect();
    match words[..] {
        ["console", _] => Ok(stdout.lines().filter(|line| is_reading(line)).count() as u64),
        ["api", _] => Ok(workshop.api.taken()),
        ["file", name, _] => Ok(rows(&std::fs::read_to_string(workshop.path(name)).unwrap_or_default())),
        ["kafka", name, _] => in_topic(workshop.lab, name),
        _ => panic!("no place: {place}"),
    }
}

fn is_reading(line: &str) -> bool {
    serde_json::from_str(line)
        .is_ok_and(|value: Value| value["machine_id"].is_string() && value["temperature"].is_number())
}

/// The rows of a CSV file that have as many fields as its header.
fn rows(text: &str) -> u64 {
    let mut lines = text.lines();
    let fields = lines.next().map_or(0, |header| header.split(',').count());
    lines.filter(|row| row.split(',').count() == fields).count() as u64
}

fn in_topic(lab: &Lab, name: &str) -> Result<u64> {
    if topic::partitions(&lab.kafka(), name)? == 0 {
        return Ok(0);
    }
    let mut count = 0;
    topic::for_each(&lab.kafka(), name, |_| count += 1)?;
    Ok(count)
}

pub fn yaml(lab: &Lab) -> Verdict {
    let workshop = Workshop::new(lab)?;
    std::fs::write(workshop.path("guide.yaml"), YAML)?;
    let run = "producer --config guide.yaml --duration 3 --speed max";
    let console = ended(workshop.line(run))?;
    assert!(console.is_good(), "{}", console.account());
    assert_eq!(console.stdout.lines().filter(|line| is_reading(line)).count(), 15);
    assert!(console.stdout.lines().all(|line| line.contains("\"anomaly_label\":")), "{}", console.stdout);
    let name = lab.topic("yaml");
    let kafka = ended(workshop.line(&format!("{run} --mode kafka --topic {name}")))?;
    assert!(kafka.is_good(), "{}", kafka.account());
    let records = topic::records(&lab.kafka(), &name)?;
    assert_eq!(records.len(), 15);
    for record in records {
        let value: Value = serde_json::from_slice(&record.value)?;
        assert_eq!(value["machine_id"], record.key.as_str());
    }
    passed()
}

pub fn letters() -> Verdict {
    let folder = tempfile::tempdir()?;
    let mut producer = Command::new(env!("CARGO_BIN_EXE_lab"));
    producer.args(["producer", "--mode", "console", "--interactive", "--rate", "1.0"]);
    producer.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut run = producer.spawn()?;
    let mut keys = run.stdin.take().expect("piped");
    let mut said = BufReader::new(run.stderr.take().expect("piped")).lines().map_while(std::io::Result::ok);
    for (typed, answers) in LETTERS {
        writeln!(keys, "{typed}")?;
        for answer in answers {
            assert!(said.any(|line| line.contains(answer)), "`{typed}` is not answered by {answer}");
        }
    }
    said.for_each(drop);
    assert!(run.wait()?.success());
    passed()
}

pub fn complete() -> Verdict {
    let Ok(guide) = std::fs::read_to_string(root().join(GUIDE)) else {
        return skipped(&format!("{GUIDE} is not there"), "MILLRACE_REQUIRE_GUIDE");
    };
    let missing: Vec<&str> = said(&guide).filter(|line| !is_listed(line)).collect();
    assert!(missing.is_empty(), "commands.txt has not: {missing:#?}");
    assert!(guide.contains(YAML), "guide.yaml is not the guide's block");
    passed()
}

/// The lines in the guide's code blocks that are typed into a shell, and those of its list of options.
fn said(guide: &str) -> impl Iterator<Item = &str> {
    let programs = ["python", "streamlit", "docker", "docker-compose", "curl", "netstat", "mkdir", "chmod"];
    let is_typed = move |line: &&str| {
        // A program alone is the language of a block.
        let is_program = line.split_once(' ').is_some_and(|(program, _)| programs.contains(&program));
        is_program || line.starts_with("--")
    };
    guide.split("```").skip(1).step_by(2).flat_map(str::lines).map(str::trim).filter(is_typed)
}

fn is_listed(line: &str) -> bool {
    if let Some(args) = line.strip_prefix(SCRIPT) {
        return cases().any(|case| case.args == args);
    }
    if line.starts_with("--") {
        let option = line.split('#').next().unwrap_or_default().trim();
        return cases().any(|case| case.args.contains(option));
    }
    others().contains(&line)
}
