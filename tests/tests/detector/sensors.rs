//! Topics whose records are of other sensors than our plant's.

use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use millrace_consumer::outbox::Letter;
use millrace_core::registry::RegistryClient;
use millrace_schemas::AlertState;
use millrace_schemas::codec::write_frame_header;
use millrace_tests::{KafkaTest, Lab, Verdict, alerts, detect, passed, produce, topic};

use rdkafka::message::{Headers, Message};

use crate::failures::all;

const START: i64 = 1_767_225_600_000;
const SECOND: i64 = 1_000;
/// Records of each machine; from this one on one of them is faulty.
const RECORDS: i64 = 700;
const FAULTY: i64 = 600;

const SCHEMA: &str = r#"{"type": "record", "name": "Spindle", "fields": [
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "operator", "type": "string"},
    {"name": "torque", "type": "float"},
    {"name": "speed", "type": ["null", "double"]},
    {"name": "heat", "type": "double"}]}"#;

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("sensors::any_numbers_in_avro_are_judged_by_the_generic_method", avro),
        KafkaTest::shared("sensors::a_stray_record_does_not_make_our_plant_another", stray),
        KafkaTest::shared("sensors::json_is_too_and_what_is_no_number_is_a_dead_letter", json),
    ]
}

/// Torque, speed and heat of a machine: heat follows the two, and no longer does when it is faulty.
fn values(record: i64, is_faulty: bool) -> [f64; 3] {
    let noise = |salt: i64| ((record * 7919 + salt * 104_729) % 1009) as f64 / 1009.0 - 0.5;
    let load = (record as f64 / 40.0).sin();
    let heat = 60.0 + 5.0 * load + 0.3 * noise(3) + if is_faulty { 6.0 } else { 0.0 };
    [30.0 + 4.0 * load + 0.2 * noise(1), 900.0 + 50.0 * load + 3.0 * noise(2), heat]
}

fn letters(topic: &str, write: impl Fn(&str, i64, [f64; 3]) -> Vec<u8>) -> Vec<Letter> {
    let of = |record: i64| {
        ["A", "B"].map(|machine| Letter {
            topic: topic.to_owned(),
            key: Some(machine.as_bytes().to_vec()),
            payload: Some(write(machine, record, values(record, machine == "B" && record >= FAULTY))),
            timestamp: Some(START + record * SECOND),
            ..Letter::default()
        })
    };
    (0..RECORDS).flat_map(of).collect()
}

/// Alerts of B alone, the first opened soon after its fault began, by heat.
fn told(lab: &Lab, topic: &str) -> Verdict {
    let told = alerts(lab, topic)?;
    let opened = &told[0];
    assert!(told.iter().all(|alert| alert.machine_id == "B" && alert.detector == "honest"), "{told:?}");
    assert_eq!(opened.state, AlertState::Opened);
    let since = (opened.timestamp - START) / SECOND;
    assert!((FAULTY..FAULTY + 30).contains(&since), "opened at {since}");
    assert_eq!(opened.sensor, "heat", "{opened:?}");
    passed()
}

fn avro(lab: &Lab) -> Verdict {
    let (input, told_in) = (lab.topic("spindles"), lab.topic("alerts"));
    topic::make(&lab.kafka(), &input, 2, &[])?;
    let registry = RegistryClient::new(&lab.registry_url())?;
    let id = registry.register(&format!("{input}-value"), SCHEMA)?;
    let schema = Schema::parse_str(SCHEMA).expect("a schema");
    let writer = GenericDatumWriter::builder(&schema).build().expect("a writer");
    let write = |_: &str, record: i64, [torque, speed, heat]: [f64; 3]| {
        let fields = [
            ("at", Value::TimestampMillis(START + record * SECOND)),
            ("operator", Value::String("nobody".into())),
            ("torque", Value::Float(torque as f32)),
            ("speed", Value::Union(1, Box::new(Value::Double(speed)))),
            ("heat", Value::Double(heat)),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let mut bytes = Vec::new();
        write_frame_header(id, &mut bytes);
        bytes.extend(writer.write_value_to_vec(Value::Record(fields)).expect("written"));
        bytes
    };
    topic::write(&lab.kafka(), letters(&input, write))?;
    let tally = detect(&all(lab, &input, &told_in, &[]))?;
    assert_eq!((tally.records, tally.rejected), (2 * RECORDS as u64, 0));
    let refused = detect(&all(lab, &input, &lab.topic("none"), &["--algorithm", "residual"]));
    let refused = refused.expect_err("it knows our plant").to_string();
    assert!(refused.contains("`residual` knows the seven sensors of our plant"), "{refused}");
    told(lab, &told_in)
}

fn json(lab: &Lab) -> Verdict {
    let (input, told_in) = (lab.topic("spindles"), lab.topic("alerts"));
    topic::make(&lab.kafka(), &input, 1, &[])?;
    let write = |machine: &str, record: i64, [torque, speed, heat]: [f64; 3]| {
        let record = serde_json::json!({"machine_id": machine, "timestamp": START + record * SECOND,
            "torque": torque, "speed": speed, "heat": heat, "operator": "nobody"});
        record.to_string().into_bytes()
    };
    let mut all_letters = letters(&input, write);
    for (place, wrong) in [r#"{"heat": "warm"}"#, r#"{"operator": "nobody"}"#, "{", "no"].iter().enumerate() {
        let payload = Some(wrong.as_bytes().to_vec());
        all_letters.insert(100 * (place + 1), Letter { topic: input.clone(), payload, ..Letter::default() });
    }
    topic::write(&lab.kafka(), all_letters)?;
    let tally = detect(&all(lab, &input, &told_in, &[]))?;
    assert_eq!((tally.records, tally.rejected), (2 * RECORDS as u64 + 4, 4));
    let mut causes = Vec::new();
    topic::for_each(&lab.kafka(), &format!("{input}.dlq"), |letter| {
        let headers = letter.headers().expect("a dead letter has headers");
        let message = headers.iter().find(|header| header.key == "__streams.errors.message");
        let text = message.and_then(|header| header.value).unwrap_or_default();
        causes.push(String::from_utf8_lossy(text).into_owned());
    })?;
    assert_eq!(causes.len(), 4);
    assert_eq!(causes[0], "column `heat`: `warm` is not a number");
    assert_eq!(causes[1], "it has none of the columns heat, speed, torque");
    told(lab, &told_in)
}

fn stray(lab: &Lab) -> Verdict {
    let (input, told_in) = (lab.topic("plant"), lab.topic("alerts"));
    produce(
        &lab.into_topic(&input, &["--machines", "2", "--seed", "3", "--duration", "60", "--speed", "max"]),
    )?;
    let payload = Some(br#"{"x": 1}"#.to_vec());
    topic::write(&lab.kafka(), [Letter { topic: input.clone(), payload, ..Letter::default() }])?;
    let tally = detect(&all(lab, &input, &told_in, &["--learn-rows", "9", "--algorithm", "threshold"]))?;
    assert_eq!((tally.records, tally.rejected), (121, 1), "only the stray one is a dead letter");
    passed()
}
