//! A producer that is killed again and again and told to go on: nothing is missing, nothing is there twice.
//!
//! `MILLRACE_RESTART_RECORDS` and `MILLRACE_RESTART_KILLS` make the runs longer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use millrace_tests::topic::{self, Record};
use millrace_tests::{KafkaTest, Lab, Verdict, number, passed, produce};
use serde_json::Value;

const SAME: [&str; 6] = ["--seed", "7", "--start", "2026-01-01T00:00:00Z", "--features", "rolling"];
const MACHINES: u64 = 50;
/// Records a wall second, all machines together.
const RATE: u64 = 20_000;

fn main() {
    millrace_tests::main(|| {
        let needs = "memory of runs";
        vec![
            KafkaTest::shared("a_run_that_is_killed_goes_on_without_gap_or_repetition", |lab| {
                killed_and_resumed(lab, false)
            })
            .needs(needs),
            KafkaTest::shared("in_transactions_readers_of_what_is_committed_see_every_record_once", |lab| {
                killed_and_resumed(lab, true)
            })
            .needs(needs),
            KafkaTest::shared("what_commands_did_before_a_kill_is_done_again", commands_are_repeated)
                .needs(needs),
        ]
    })
}

fn killed_and_resumed(lab: &Lab, exactly_once: bool) -> Verdict {
    let (records, kills) = (number("MILLRACE_RESTART_RECORDS", 100_000), number("MILLRACE_RESTART_KILLS", 3));
    let each = (records / MACHINES).to_string();
    let (topic, undisturbed) = (lab.topic("restart"), lab.topic("undisturbed"));
    let truth_of = |topic: &str| format!("{topic}-truth");
    let plant = [&SAME[..], &["--machines", "50", "--duration", &each, "--no-control", "--truth"]].concat();
    let truth = format!("topic:{}", truth_of(&undisturbed));
    produce(&lab.into_topic(&undisturbed, &[&plant[..], &[truth.as_str(), "--speed", "max"]].concat()))?;

    let speed = (RATE / MACHINES).to_string();
    let mode: &[&str] = if exactly_once { &["--exactly-once"] } else { &[] };
    let truth = format!("topic:{}", truth_of(&topic));
    let more = [truth.as_str(), "--speed", &speed, "--resume"];
    let flags = lab.into_topic(&topic, &[&plant[..], &more, mode].concat());
    let whole = Duration::from_secs_f64(records as f64 / RATE as f64);
    for moment in moments(kills as usize, whole) {
        let mut child = Run(producer(&flags).spawn()?);
        wait_for_the_stream(&mut child.0)?;
        std::thread::sleep(moment);
        assert!(child.0.try_wait()?.is_none(), "the run ended before it could be killed");
        child.0.kill()?;
        child.0.wait()?;
    }
    let last = producer(&flags).output()?;
    assert!(last.status.success(), "{}", String::from_utf8_lossy(&last.stderr));

    for of in [|topic: &str| topic.to_owned(), truth_of] {
        let (got, expected) = (by_machine(lab, &of(&topic))?, by_machine(lab, &of(&undisturbed))?);
        assert_eq!(expected.len() as u64, MACHINES);
        same(&got, &expected);
    }
    passed()
}

fn same(got: &Machines, expected: &Machines) {
    for (machine, expected) in expected {
        let got = &got[machine];
        let differs = got.iter().zip(expected).position(|(got, expected)| got != expected);
        assert_eq!((differs, got.len()), (None, expected.len()), "{machine}: (first difference, records)");
    }
}

