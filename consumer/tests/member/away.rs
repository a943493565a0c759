//! Kafka, or a member's place in its group, goes away: what is not committed is others' to look at.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use millrace_tests::{KafkaTest, Lab, Verdict, passed};
use serde_json::Value;

use crate::{Running, fill};

/// Some seconds for what is under way, and some for a busy machine.
const SOON: Duration = Duration::from_secs(25);
const PATIENCE: Duration = Duration::from_secs(60);

pub fn tests() -> Vec<KafkaTest> {
    let needs = "brokers that can be killed";
    vec![
        KafkaTest::shared("away::at_most_once_takes_nothing_that_its_group_does_not_let_it_commit", refused)
            .needs("static membership"),
        KafkaTest::own("away::whoever_is_told_to_end_does_not_wait_for_kafka", ended).needs(needs),
    ]
}

/// Another takes its name while it reads: what its group does not let it commit is the other's to look at.
fn refused(lab: &Lab) -> Verdict {
    let topic = lab.topic("refused");
    fill(lab, &topic, "60")?;
    let json = ["--output-format", "json", "--guarantee", "at-most-once", "--group-instance-id", "same"];
    let command = |more: &[&str]| Running::command(lab, &topic, &[&json[..], more].concat());
    let mut first = Running::of(command(&["--delay", "10ms"]).stderr(Stdio::piped()))?;
    let (mut seen, mut other) = (Vec::new(), None);
    while let Some(line) = first.line() {
        seen.extend(place(&line));
        if seen.len() == 100 && other.is_none() {
            other = Some(Running::of(&mut command(&["--until", "end"]))?);
        }
    }
    assert_eq!(first.child.wait()?.code(), Some(1), "its group has ended it");
    let said = said(&mut first)?;
    assert!(
        said.contains("consumer: the group has ended this member: ") && said.contains("fenced"),
        "{said}"
    );
    let mut other = other.expect("it was started");
    while let Some(line) = other.line() {
        seen.extend(place(&line));
    }
    assert!(other.child.wait()?.success());
    eprintln!("{} of 600 were looked at", seen.len());
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "none was looked at twice");
    assert!(seen.len() > 500, "{} were looked at", seen.len());
    passed()
}

/// What one that has ended said on standard error.
fn said(member: &mut Running) -> std::io::Result<String> {
    let mut said = String::new();
    member.child.stderr.take().expect("a pipe").read_to_string(&mut said)?;
    Ok(said)
}

/// Where the reading lies that a line shows.
fn place(line: &str) -> Option<(i64, i64)> {
    let line: Value = serde_json::from_str(line).expect("JSON");
    if line["name"] != "reading" {
        return None;
    }
    Some((line["partition"].as_i64()?, line["offset"].as_i64()?))
}

/// A member that has read everything and is to commit it much later.
fn laden(lab: &Lab, topic: &str, guarantee: &str) -> Result<Running, Box<dyn std::error::Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consumer"));
    command
        .args(["--topic", topic, "--group-id", &format!("{topic}-{guarantee}"), "--from-beginning"])
        .args(["--bootstrap-server", lab.cluster.bootstrap_server()])
        .args(["--schema-registry-url", &lab.registry_url(), "--output-format", "json"])
        .args(["--guarantee", guarantee, "--commit-interval", "3600", "--no-group-events", "--quiet"]);
    let (mut member, mut consumed) = (Running::of(command.stderr(Stdio::piped()))?, 0);
    while consumed < 20 {
        let line: Value = serde_json::from_str(&member.line().expect("it goes on"))?;
        if line["name"] == "records_consumed" {
            consumed += line["count"].as_u64().expect("a number");
        }
    }
    Ok(member)
}

fn ended() -> Verdict {
    let mut lab = Lab::start()?;
    let topic = lab.topic("ended");
    fill(&lab, &topic, "2")?;
    let mut members = Vec::new();
    for guarantee in ["at-least-once", "exactly-once"] {
        members.push((guarantee, laden(&lab, &topic, guarantee).map_err(|e| e.to_string())?));
    }
    lab.cluster.kill_broker(1)?;
    let began = Instant::now();
    for (_, member) in &members {
        let asked = Command::new("kill").args(["-INT", &member.child.id().to_string()]).status()?;
        assert!(asked.success());
    }
    for (guarantee, mut member) in members {
        let child = &mut member.child;
        while child.try_wait()?.is_none() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
        let status = child.try_wait()?.expect("it has ended");
        let said = said(&mut member)?;
        eprintln!("{guarantee}: {:?} {status}: {said}", began.elapsed());
        assert!(began.elapsed() < SOON, "{guarantee}: {:?}: {said}", began.elapsed());
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(said.contains("20 records of ") && said.contains(" are not committed"), "{said}");
    }
    passed()
}
