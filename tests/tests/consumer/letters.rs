//! What cannot be read goes aside with all that it was, and stops nothing.

use std::time::Duration;

use millrace_core::Result;
use millrace_core::registry::RegistryClient;
use millrace_schemas::codec::{encode_reading, write_frame_header};
use millrace_schemas::subject::SENSOR_READING;
use millrace_schemas::{Sensor, SensorReading};
use millrace_tests::{KafkaTest, Lab, Verdict, consume, passed, topic};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::FutureRecord;

use crate::reading::{all, committed};

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("letters::each_kind_of_garbage_goes_to_the_dead_letters_as_it_came", each_kind),
        KafkaTest::shared("letters::garbage_may_be_passed_over_or_end_the_run", skipped_or_failed),
        KafkaTest::shared("letters::records_of_other_writers_schemas_are_read", foreign),
    ]
}

/// A key and a value.
pub type Pair<'a> = (Option<&'a [u8]>, Option<Vec<u8>>);

/// Puts records into a topic of one kind or another, with a header of their own.
pub fn put(lab: &Lab, topic: &str, records: &[Pair<'_>]) -> Result<()> {
    lab.kafka().ensure_topic(topic, None, &Default::default())?;
    let producer = lab.kafka().prompt_producer(Duration::from_secs(10))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for (key, payload) in records {
        let mut record = FutureRecord::<[u8], [u8]>::to(topic).timestamp(1_767_225_600_000);
        record.key = *key;
        record.payload = payload.as_deref();
        record.headers = Some(OwnedHeaders::new().insert(Header { key: "own", value: Some("header") }));
        runtime.block_on(producer.send(record, Duration::from_secs(10))).expect("sent");
    }
    Ok(())
}

fn reading() -> SensorReading<'static> {
    let mut reading =
        SensorReading { machine_id: "M".into(), timestamp: 1_767_225_600_000, ..Default::default() };
    reading.sensors[Sensor::Temperature as usize] = Some(70.0);
    reading
}

pub fn frame(id: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_frame_header(id, &mut bytes);
    encode_reading(&reading(), &mut bytes);
    bytes
}

/// Values that are no readings, with the cause that each is rejected for.
fn garbage(id: u32) -> Vec<(&'static str, Option<Vec<u8>>)> {
    let good = frame(id);
    let mut magic = good.clone();
    magic[0] = 7;
    let mut negative = good.clone();
    // The length of the machine's name, behind a time of six bytes.
    negative[11] = 3;
    let mut huge = good[..11].to_vec();
    huge.extend([0xff, 0xff, 0xff, 0xff, 0x0f]);
    let mut over = good.clone();
    over.push(0);
    vec![
        ("Empty", None),
        ("Empty", Some(Vec::new())),
        ("NotFramed", Some(b"hello".to_vec())),
        ("NotFramed", Some(good[..3].to_vec())),
        ("NotFramed", Some(magic)),
        ("NotAReading", Some(good[..good.len() - 1].to_vec())),
        ("NotAReading", Some(over)),
        ("NotAReading", Some(negative)),
        ("NotAReading", Some(huge)),
        ("UnknownSchema", Some(frame(4_000_000))),
        ("NotAReading", Some(b"{\"machine_id\":7}".to_vec())),
        (
            "NotAReading",
            Some(
                b"{\"timestamp\":\"2026-01-01T00:00:00\",\"machine_id\":\"M\",\"vibration\":\"x\"}".to_vec(),
            ),
        ),
        ("NotFramed", Some("time;machine\n1;M".as_bytes().to_vec())),
    ]
}

pub fn registered(lab: &Lab, topic: &str) -> Result<u32> {
    RegistryClient::new(&lab.registry_url())?.register(&format!("{topic}-value"), SENSOR_READING)
}

