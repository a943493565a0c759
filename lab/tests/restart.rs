//! A producer that is killed again and again and told to go on: nothing is missing, nothing is there twice.
//!
//! `MILLRACE_RESTART_RECORDS` and `MILLRACE_RESTART_KILLS` make the runs longer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use millrace_tests::topic::{self, Record};
use millrace_tests::{KafkaTest, Lab, Verdict, passed, produce};

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
        ]
    })
}

fn killed_and_resumed(lab: &Lab, exactly_once: bool) -> Verdict {
    let (records, kills) = (number("MILLRACE_RESTART_RECORDS", 100_000), number("MILLRACE_RESTART_KILLS", 3));
    let each = (records / MACHINES).to_string();
    let (topic, undisturbed) = (lab.topic("restart"), lab.topic("undisturbed"));
    let plant = [&SAME[..], &["--machines", "50", "--duration", &each]].concat();
    produce(&lab.into_topic(&undisturbed, &[&plant[..], &["--speed", "max"]].concat()))?;

    let speed = (RATE / MACHINES).to_string();
    let mode: &[&str] = if exactly_once { &["--exactly-once"] } else { &[] };
    let flags = lab.into_topic(&topic, &[&plant[..], &["--speed", &speed, "--resume"], mode].concat());
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

    let (got, expected) = (by_machine(lab, &topic)?, by_machine(lab, &undisturbed)?);
    assert_eq!(expected.len() as u64, MACHINES);
    for (machine, expected) in &expected {
        let got = &got[machine];
        let differs = got.iter().zip(expected).position(|(got, expected)| got != expected);
        assert_eq!((differs, got.len()), (None, expected.len()), "{machine}: (first difference, records)");
    }
    passed()
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

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}
