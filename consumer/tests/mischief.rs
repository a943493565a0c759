//! What goes wrong on purpose, and what each guarantee makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use millrace_consumer::outbox::{Letter, Outbox};
use millrace_consumer::source::Outputs;
use millrace_tests::{KafkaTest, Lab, Verdict, passed, produce, topic};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use serde_json::Value;

fn main() {
    millrace_tests::main(|| {
        let groups = "groups that outlive their members";
        vec![
            KafkaTest::shared("mischief::a_crash_at_each_point_shows_what_its_guarantee_allows", crashes)
                .needs(groups),
            KafkaTest::shared(
                "mischief::a_member_that_is_delayed_stays_and_one_that_hangs_is_left_out",
                slow,
            )
            .needs(groups),
            KafkaTest::shared("mischief::poison_is_a_dead_letter_until_it_is_off", poison)
                .needs("transactions"),
            KafkaTest::shared("mischief::a_redrive_that_is_killed_neither_loses_nor_repeats", killed)
                .needs("transactions"),
        ]
    })
}

fn fill(lab: &Lab, topic: &str, seconds: &str) -> millrace_core::Result<()> {
    let run = ["--machines", "10", "--seed", "7", "--start", "2026-01-01T00:00:00Z", "--speed", "max"];
    produce(&lab.into_topic(topic, &[&run[..], &["--no-maintenance", "--duration", seconds]].concat()))
        .map(drop)
}

fn consumer(lab: &Lab, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consumer"));
    command.args(args).args(["--bootstrap-server", lab.cluster.bootstrap_server()]);
    command
}

fn member(lab: &Lab, topic: &str, group: &str, more: &[&str]) -> std::io::Result<Output> {
    let ours = ["--topic", topic, "--group-id", group, "--from-beginning"];
    consumer(lab, &ours).args(["--schema-registry-url", &lab.registry_url()]).args(more).output()
}

/// Of so many records that became letters in one run after the other: how many never did, and how many more
/// than once.
fn lost_and_repeated(lab: &Lab, letters: &str, all: usize) -> millrace_core::Result<(usize, usize)> {
    let mut found: BTreeMap<[Vec<u8>; 2], usize> = BTreeMap::new();
    topic::for_each(&lab.kafka(), letters, |letter| {
        let headers = letter.headers().expect("headers");
        let place = ["partition", "offset"].map(|name| {
            let header = headers.iter().find(|header| header.key == format!("__streams.errors.{name}"));
            header.and_then(|header| header.value).expect("the header").to_vec()
        });
        *found.entry(place).or_default() += 1;
    })?;
    Ok((all - found.len(), found.values().filter(|times| **times > 1).count()))
}

/// Whether something is lost and whether something is repeated; `None` = it depends.
type Expected = (bool, Option<bool>);

/// A point, and what is expected there with at-least-once and at-most-once; exactly-once does neither.
const POINTS: [(&str, Expected, Expected); 5] = [
    ("after-poll:1", (false, Some(false)), (false, Some(false))),
    ("after-process:1500", (false, None), (true, Some(false))),
    ("after-produce:1", (false, Some(true)), (false, Some(false))),
    ("before-commit:1", (false, Some(true)), (false, Some(false))),
    ("after-commit:1", (false, Some(false)), (true, Some(false))),
];

fn crashes(lab: &Lab) -> Verdict {
    let topic = lab.topic("crashes");
    fill(lab, &topic, "600")?;
    for (point, least, most) in POINTS {
        for (guarantee, expected) in [("least", least), ("most", most), ("exactly", (false, Some(false)))] {
            crash(lab, &topic, guarantee, point, expected)?;
        }
    }
    passed()
}

fn crash(lab: &Lab, topic: &str, guarantee: &str, point: &str, (loses, repeats): Expected) -> Verdict {
    let group = format!("{topic}-{guarantee}-{}", point.replace(':', "-"));
    let letters = format!("{group}.dlq");
    let guarantee = if guarantee == "exactly" { "exactly-once" } else { &format!("at-{guarantee}-once") };
    // Every record is poison, so that each leaves a letter. A member with a name comes back at once.
    let all = ["--until", "end", "--poison", "maintenance_status=operational", "--dlq", &letters];
    let named = ["--group-instance-id", "only", "--session-timeout", "6", "--guarantee", guarantee];
    let often: &[&str] = if guarantee == "at-most-once" { &[] } else { &["--commit-interval", "0.01"] };
    let flags = [&all[..], &named, often, &["--output-format", "text", "--show", "nothing"]].concat();
    let first = member(lab, topic, &group, &[&flags[..], &["--crash-at", point]].concat())?;
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(first.status.code().is_none(), "it is killed by a signal: {guarantee} {point}: {said}");
    assert!(said.contains("as --crash-at says"), "{said}");
    let second = member(lab, topic, &group, &flags)?;
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    let (lost, repeated) = lost_and_repeated(lab, &letters, 6_000)?;
    eprintln!("{guarantee} {point}: {lost} lost, {repeated} repeated");
    assert_eq!(lost > 0, loses, "{guarantee} {point}: {lost} lost");
    assert!(repeats.is_none_or(|repeats| repeats == (repeated > 0)), "{guarantee} {point}: {repeated}");
    passed()
}

