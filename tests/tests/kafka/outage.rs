//! A broker that dies in the middle of a run costs time, never a record.
//!
//! MILLRACE_OUTAGE_SECONDS and MILLRACE_OUTAGE_RECORDS make it longer: 30 and 1000000 are the long form.

use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use millrace_core::shutdown::Shutdown;
use millrace_producer::run::{Progress, Summary, run};
use millrace_tests::{KafkaTest, Lab, Verdict, passed, settings, topic};

use crate::reading::{Readings, Sequences};

const MACHINES: u64 = 100;
const MOST_MEMORY_KIB: u64 = 1 << 20;

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::own("outage::a_killed_broker_costs_no_record", nothing_is_lost)
            .needs("brokers that can be killed"),
    ]
}

fn nothing_is_lost() -> Verdict {
    let seconds = number("MILLRACE_OUTAGE_SECONDS", 3);
    let each = number("MILLRACE_OUTAGE_RECORDS", 200_000) / MACHINES;
    let mut lab = Lab::start()?;
    let topic = lab.topic("outage");
    let began = Instant::now();
    let (summary, before, during) = run_through_outage(&mut lab, &topic, each, seconds)?;
    let total = each * MACHINES;
    assert_eq!((summary.generated, summary.acknowledged, summary.failed), (total, total, 0));
    assert!(during < total, "the broker was down before the run was complete");
    check_all(&lab, &topic, each)?;
    let memory = peak_memory_kib();
    eprintln!(
        "outage: {total} records, killed at {before} acknowledged, {during} acknowledged after {seconds} s of \
         outage, run {:.1} s, all {:.1} s, peak memory {} MiB",
        summary.elapsed.as_secs_f64(),
        began.elapsed().as_secs_f64(),
        memory / 1024
    );
    assert!(memory < MOST_MEMORY_KIB, "{memory} KiB of memory");
    passed()
}

/// A run whose broker is down for `seconds` from about a third on; what was acknowledged before and then.
fn run_through_outage(
    lab: &mut Lab,
    topic: &str,
    each: u64,
    seconds: u64,
) -> Result<(Summary, u64, u64), Failed> {
    // A pace at which the run without outage would take 1.5 times the outage.
    let speed = (each as f64 / (1.5 * seconds as f64)).to_string();
    let (machines, duration) = (MACHINES.to_string(), each.to_string());
    let more = ["--speed", &speed, "--duration", &duration, "--machines", &machines];
    let settings = settings(&lab.into_topic(topic, &more))?;
    let (shutdown, progress) = (Shutdown::new(), Progress::default());
    std::thread::scope(|scope| {
        let running = scope.spawn(|| run(&settings, &shutdown, &progress));
        let third = each * MACHINES / 3;
        let begun = wait_until(|| progress.acknowledged() >= third || running.is_finished());
        let before = progress.acknowledged();
        let outage = begun.and_then(|()| outage(lab, Duration::from_secs(seconds), &progress));
        if outage.is_err() {
            shutdown.request();
        }
        let summary = running.join().expect("the run does not panic")?;
        Ok((summary, before, outage?))
    })
}

/// The length of an outage is what is tested here, so this waits for a time and for no condition.
fn outage(lab: &mut Lab, length: Duration, progress: &Progress) -> Result<u64, Failed> {
    lab.cluster.kill_broker(1)?;
    std::thread::sleep(length);
    let acknowledged = progress.acknowledged();
    lab.cluster.start_broker(1)?;
    Ok(acknowledged)
}

fn wait_until(condition: impl Fn() -> bool) -> Result<(), Failed> {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !condition() {
        if Instant::now() > deadline {
            return Err("a third of the records is not acknowledged within 120 s".into());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

fn check_all(lab: &Lab, topic: &str, each: u64) -> Result<(), Failed> {
    let mut readings = Readings::through(&lab.registry_url())?;
    let mut sequences = Sequences::default();
    topic::for_each(&lab.kafka(), topic, |message| {
        let reading = readings.decode(rdkafka::Message::payload(message).expect("a value"));
        sequences.note(&reading.machine_id, reading.sequence);
    })?;
    sequences.check(MACHINES as usize, each as i64);
    Ok(())
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |value| value.parse().expect("a whole number"))
}

/// The most memory that this process ever held, 0 where the system does not tell.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