/// A run that is commanded and killed again and again is the run whose scenario has what was accepted.
fn commands_are_repeated(lab: &Lab) -> Verdict {
    for mode in [&[][..], &["--exactly-once"]] {
        let (topic, undisturbed) = (lab.topic("commanded"), lab.topic("undisturbed"));
        let control = lab.topic("control");
        let plant = ["--machines", "20", "--duration", "3000", "--include-labels", "--format", "json"];
        let plant = [&SAME[..], &plant].concat();
        let more = ["--speed", "500", "--resume", "--control-topic", &control];
        let flags = lab.into_topic(&topic, &[&plant[..], &more, mode].concat());
        let commands: [&[&str]; 3] = [
            &["inject", "MACHINE_003", "oil_leak", "--hours", "0.3"],
            &["inject", "MACHINE_004", "bearing_failure", "--severity", "0.7"],
            &["clear", "MACHINE_003"],
        ];
        for command in commands {
            let mut child = Run(producer(&flags).spawn()?);
            wait_for_the_stream(&mut child.0)?;
            say(lab, &control, command)?;
            child.0.kill()?;
            child.0.wait()?;
        }
        let last = producer(&flags).output()?;
        assert!(last.status.success(), "{}", String::from_utf8_lossy(&last.stderr));

        let folder = tempfile::tempdir()?;
        let scenario = folder.path().join("scenario.yaml");
        let entries: Vec<String> = accepted(lab, &format!("{control}-replies"))?.iter().map(entry).collect();
        assert_eq!(entries.len(), commands.len(), "{entries:?}");
        std::fs::write(&scenario, format!("scenario:\n{}", entries.concat()))?;
        let scenario = ["--speed", "max", "--scenario", scenario.to_str().expect("a path in UTF-8")];
        produce(&lab.into_topic(&undisturbed, &[&plant[..], &scenario].concat()))?;
        same(&by_machine(lab, &topic)?, &by_machine(lab, &undisturbed)?);
    }
    passed()
}

/// Gives a command as anyone would, and waits for its answer.
fn say(lab: &Lab, control: &str, words: &[&str]) -> std::io::Result<()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(["producer", "control"]).args(words).args(["--format", "json", "--timeout", "30"]);
    command.args(["--control-topic", control, "--bootstrap-server", lab.cluster.bootstrap_server()]);
    let told = command.args(["--schema-registry-url", &lab.registry_url()]).output()?;
    match told.status.success() {
        true => Ok(()),
        false => Err(std::io::Error::other(String::from_utf8_lossy(&told.stderr).into_owned())),
    }
}

fn accepted(lab: &Lab, replies: &str) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let replies = topic::records(&lab.kafka(), replies)?;
    let read: Vec<Value> =
        replies.iter().map(|reply| serde_json::from_slice(&reply.value)).collect::<Result<_, _>>()?;
    Ok(read.into_iter().filter(|reply| reply["status"] == "accepted").collect())
}

/// The entry of a scenario that does what a reply says was done.
fn entry(reply: &Value) -> String {
    let at = reply["timestamp"].as_i64().and_then(chrono::DateTime::from_timestamp_millis);
    let (at, said) = (at.expect("a time").to_rfc3339(), &reply["command"]);
    let what = match said["action"].as_str() {
        Some("clear") => "clear: true".to_owned(),
        _ if said["severity"].is_number() => {
            format!("failure: {}, severity: {}", said["failure"], said["severity"])
        }
        _ => format!("failure: {}, hours: {}", said["failure"], said["hours"]),
    };
    format!(" - {{at: '{at}', machine: {}, {what}}}\n", said["machine_id"])
}

/// Times that processes stream before they are killed: of different length, together no longer than the run.
fn moments(kills: usize, whole: Duration) -> Vec<Duration> {
    let nanos =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.subsec_nanos());
    let mut state = u64::from(nanos) | 1;
    let mut share = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let most = whole.as_secs_f64() * 0.9 / kills as f64;
    let moments: Vec<Duration> = (0..kills).map(|_| Duration::from_secs_f64(share() * most)).collect();
    eprintln!("killed after {moments:.2?}");
    moments
}

fn producer(flags: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.arg("producer").args(flags).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Until the producer says what it streams, which it does just before its first record.
fn wait_for_the_stream(child: &mut Child) -> std::io::Result<()> {
    let told = child.stderr.as_mut().map(BufReader::new);
    for line in told.into_iter().flat_map(BufRead::lines) {
        if line?.starts_with("repeat with") {
            return Ok(());
        }
    }
    Err(std::io::Error::other("the producer ended before it streamed"))
}

/// A process that is killed at the latest when the test ends.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// CreateTime and value of each machine's records, in order.
type Machines = BTreeMap<String, Vec<(Option<i64>, Vec<u8>)>>;

fn by_machine(lab: &Lab, topic: &str) -> millrace_core::Result<Machines> {
    let mut machines = Machines::new();
    for Record { key, value, timestamp, .. } in topic::records(&lab.kafka(), topic)? {
        machines.entry(key).or_default().push((timestamp, value));
    }
    Ok(machines)
}