fn each_kind(lab: &Lab) -> Verdict {
    let topic = lab.topic("garbage");
    let id = registered(lab, &topic)?;
    let garbage = garbage(id);
    let key: Option<&[u8]> = Some(b"M");
    let mut records: Vec<_> = garbage.iter().map(|(_, value)| (key, value.clone())).collect();
    records.push((Some(b"N"), Some(frame(id))));
    records.push((key, Some(frame(id))));
    records.push((None, Some(frame(id))));
    put(lab, &topic, &records)?;
    let tally = consume(&all(lab, &topic, &topic, &[]))?;
    let bad = garbage.len() as u64 + 1;
    assert_eq!((tally.records, tally.rejected), (bad + 2, bad), "in = read + dead letters");
    assert_eq!(committed(lab, &topic, &topic)?, bad as i64 + 2);
    let mut found = Vec::new();
    topic::for_each(&lab.kafka(), &format!("{topic}.dlq"), |letter| {
        let headers = letter.headers().expect("headers");
        let header = |name: &str| {
            let header = headers.iter().find(|header| header.key == name).expect("the header");
            String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned()
        };
        assert_eq!(header("own"), "header");
        assert_eq!(header("__streams.errors.topic"), topic);
        assert!(
            !header("__streams.errors.message").is_empty()
                && !header("__streams.errors.stacktrace").is_empty()
        );
        assert!(header("__streams.errors.partition").parse::<i32>().is_ok());
        assert!(header("__streams.errors.offset").parse::<i64>().is_ok());
        assert_eq!(topic::create_time(letter), Some(1_767_225_600_000));
        let cause = header("__streams.errors.exception").replace("millrace.consumer.", "");
        found.push((cause, letter.key().map(<[u8]>::to_vec), letter.payload().unwrap_or_default().to_vec()));
    })?;
    let value = |value: &Option<Vec<u8>>| value.clone().unwrap_or_default();
    let mut expected: Vec<_> = garbage
        .iter()
        .map(|(cause, bytes)| ((*cause).to_owned(), key.map(<[u8]>::to_vec), value(bytes)))
        .collect();
    expected.push(("WrongKey".to_owned(), Some(b"N".to_vec()), frame(id)));
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    passed()
}

fn skipped_or_failed(lab: &Lab) -> Verdict {
    let topic = lab.topic("garbage-skip");
    let id = registered(lab, &topic)?;
    put(lab, &topic, &[(Some(b"M"), Some(frame(id))), (Some(b"M"), Some(b"hello".to_vec()))])?;
    let tally = consume(&all(lab, &topic, &topic, &["--on-error", "skip"]))?;
    assert_eq!((tally.records, tally.rejected), (2, 1));
    assert_eq!(topic::partitions(&lab.kafka(), &format!("{topic}.dlq"))?, 0, "nothing was made");
    let other = lab.topic("group");
    let refusal = consume(&all(lab, &topic, &other, &["--on-error", "fail"])).expect_err("it ends");
    assert_eq!(refusal.exit_code(), 1);
    let sentence = refusal.to_string();
    assert!(sentence.starts_with(&format!("the record at {topic} partition ")), "{sentence}");
    assert!(sentence.ends_with("pass over it with --on-error dlq"), "{sentence}");
    passed()
}

/// A writer that knows fewer fields in another order, with floats and ints for doubles, and one that cannot be
/// read.
fn foreign(lab: &Lab) -> Verdict {
    let topic = lab.topic("foreign");
    let registry = RegistryClient::new(&lab.registry_url())?;
    let schema = |fields: &str| {
        format!(r#"{{"type":"record","name":"SensorReading","namespace":"millrace","fields":[{fields}]}}"#)
    };
    let status = r#"{"name":"maintenance_status","type":{"type":"enum","name":"MaintenanceStatus","symbols":["operational","maintenance"]}}"#;
    let readable = schema(&format!(
        r#"{{"name":"temperature","type":["null","float"]}},{{"name":"machine_id","type":"string"}},{{"name":"sequence","type":"int"}},{{"name":"site","type":"string"}},{{"name":"timestamp","type":{{"type":"long","logicalType":"timestamp-millis"}}}},{status}"#
    ));
    let unreadable = schema(r#"{"name":"machine_id","type":"string"},{"name":"sequence","type":"string"}"#);
    let good = registry.register(&format!("{topic}-good"), &readable)?;
    let bad = registry.register(&format!("{topic}-bad"), &unreadable)?;
    let mut first = Vec::new();
    write_frame_header(good, &mut first);
    // Branch 1, a float of 70, "M", 5, "here", time 10 and `operational`.
    first.extend([2, 0, 0, 0x8c, 0x42, 2, b'M', 10, 8, b'h', b'e', b'r', b'e', 20, 0]);
    let mut second = Vec::new();
    write_frame_header(bad, &mut second);
    second.extend([2, b'M', 2, b'5']);
    put(lab, &topic, &[(Some(b"M"), Some(first)), (Some(b"M"), Some(second))])?;
    let tally = consume(&all(lab, &topic, &topic, &[]))?;
    assert_eq!((tally.records, tally.rejected), (2, 1));
    let mut why = String::new();
    topic::for_each(&lab.kafka(), &format!("{topic}.dlq"), |letter| {
        let headers = letter.headers().expect("headers");
        let header =
            headers.iter().find(|header| header.key == "__streams.errors.message").expect("the reason");
        why = String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned();
    })?;
    assert!(why.contains("sequence") || why.contains("timestamp"), "the field is named: {why}");
    passed()
}
