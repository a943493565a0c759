//! Lag: what our own tool says, and what Kafka's says.

use std::process::Command;

use millrace_consumer::group::lag::measure;
use millrace_tests::{KafkaTest, Lab, Verdict, consume, passed, produce, skipped, topic};

use crate::reading::member;

pub const TOOL: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
const RUN: [&str; 6] = ["--start", "2026-01-01T00:00:00Z", "--speed", "max", "--partitions", "1"];

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("lag::it_is_told_in_records_and_in_seconds_of_event_time", told)
            .needs("look-up by time"),
        KafkaTest::shared("lag::it_is_what_kafkas_own_tool_says_with_transactions_too", as_kafka_says)
            .needs("transactions"),
        KafkaTest::shared("lag::a_group_that_has_committed_nothing_is_named", nothing)
            .needs("groups of others"),
    ]
}

fn told(lab: &Lab) -> Verdict {
    let topic = lab.topic("behind");
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--machines", "2", "--duration", "50"]].concat()))?;
    consume(&member(lab, &topic, &topic, &["--from-beginning", "--max-messages", "80"]))?;
    let lags = measure(&lab.kafka(), &topic, None)?;
    assert_eq!(lags.len(), 1);
    let lag = &lags[0];
    assert_eq!((lag.committed, lag.log_start, lag.end, lag.lag), (80, 0, 100, 20));
    // The oldest unread reading is of second 40, the newest of second 49.
    assert_eq!(lag.lag_event_s, Some(9.0));
    consume(&member(lab, &topic, &topic, &["--until", "end"]))?;
    let lags = measure(&lab.kafka(), &topic, Some(&topic))?;
    assert_eq!((lags[0].lag, lags[0].lag_event_s), (0, Some(0.0)));
    passed()
}

fn as_kafka_says(lab: &Lab) -> Verdict {
    let Some(tool) = lab.cluster.tool(TOOL) else {
        return skipped("Kafka's Java tools are not on this machine", "MILLRACE_REQUIRE_JDK");
    };
    let topic = lab.topic("transactions");
    let more = ["--machines", "3", "--duration", "40", "--exactly-once"];
    produce(&lab.into_topic(&topic, &[&RUN[..], &more].concat()))?;
    consume(&member(lab, &topic, &topic, &["--from-beginning", "--max-messages", "70"]))?;
    let lag = measure(&lab.kafka(), &topic, None)?.remove(0);
    assert!(lag.lag >= 50, "markers have offsets too: {lag:?}");
    assert_eq!(lag.end, topic_end(lab, &topic)?);
    assert_eq!(kafkas(lab, tool, &topic)?, [lag.committed, lag.end, lag.lag]);
    assert!(lag.lag_event_s.is_some_and(|time| time > 0.0), "{lag:?}");
    passed()
}

/// Current offset, log end offset and lag of a group named as its topic, as Kafka's own tool tells them.
pub fn kafkas(lab: &Lab, mut tool: Command, topic: &str) -> std::io::Result<[i64; 3]> {
    tool.args(["--bootstrap-server", lab.cluster.bootstrap_server(), "--describe", "--group", topic]);
    let said = String::from_utf8(tool.output()?.stdout).expect("text");
    let mut rows = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row.get(1) == Some(&topic)).unwrap_or_else(|| panic!("no row: {said}"));
    Ok([row[3], row[4], row[5]].map(|number| number.parse().expect("a number")))
}

fn topic_end(lab: &Lab, topic: &str) -> millrace_core::Result<i64> {
    assert_eq!(topic::partitions(&lab.kafka(), topic)?, 1);
    Ok(millrace_core::kafka::bounds(&lab.kafka().isolated_reader(false)?, topic, 0)?.1)
}

fn nothing(lab: &Lab) -> Verdict {
    let refusal = measure(&lab.kafka(), "nobody", None).expect_err("no such group").to_string();
    assert!(refusal.starts_with("group nobody has committed nothing at "), "{refusal}");
    passed()
}
