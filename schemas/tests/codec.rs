//! The hand-written codec against apache-avro, both ways.

use std::borrow::Cow;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use millrace_schemas::codec::{MAX_BODY_BYTES, ReadingDecoder, decode_reading, encode_reading};
use millrace_schemas::subject::SENSOR_READING;
use millrace_schemas::{Features, MaintenanceStatus, RollingStats, Sensor, SensorReading};
use proptest::prelude::*;

fn schema() -> Schema {
    Schema::parse_str(SENSOR_READING).expect("our schema is Avro")
}

fn nullable(value: Option<Value>) -> Value {
    match value {
        None => Value::Union(0, Box::new(Value::Null)),
        Some(value) => Value::Union(1, Box::new(value)),
    }
}

fn double(value: Option<f64>) -> Value {
    nullable(value.map(Value::Double))
}

fn field(name: &str, value: Value) -> (String, Value) {
    (name.to_owned(), value)
}

/// The reading as apache-avro's value tree, built without our codec.
fn tree(r: &SensorReading<'_>) -> Value {
    let mut fields = vec![
        field("timestamp", Value::TimestampMillis(r.timestamp)),
        field("machine_id", Value::String(r.machine_id.to_string())),
        field("sequence", Value::Long(r.sequence)),
        field(
            "maintenance_status",
            Value::Enum(r.maintenance_status as u32, r.maintenance_status.name().to_owned()),
        ),
    ];
    fields.extend(Sensor::ALL.iter().map(|s| field(s.name(), double(r.sensor(*s)))));
    fields.push(field("features", nullable(r.features.as_ref().map(features_tree))));
    fields.push(field("rolling", nullable(r.rolling.as_ref().map(rolling_tree))));
    fields.push(field("anomaly_label", nullable(r.anomaly_label.map(Value::Int))));
    let kind = r.anomaly_type.as_ref().map(|text| Value::String(text.to_string()));
    fields.push(field("anomaly_type", nullable(kind)));
    Value::Record(fields)
}

fn features_tree(f: &Features) -> Value {
    Value::Record(vec![
        field("hour", Value::Int(f.hour)),
        field("day_of_week", Value::Int(f.day_of_week)),
        field("month", Value::Int(f.month)),
        field("is_weekend", Value::Int(f.is_weekend)),
        field("is_night_shift", Value::Int(f.is_night_shift)),
        field("temp_pressure_ratio", double(f.temp_pressure_ratio)),
        field("vibration_power_ratio", double(f.vibration_power_ratio)),
        field("flow_pressure_product", double(f.flow_pressure_product)),
    ])
}

fn rolling_tree(rolling: &[RollingStats; 7]) -> Value {
    let mut fields = Vec::new();
    for (sensor, stats) in Sensor::ALL.iter().zip(rolling) {
        let name = sensor.name();
        fields.push(field(&format!("{name}_rolling_mean"), double(stats.mean)));
        fields.push(field(&format!("{name}_rolling_std"), double(stats.std)));
        fields.push(field(&format!("{name}_zscore"), double(stats.zscore)));
    }
    Value::Record(fields)
}

fn number() -> impl Strategy<Value = Option<f64>> {
    // NaN is written as null, so it is left to a test of its own.
    prop::option::weighted(0.9, prop::num::f64::ANY.prop_filter("NaN means missing", |v| !v.is_nan()))
}

fn features() -> impl Strategy<Value = Features> {
    (any::<[i32; 5]>(), [number(), number(), number()]).prop_map(|(ints, doubles)| Features {
        hour: ints[0],
        day_of_week: ints[1],
        month: ints[2],
        is_weekend: ints[3],
        is_night_shift: ints[4],
        temp_pressure_ratio: doubles[0],
        vibration_power_ratio: doubles[1],
        flow_pressure_product: doubles[2],
    })
}

fn stats() -> impl Strategy<Value = RollingStats> {
    (number(), number(), number()).prop_map(|(mean, std, zscore)| RollingStats { mean, std, zscore })
}

fn reading() -> impl Strategy<Value = SensorReading<'static>> {
    (
        (any::<i64>(), ".{0,80}", any::<i64>(), any::<bool>()),
        prop::array::uniform7(number()),
        prop::option::of(features()),
        prop::option::of(prop::array::uniform7(stats())),
        (any::<Option<i32>>(), prop::option::of(".{0,40}")),
    )
        .prop_map(|(head, sensors, features, rolling, labels)| SensorReading {
            timestamp: head.0,
            machine_id: Cow::Owned(head.1),
            sequence: head.2,
            maintenance_status: if head.3 {
                MaintenanceStatus::Maintenance
            } else {
                MaintenanceStatus::Operational
            },
            sensors,
            features,
            rolling,
            anomaly_label: labels.0,
            anomaly_type: labels.1.map(Cow::Owned),
        })
}

fn encoded(reading: &SensorReading<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_reading(reading, &mut bytes);
    bytes
}

