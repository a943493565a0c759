//! The program as a user meets it, and as a signal ends it.

mod away;
mod kills;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use millrace_tests::{KafkaTest, Lab, Verdict, passed, produce};
use serde_json::Value;

fn main() {
    millrace_tests::main(|| {
        let mut tests = vec![
            KafkaTest::shared("member::the_guides_command_prints_a_line_a_reading", lines),
            KafkaTest::shared("member::one_that_is_killed_loses_nothing", killed)
                .needs("groups that outlive their members"),
            KafkaTest::shared("member::a_reader_that_goes_away_ends_it_in_order", closed_pipe),
        ];
        tests.extend(kills::tests());
        tests.extend(away::tests());
        tests
    })
}

/// A member at work.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(lab: &Lab, topic: &str, more: &[&str]) -> std::io::Result<Self> {
        Self::of(&mut Self::command(lab, topic, more))
    }

    fn command(lab: &Lab, topic: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consumer"));
        command.args([
            "--topic",
            topic,
            "--group-id",
            topic,
            "--bootstrap-server",
            lab.cluster.bootstrap_server(),
        ]);
        command
            .args(["--schema-registry-url", &lab.registry_url(), "--from-beginning", "--quiet"])
            .args(more);
        command
    }

    fn of(command: &mut Command) -> std::io::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().expect("a pipe");
        Ok(Self { child, lines: BufReader::new(out).lines() })
    }

    fn line(&mut self) -> Option<String> {
        self.lines.next().map(|line| line.expect("readable"))
    }
}

/// Nothing outlives a test that fails.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn fill(lab: &Lab, topic: &str, seconds: &str) -> millrace_core::Result<()> {
    let run = ["--machines", "10", "--seed", "7", "--start", "2026-01-01T00:00:00Z", "--speed", "max"];
    produce(&lab.into_topic(topic, &[&run[..], &["--duration", seconds]].concat())).map(drop)
}

fn lines(lab: &Lab) -> Verdict {
    let topic = lab.topic("lines");
    fill(lab, &topic, "20")?;
    let mut member = Running::start(lab, &topic, &["--anomaly-detection", "--until", "end"])?;
    let mut lines = Vec::new();
    while let Some(line) = member.line() {
        lines.push(line);
    }
    assert!(member.child.wait()?.success());
    assert_eq!(lines.len(), 200);
    assert!(lines.iter().all(|line| line.starts_with("2026-01-01T00:00:") && line.contains("MACHINE_")));
    passed()
}

fn killed(lab: &Lab) -> Verdict {
    let topic = lab.topic("killed");
    fill(lab, &topic, "600")?;
    let session = ["--session-timeout", "6", "--commit-interval", "0.05", "--output-format", "json"];
    let mut seen = BTreeSet::new();
    for lines in [300, 1_500, 2_000, usize::MAX] {
        let end: &[&str] = if lines == usize::MAX { &["--until", "end"] } else { &[] };
        let mut member = Running::start(lab, &topic, &[&session[..], end].concat())?;
        let mut count = 0;
        while count < lines
            && let Some(line) = member.line()
        {
            let line: Value = serde_json::from_str(&line)?;
            if line["name"] == "reading" {
                count += 1;
                seen.insert((line["partition"].as_i64(), line["offset"].as_i64()));
            }
        }
    }
    assert_eq!(seen.len(), 6_000, "every record was read by one of them");
    passed()
}

fn closed_pipe(lab: &Lab) -> Verdict {
    let topic = lab.topic("closed");
    fill(lab, &topic, "600")?;
    let mut member = Running::start(lab, &topic, &[])?;
    assert!(member.line().is_some());
    let Running { child, lines } = &mut member;
    drop(std::mem::replace(lines, BufReader::new(empty()?).lines()));
    assert!(child.wait()?.success());
    passed()
}

/// A pipe that has ended.
fn empty() -> std::io::Result<ChildStdout> {
    let mut child = Command::new("true").stdout(Stdio::piped()).spawn()?;
    child.wait()?;
    Ok(child.stdout.take().expect("a pipe"))
}
