//! Disorder in a topic, and the ledger that undoes it.

use std::collections::{BTreeMap, BTreeSet};

use millrace_producer::clean;
use millrace_tests::{KafkaTest, Lab, Verdict, passed, produce, topic};
use serde_json::Value;

const PAST: [&str; 14] = [
    "--seed",
    "7",
    "--start",
    "2026-01-01T00:00:00Z",
    "--speed",
    "max",
    "--duration",
    "1000",
    "--machines",
    "9",
    "--partitions",
    "3",
    "--threads",
    "2",
];
const EVERYTHING: &str = "late=0.1:5s..60s,duplicate=0.1,drop=0.1,stuck=0.005:30s,spike=0.1,corrupt=0.1,\
                          skew=MACHINE_003:-2h,null=0.1";

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared(
            "disorder::the_ledger_gives_the_run_without_disorder_byte_for_byte",
            a_topic_is_given_back,
        )
        .needs("admin calls"),
        KafkaTest::shared("disorder::a_ledger_in_the_readings_transactions_undoes_them", exactly_once)
            .needs("transactions"),
        KafkaTest::shared("disorder::a_ledger_in_a_file_undoes_a_topic_of_json", a_file_undoes_a_topic)
            .needs("admin calls"),
    ]
}

fn a_topic_is_given_back(lab: &Lab) -> Verdict {
    given_back(lab, &[])
}

fn exactly_once(lab: &Lab) -> Verdict {
    given_back(lab, &["--exactly-once", "--transaction-interval", "0.05"])
}

fn given_back(lab: &Lab, more: &[&str]) -> Verdict {
    let [clean, wrong, ledger, back] = ["clean", "wrong", "ledger", "back"].map(|name| lab.topic(name));
    produce(&lab.into_topic(&clean, &PAST))?;
    let place = format!("topic:{ledger}");
    let disorder = ["--disorder", EVERYTHING, "--ledger", &place];
    produce(&lab.into_topic(&wrong, &[&PAST[..], &disorder, more].concat()))?;
    let kinds: BTreeSet<String> = topic::records(&lab.kafka(), &ledger)?
        .iter()
        .map(|record| {
            let entry: Value = serde_json::from_slice(&record.value).expect("JSON");
            assert_eq!(entry["machine_id"], record.key.as_str(), "keyed by machine");
            assert_eq!(entry["planned"].as_i64(), record.timestamp);
            entry["kind"].as_str().expect("a kind").to_owned()
        })
        .collect();
    assert_eq!(kinds.len(), 8, "{kinds:?}");
    undo(lab, &place, &wrong, &back)?;
    assert!(machines(lab, &wrong)? != machines(lab, &clean)?);
    assert!(machines(lab, &back)? == machines(lab, &clean)?, "key, value, timestamp and order");
    passed()
}

fn a_file_undoes_a_topic(lab: &Lab) -> Verdict {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("acts.jsonl");
    let ledger = file.to_str().expect("a path in UTF-8");
    let [clean, wrong, back] = ["clean", "wrong", "back"].map(|name| lab.topic(name));
    let json = [&PAST[..], &["--format", "json"]].concat();
    produce(&lab.into_topic(&clean, &json))?;
    produce(&lab.into_topic(&wrong, &[&json[..], &["--disorder", EVERYTHING, "--ledger", ledger]].concat()))?;
    undo(lab, ledger, &wrong, &back)?;
    assert!(machines(lab, &back)? == machines(lab, &clean)?, "key, value, timestamp and order");
    let again = undo(lab, ledger, &wrong, &back).expect_err("it is filled");
    assert!(again.to_string().contains(&back), "{again}");
    passed()
}

fn undo(lab: &Lab, ledger: &str, from: &str, to: &str) -> millrace_core::Result<()> {
    let (from, to) = (format!("topic:{from}"), format!("topic:{to}"));
    let bootstrap = lab.cluster.bootstrap_server();
    let args =
        ["clean", "--ledger", ledger, "--input", &from, "--output", &to, "--bootstrap-server", bootstrap];
    clean::main(args.map(Into::into))
}

/// Partition, value and timestamp of every record, machine by machine in their order.
type Machines = BTreeMap<String, Vec<(i32, Vec<u8>, Option<i64>)>>;

fn machines(lab: &Lab, name: &str) -> millrace_core::Result<Machines> {
    let mut machines = Machines::new();
    for topic::Record { partition, key, value, timestamp } in topic::records(&lab.kafka(), name)? {
        machines.entry(key).or_default().push((partition, value, timestamp));
    }
    Ok(machines)
}
