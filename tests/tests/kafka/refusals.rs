//! What is not there is named soon, and nothing is left behind.

use std::time::{Duration, Instant};

use millrace_tests::{KafkaTest, Lab, Verdict, passed, produce, topic};

/// Discard: not served on a test machine.
const NOBODY: &str = "127.0.0.1:9";

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("refusals::a_registry_that_is_down_is_named_and_no_topic_is_made", registry_down),
        KafkaTest::own("refusals::a_wrong_bootstrap_address_is_named_within_15_s", wrong_address),
    ]
}

fn registry_down(lab: &Lab) -> Verdict {
    let topic = lab.topic("no-registry");
    let url = format!("http://{NOBODY}");
    let bootstrap = lab.cluster.bootstrap_server();
    let flags = ["--mode", "kafka", "--bootstrap-server", bootstrap, "--topic", &topic, "--duration", "2"];
    let began = Instant::now();
    let refusal =
        produce(&[&flags[..], &["--schema-registry-url", &url]].concat()).expect_err("no registry is there");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(refusal.exit_code(), 1);
    assert!(refusal.to_string().contains(&url), "{refusal}");
    assert_eq!(topic::partitions(&lab.kafka(), &topic)?, 0, "no topic was made");
    passed()
}

fn wrong_address() -> Verdict {
    let began = Instant::now();
    let refusal = produce(&["--mode", "kafka", "--bootstrap-server", NOBODY, "--format", "json"])
        .expect_err("no broker is there");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(refusal.exit_code(), 1);
    assert!(refusal.to_string().contains(NOBODY), "{refusal}");
    passed()
}
