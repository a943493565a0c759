//! Members that come, go and die, in all three protocols.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use millrace_consumer::pipeline::Tally;
use millrace_consumer::run::run;
use millrace_core::Result;
use millrace_core::shutdown::Shutdown;
use millrace_tests::{KafkaTest, Lab, Verdict, consumer, passed, produce, topic};
use serde_json::Value;

use crate::reading::{committed, member};

pub const PROTOCOLS: [&[&str]; 3] =
    [&["--assignor", "range"], &["--assignor", "cooperative-sticky"], &["--group-protocol", "consumer"]];

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("groups::members_share_partitions_and_events_tell_who_has_what", shared)
            .needs("KIP-848 groups"),
    ]
}

/// A member on a thread of its own, until it is told to leave.
pub struct Running {
    shutdown: Shutdown,
    thread: JoinHandle<Result<Tally>>,
}

impl Running {
    pub fn start(flags: &[String]) -> Result<Self> {
        let settings = consumer(flags)?;
        let shutdown = Shutdown::new();
        let switch = shutdown.clone();
        Ok(Self { thread: thread::spawn(move || run(&settings, &switch)), shutdown })
    }

    pub fn leave(self) -> Result<Tally> {
        self.shutdown.request();
        self.thread.join().expect("no panic")
    }
}

fn events(lab: &Lab, group: &str) -> Result<Vec<Value>> {
    let all = topic::records(&lab.kafka(), millrace_consumer::group::TOPIC)?;
    let own = all.iter().filter(|record| record.key == group);
    Ok(own.map(|record| serde_json::from_slice(&record.value).expect("JSON")).collect())
}

/// Which member has which partition after all that was told.
fn owners(events: &[Value]) -> BTreeMap<i64, String> {
    let mut owners = BTreeMap::new();
    for event in events {
        let member = event["member"].as_str().expect("a member");
        let partitions = event["partitions"].as_array().into_iter().flatten();
        let partitions = partitions.map(|place| place["partition"].as_i64().expect("a partition"));
        match event["name"].as_str().expect("a name") {
            "partitions_assigned" => {
                owners.extend(partitions.map(|partition| (partition, member.to_owned())))
            }
            "partitions_revoked" | "partitions_lost" => partitions.for_each(|partition| {
                if owners.get(&partition).is_some_and(|owner| owner == member) {
                    owners.remove(&partition);
                }
            }),
            _ => {}
        }
    }
    owners
}

pub fn wait_until(what: &str, condition: impl Fn() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !condition()? {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn shared(lab: &Lab) -> Verdict {
    for protocol in PROTOCOLS {
        sharing(lab, protocol)?;
    }
    passed()
}

fn sharing(lab: &Lab, protocol: &[&str]) -> Result<()> {
    let (topic, group) = (lab.topic("shared"), lab.topic("sharing"));
    produce(&lab.into_topic(
        &topic,
        &["--partitions", "4", "--machines", "40", "--speed", "max", "--duration", "50"],
    ))?;
    let flags =
        member(lab, &topic, &group, &[&["--from-beginning", "--commit-interval", "0.1"], protocol].concat());
    let owned = |members: usize| {
        let told = owners(&events(lab, &group)?);
        let distinct: std::collections::BTreeSet<&String> = told.values().collect();
        Ok(told.len() == 4 && distinct.len() == members)
    };
    let first = Running::start(&flags)?;
    wait_until("one member has all", || owned(1))?;
    let second = Arc::new(Running::start(&flags)?);
    wait_until("two members share", || owned(2))?;
    let one = first.leave()?;
    wait_until("the other has all", || owned(1))?;
    wait_until("all is committed", || Ok(committed(lab, &topic, &group)? == 2_000))?;
    let other = Arc::into_inner(second).expect("one owner").leave()?;
    assert_eq!(one.records + other.records, 2_000, "each record once: {protocol:?}");
    let told = events(lab, &group)?;
    let count = |name: &str| told.iter().filter(|event| event["name"] == name).count();
    assert_eq!((count("startup_complete"), count("shutdown_complete"), count("partitions_lost")), (2, 2, 0));
    assert!(count("offsets_committed") > 0 && count("records_consumed") > 0);
    let consumed = told.iter().filter_map(|event| event["count"].as_u64()).sum::<u64>();
    assert_eq!(consumed, 2_000);
    assert_eq!(owners(&told), BTreeMap::new(), "everything was given back");
    Ok(())
}