/// The names of what a member told.
fn told(output: &Output) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    events.filter_map(|event| event["name"].as_str().map(str::to_owned)).collect()
}

fn slow(lab: &Lab) -> Verdict {
    let topic = lab.topic("slow");
    fill(lab, &topic, "10")?;
    let short = ["--output-format", "json", "--max-poll-interval", "6", "--session-timeout", "6"];
    let delayed = ["--delay", "7s", "--max-messages", "1"];
    let output = member(lab, &topic, &format!("{topic}-delayed"), &[&short[..], &delayed].concat())?;
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("partitions are paused meanwhile") && !said.contains("--max-poll-interval"),
        "{said}"
    );
    assert!(!told(&output).contains("partitions_lost"), "it stayed a member");
    let hanging = ["--hang", "9s:5", "--until", "end"];
    let output = member(lab, &topic, &format!("{topic}-hanging"), &[&short[..], &hanging].concat())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("hanging for 9 s at record 5") && said.contains("--max-poll-interval (6 s)"),
        "{said}"
    );
    assert!(output.status.success(), "{said}");
    passed()
}

fn poison(lab: &Lab) -> Verdict {
    let topic = lab.topic("poison");
    fill(lab, &topic, "20")?;
    let read =
        |more: &[&str]| member(lab, &topic, &topic, &[&["--until", "end", "-f", "%s\\n"], more].concat());
    let output = read(&["--poison", "sequence=7"])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("read 200 records") && said.contains(" 10 rejected"), "{said}");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(shown.matches("\"sequence\":3,").count(), 10, "readings are JSON");
    let redrive = consumer(lab, &["redrive", "--topic", &topic, "--cause", "Poison"]).output()?;
    let said = String::from_utf8_lossy(&redrive.stderr).into_owned();
    assert_eq!(said, format!("{topic}.dlq: 10 (Poison 10) put back, 0 left\n"));
    let output = read(&[])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("read 10 records") && said.contains(" 0 rejected"), "{said}");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(shown.matches("\"sequence\":7,").count(), 10);
    passed()
}

/// Letters that say they come from `topic`.
fn letters(lab: &Lab, topic: &str, count: usize) -> millrace_core::Result<()> {
    let dead = format!("{topic}.dlq");
    for name in [topic, dead.as_str()] {
        lab.kafka().ensure_topic(name, Some(1), &Default::default())?;
    }
    let outbox = Outbox::new(Some(&lab.kafka()))?;
    for number in 0..count {
        let offset = number.to_string();
        let errors = [
            ("exception", "millrace.consumer.Empty"),
            ("topic", topic),
            ("partition", "0"),
            ("offset", &offset),
        ];
        let headers = errors.iter().fold(OwnedHeaders::new(), |headers, (name, value)| {
            headers.insert(Header { key: &format!("__streams.errors.{name}"), value: Some(*value) })
        });
        let payload = Some(offset.into_bytes());
        let letter = Letter { topic: dead.clone(), payload, headers: Some(headers), ..Letter::default() };
        while !outbox.send(&letter)? {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    while !outbox.settled()? {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Kills a child when its time has come; whether it had ended before.
fn end_within(mut child: Child, time: Duration) -> std::io::Result<bool> {
    let began = Instant::now();
    while began.elapsed() < time {
        if let Some(status) = child.try_wait()? {
            let mut said = String::new();
            child.stderr.take().expect("a pipe").read_to_string(&mut said)?;
            assert!(status.success(), "{said}");
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill()?;
    child.wait().map(|_| false)
}

fn killed(lab: &Lab) -> Verdict {
    let topic = lab.topic("redriven");
    letters(lab, &topic, 40_000)?;
    let mut killed = 0;
    for tenths in 2.. {
        let mut redrive = consumer(lab, &["redrive", "--topic", &topic]);
        let child = redrive.stderr(Stdio::piped()).spawn()?;
        if end_within(child, Duration::from_millis(100 * tenths))? {
            break;
        }
        killed += 1;
    }
    assert!(killed > 0, "none was killed");
    let records = topic::records(&lab.kafka(), &topic)?;
    let numbers: Vec<usize> = records
        .iter()
        .map(|record| String::from_utf8_lossy(&record.value).parse().expect("a number"))
        .collect();
    assert_eq!(numbers, (0..40_000).collect::<Vec<_>>(), "each once, in order");
    passed()
}
