//! Brokers that die in the middle of a run cost time, never a record. `lab outage` is the long form.

use std::time::Duration;

use millrace_core::shutdown::Shutdown;
use millrace_lab::outage::{Plan, drill};
use millrace_tests::{KafkaTest, Lab, Verdict, passed};

/// Records that the client may hold.
const QUEUE: u64 = 5_000;
/// Records on their way to the client: two batches, and what one look misses.
const ON_THE_WAY: u64 = 3 * 8192;

pub fn tests() -> Vec<KafkaTest> {
    let needs = "brokers that can be killed";
    vec![
        KafkaTest::own("outage::a_killed_broker_costs_no_record", alone).needs(needs),
        KafkaTest::own("outage::of_three_brokers_one_is_killed_and_one_restarted", of_three).needs(needs),
    ]
}

fn alone() -> Verdict {
    nothing_is_lost(1, 1_500, 3)
}

fn of_three() -> Verdict {
    nothing_is_lost(3, 2_000, 2)
}

/// A full queue holds the simulation back instead of growing.
fn nothing_is_lost(brokers: usize, each: u64, down: u64) -> Verdict {
    let mut lab = Lab::of(brokers)?;
    let plan = Plan {
        topic: lab.topic("outage"),
        each,
        machines: 100,
        seconds: 4.0 * down as f64,
        down: Duration::from_secs(down),
        properties: vec![format!("queue.buffering.max.messages={QUEUE}")],
    };
    let registry = lab.registry_url();
    let report = drill(&mut lab.cluster, &registry, &plan, &Shutdown::new(), &|line| eprintln!("{line}"))?;
    report.check()?;
    assert_eq!(report.summary.acknowledged, 100 * each);
    assert!(report.most_waiting <= QUEUE + ON_THE_WAY, "{} records waited", report.most_waiting);
    passed()
}
