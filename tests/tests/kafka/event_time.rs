//! Event time far from now loses no record, and a topic that would lose some is named.

use chrono::{Duration, SecondsFormat, Utc};
use millrace_tests::{KafkaTest, Lab, Verdict, passed, produce, topic};

use crate::reading::{Readings, Sequences};

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("event_time::a_run_in_2020_keeps_every_record", the_past_is_kept),
        KafkaTest::shared("event_time::a_run_from_tomorrow_on_keeps_every_record", the_future_is_kept),
        KafkaTest::shared("event_time::a_topic_that_refuses_the_future_is_named_with_its_setting", refused)
            .needs("admin calls"),
    ]
}

fn the_past_is_kept(lab: &Lab) -> Verdict {
    every_record_is_kept(lab, &lab.topic("past"), "2020-02-29T23:00:00Z")
}

fn the_future_is_kept(lab: &Lab) -> Verdict {
    every_record_is_kept(lab, &lab.topic("future"), &tomorrow())
}

fn tomorrow() -> String {
    (Utc::now() + Duration::days(1)).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Two hours of ten machines.
fn every_record_is_kept(lab: &Lab, topic: &str, start: &str) -> Verdict {
    let more = ["--start", start, "--speed", "max", "--duration", "7200", "--machines", "10"];
    let summary = produce(&lab.into_topic(topic, &more))?;
    assert_eq!((summary.acknowledged, summary.failed), (72_000, 0));
    let mut readings = Readings::through(&lab.registry_url())?;
    let mut sequences = Sequences::default();
    topic::for_each(&lab.kafka(), topic, |message| {
        let reading = readings.decode(rdkafka::Message::payload(message).expect("a value"));
        assert_eq!(topic::create_time(message), Some(reading.timestamp));
        sequences.note(&reading.machine_id, reading.sequence);
    })?;
    sequences.check(10, 7200);
    passed()
}

fn refused(lab: &Lab) -> Verdict {
    let topic = lab.topic("someone-elses");
    topic::make_plain(&lab.kafka(), &topic, 2)?;
    let more = ["--start", &tomorrow(), "--speed", "max", "--duration", "60"];
    let refusal = produce(&lab.into_topic(&topic, &more)).expect_err("the broker refuses the future");
    assert_eq!(refusal.exit_code(), 1);
    assert!(refusal.to_string().contains("message.timestamp.after.max.ms"), "{refusal}");
    assert!(topic::records(&lab.kafka(), &topic)?.is_empty());
    passed()
}
