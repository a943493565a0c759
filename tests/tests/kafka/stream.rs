//! What goes in comes out: complete, in order, in the right place.

use std::collections::BTreeMap;

use millrace_core::kafka::partition_of;
use millrace_tests::{KafkaTest, Lab, Verdict, passed, produce, topic};
use serde_json::Value;

use crate::reading::{Readings, Sequences, by_machine};

const PAST: [&str; 8] =
    ["--seed", "7", "--start", "2026-01-01T00:00:00Z", "--speed", "max", "--duration", "500"];

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("stream::every_avro_record_arrives_once_in_order_and_in_its_place", avro_arrives),
        KafkaTest::shared("stream::a_topic_is_made_with_the_configured_partitions", partitions_are_made)
            .needs("admin calls"),
        KafkaTest::shared("stream::a_topic_is_made_for_any_event_time", topic_settings).needs("admin calls"),
        KafkaTest::shared("stream::an_existing_topic_keeps_its_partitions", partitions_are_kept)
            .needs("admin calls"),
        KafkaTest::shared("stream::json_is_the_files_row_with_a_sequence", json_is_the_row),
        KafkaTest::shared("stream::a_seed_gives_the_same_bytes_whatever_partitions_and_threads", repeatable)
            .needs("admin calls"),
    ]
}

fn avro_arrives(lab: &Lab) -> Verdict {
    let topic = lab.topic("complete");
    let flags = lab.into_topic(&topic, &[&PAST[..], &["--machines", "40"]].concat());
    let summary = produce(&flags)?;
    assert_eq!((summary.generated, summary.acknowledged, summary.failed), (20_000, 20_000, 0));
    let partitions = topic::partitions(&lab.kafka(), &topic)?;
    let mut readings = Readings::through(&lab.registry_url())?;
    let mut sequences = Sequences::default();
    for record in topic::records(&lab.kafka(), &topic)? {
        let reading = readings.decode(&record.value);
        assert_eq!(record.key, reading.machine_id);
        assert_eq!(record.partition, partition_of(record.key.as_bytes(), partitions), "{}", record.key);
        assert_eq!(record.timestamp, Some(reading.timestamp), "CreateTime is the event time");
        sequences.note(&record.key, reading.sequence);
    }
    sequences.check(40, 500);
    passed()
}

fn short_run(lab: &Lab, topic: &str, more: &[&str]) -> millrace_core::Result<()> {
    produce(&lab.into_topic(topic, &[&["--duration", "2", "--speed", "max"], more].concat())).map(drop)
}

fn partitions_are_made(lab: &Lab) -> Verdict {
    let unlisted = lab.topic("unlisted");
    let asked = lab.topic("asked");
    short_run(lab, "sensor-data", &[])?;
    short_run(lab, &unlisted, &[])?;
    short_run(lab, &asked, &["--partitions", "6"])?;
    let made = ["sensor-data", &unlisted, &asked].map(|name| topic::partitions(&lab.kafka(), name));
    assert_eq!(made, [Ok(3), Ok(4), Ok(6)]);
    passed()
}

fn topic_settings(lab: &Lab) -> Verdict {
    let topic = lab.topic("settings");
    short_run(lab, &topic, &[])?;
    assert_eq!(topic::setting(&lab.kafka(), &topic, "retention.ms")?, "-1");
    let latest = topic::setting(&lab.kafka(), &topic, "message.timestamp.after.max.ms")?;
    assert_eq!(latest, i64::MAX.to_string());
    passed()
}

fn partitions_are_kept(lab: &Lab) -> Verdict {
    let topic = lab.topic("kept");
    topic::make_plain(&lab.kafka(), &topic, 2)?;
    let refusal = short_run(lab, &topic, &["--partitions", "5"]).expect_err("another number");
    assert_eq!(refusal.exit_code(), 1);
    assert!(refusal.to_string().contains(&topic), "{refusal}");
    short_run(lab, &topic, &[])?;
    assert_eq!(topic::partitions(&lab.kafka(), &topic)?, 2);
    assert_eq!(topic::records(&lab.kafka(), &topic)?.len(), 10);
    passed()
}

fn json_is_the_row(lab: &Lab) -> Verdict {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rows.json");
    let path = file.to_str().expect("a path in UTF-8");
    let same = [&PAST[..], &["--machines", "3", "--include-labels", "--features", "rolling"]].concat();
    produce(&[&same[..], &["--mode", "file", "--output", path]].concat())?;
    let topic = lab.topic("json");
    produce(&lab.into_topic(&topic, &[&same[..], &["--format", "json"]].concat()))?;
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in std::fs::read_to_string(&file)?.lines() {
        let row: Value = serde_json::from_str(line)?;
        let machine = row["machine_id"].as_str().expect("a machine").to_owned();
        rows.entry(machine).or_default().push(line.to_owned());
    }
    let sent = by_machine(topic::records(&lab.kafka(), &topic)?);
    assert!(sent.keys().eq(rows.keys()), "the same machines");
    for (machine, values) in &sent {
        assert_eq!(values.len(), rows[machine].len());
        for (sequence, (value, row)) in values.iter().zip(&rows[machine]).enumerate() {
            assert_eq!(String::from_utf8_lossy(value), with_sequence(row, machine, sequence));
        }
    }
    passed()
}

/// The row of a file with `sequence` behind its machine.
fn with_sequence(row: &str, machine: &str, sequence: usize) -> String {
    let place = format!("\"machine_id\":\"{machine}\",");
    assert!(row.contains(&place), "{row}");
    row.replacen(&place, &format!("{place}\"sequence\":{sequence},"), 1)
}

fn repeatable(lab: &Lab) -> Verdict {
    let same = [&PAST[..], &["--machines", "20", "--include-labels"]].concat();
    let run = |partitions: &str, threads: &str| -> millrace_core::Result<_> {
        let topic = lab.topic("repeat");
        let more = [&same[..], &["--partitions", partitions, "--threads", threads]].concat();
        produce(&lab.into_topic(&topic, &more))?;
        topic::records(&lab.kafka(), &topic).map(by_machine)
    };
    let (one, other) = (run("1", "1")?, run("7", "3")?);
    assert_eq!(one.len(), 20);
    // The schema's id, part of the bytes, is the same because the schema is.
    assert!(one == other, "the same seed gives the same bytes");
    passed()
}