proptest! {
    #[test]
    fn our_bytes_are_those_of_apache_avro(reading in reading()) {
        let schema = schema();
        let writer = GenericDatumWriter::builder(&schema).build().expect("a writer");
        let theirs = writer.write_value_to_vec(tree(&reading)).expect("apache-avro writes");
        prop_assert_eq!(encoded(&reading), theirs);
    }

    #[test]
    fn apache_avro_reads_what_we_write(reading in reading()) {
        let schema = schema();
        let reader = GenericDatumReader::builder(&schema).build().expect("a reader");
        let value = reader.read_value(&mut &encoded(&reading)[..]).expect("apache-avro reads");
        prop_assert_eq!(value, tree(&reading));
    }

    #[test]
    fn we_read_what_apache_avro_writes(reading in reading()) {
        let schema = schema();
        let writer = GenericDatumWriter::builder(&schema).build().expect("a writer");
        let bytes = writer.write_value_to_vec(tree(&reading)).expect("apache-avro writes");
        prop_assert_eq!(decode_reading(&bytes).expect("we read"), reading);
    }

    #[test]
    fn any_bytes_are_refused_or_read_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_reading(&bytes);
    }

    #[test]
    fn every_truncation_is_refused(reading in reading(), cut in any::<prop::sample::Index>()) {
        let bytes = encoded(&reading);
        prop_assert!(decode_reading(&bytes[..cut.index(bytes.len())]).is_err());
    }
}

#[test]
fn nan_is_written_as_missing() {
    let reading = SensorReading { sensors: [Some(f64::NAN); 7], ..SensorReading::default() };
    let bytes = encoded(&reading);
    assert_eq!(decode_reading(&bytes).expect("readable").sensors, [None; 7]);
}

#[test]
fn a_writer_with_other_fields_in_another_order_is_resolved_to_our_schema() {
    let theirs = r#"{"type":"record","name":"SensorReading","namespace":"millrace","fields":[
        {"name":"machine_id","type":"string"},
        {"name":"colour","type":"string"},
        {"name":"temperature","type":"float"},
        {"name":"sequence","type":"int"},
        {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-millis"}},
        {"name":"maintenance_status","type":{"type":"enum","name":"MaintenanceStatus","symbols":["maintenance","operational"]}}
    ]}"#;
    let schema = Schema::parse_str(theirs).expect("Avro");
    let value = Value::Record(vec![
        field("machine_id", Value::String("M".into())),
        field("colour", Value::String("green".into())),
        field("temperature", Value::Float(72.5)),
        field("sequence", Value::Int(3)),
        field("timestamp", Value::TimestampMillis(1000)),
        field("maintenance_status", Value::Enum(0, "maintenance".into())),
    ]);
    let writer = GenericDatumWriter::builder(&schema).build().expect("a writer");
    let bytes = writer.write_value_to_vec(value).expect("written");
    let reading = ReadingDecoder::new(theirs).expect("a decoder").decode(&bytes).expect("resolved");
    assert_eq!(reading.machine_id, "M");
    assert_eq!((reading.timestamp, reading.sequence), (1000, 3));
    assert_eq!(reading.maintenance_status, MaintenanceStatus::Maintenance);
    assert_eq!(reading.sensor(Sensor::Temperature), Some(72.5));
    assert_eq!(reading.sensor(Sensor::Pressure), None);
}

#[test]
fn a_writer_whose_schema_cannot_become_ours_is_refused_with_the_reason() {
    let theirs = r#"{"type":"record","name":"SensorReading","namespace":"millrace","fields":[
        {"name":"machine_id","type":"string"}]}"#;
    let decoder = ReadingDecoder::new(theirs).expect("a decoder");
    let cause = decoder.decode(&[2, b'M']).expect_err("refused").to_string();
    assert!(cause.contains("does not resolve"), "{cause}");
}

#[test]
fn a_body_over_the_bound_is_refused_before_it_is_read() {
    let cause = decode_reading(&vec![0; MAX_BODY_BYTES + 1]).expect_err("refused").to_string();
    assert_eq!(cause, "body: 1048577 bytes are more than the 1048576 allowed");
}

#[test]
fn a_length_that_lies_does_not_allocate() {
    // timestamp 0, then a machine_id of 2^62 bytes.
    let bytes = [0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    assert_eq!(decode_reading(&bytes).expect_err("refused").to_string(), "machine_id: the body ends here");
}

#[test]
fn a_time_in_another_unit_is_refused_rather_than_read_as_milliseconds() {
    let theirs = SENSOR_READING.replace("timestamp-millis", "timestamp-micros");
    let decoder = ReadingDecoder::new(&theirs).expect("a decoder");
    let cause = decoder.decode(&encoded(&SensorReading::default())).expect_err("refused").to_string();
    assert!(cause.contains("does not resolve"), "{cause}");
}

#[test]
fn bytes_left_over_behind_a_foreign_body_are_refused() {
    let theirs = SENSOR_READING
        .replace(r#"{"name": "sequence", "type": "long""#, r#"{"name": "sequence", "type": "int""#);
    assert_ne!(theirs, SENSOR_READING);
    let decoder = ReadingDecoder::new(&theirs).expect("a decoder");
    let mut body = encoded(&SensorReading::default());
    assert_eq!(decoder.decode(&body), Ok(SensorReading::default()));
    body.push(0);
    assert_eq!(decoder.decode(&body).expect_err("refused").to_string(), "body: 1 bytes are left over");
}
