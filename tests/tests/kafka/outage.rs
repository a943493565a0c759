//! Brokers that die in the middle of a run cost time, never a record. `lab outage` is the long form.

use std::time::Duration;

use millrace_core::shutdown::Shutdown;
use millrace_lab::outage::{Plan, drill};
use millrace_tests::{KafkaTest, Lab, Verdict, passed};

/// What a transaction may hold: those records count as acknowledged when it is committed.
const IN_A_TRANSACTION: u64 = 50_000;
/// Records of each of 100 machines.
const EACH: u64 = 2_000;
/// Records that the client may hold.
const QUEUE: u64 = 5_000;
/// Records on their way to the client: two batches, and what one look misses.
const ON_THE_WAY: u64 = 3 * 8192;

pub fn tests() -> Vec<KafkaTest> {
    let (name, needs) = ("outage::brokers_that_die_and_return_cost_no_record", "brokers that can be killed");
    let in_transactions = "outage::a_run_in_transactions_survives_its_broker";
    let too_late = "outage::a_stream_that_is_over_too_soon_is_counted_and_refused";
    vec![
        KafkaTest::own(too_late, over_too_soon).needs(needs),
        KafkaTest::own(name, nothing_is_lost).needs(needs),
        KafkaTest::own(in_transactions, transactions_are_done_again).needs(needs),
    ]
}

/// One after the other: six JVMs at a time are too many for a small machine.
fn nothing_is_lost() -> Verdict {
    through_an_outage(1, 10.0, false)?;
    // Long enough that the second broker goes before the stream is over, however slowly the first returns.
    through_an_outage(3, 90.0, false)
}

fn transactions_are_done_again() -> Verdict {
    through_an_outage(1, 10.0, true)
}

fn over_too_soon() -> Verdict {
    let mut lab = Lab::start()?;
    let plan = Plan {
        topic: lab.topic("outage"),
        each: 4,
        machines: 1,
        seconds: 1e-6,
        down: Duration::from_secs(60),
        exactly_once: false,
        // All in one request, so that no outage can come between two of them.
        properties: vec!["linger.ms=200".to_owned()],
    };
    let registry = lab.registry_url();
    let report = drill(&mut lab.cluster, &registry, &plan, &Shutdown::new(), &|line| eprintln!("{line}"))?;
    assert_eq!((report.summary.acknowledged, report.audit.records), (4, 4));
    let refusal = report.check().expect_err("no outage").to_string();
    assert!(refusal.ends_with("; give it more --seconds"), "{refusal}");
    passed()
}

/// A full queue holds the simulation back instead of growing.
fn through_an_outage(brokers: usize, seconds: f64, exactly_once: bool) -> Verdict {
    let mut lab = Lab::of(brokers)?;
    let plan = Plan {
        topic: lab.topic("outage"),
        each: EACH,
        machines: 100,
        seconds,
        down: Duration::from_secs(3),
        exactly_once,
        properties: vec![format!("queue.buffering.max.messages={QUEUE}")],
    };
    let registry = lab.registry_url();
    let report = drill(&mut lab.cluster, &registry, &plan, &Shutdown::new(), &|line| eprintln!("{line}"))?;
    report.check()?;
    assert_eq!(report.summary.acknowledged, 100 * EACH);
    let most = if exactly_once { IN_A_TRANSACTION } else { QUEUE } + ON_THE_WAY;
    assert!(report.most_waiting <= most, "{} records waited", report.most_waiting);
    passed()
}
