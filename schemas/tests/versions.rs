//! Our own schemas over time: what is released stays as it is, and every version reads every other.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use millrace_schemas::codec::{ReadingDecoder, encode_reading};
use millrace_schemas::compatibility::Compatibility;
use millrace_schemas::subject::{
    ANOMALY_ALERT_VERSIONS, CONTROL_COMMAND_VERSIONS, CONTROL_REPLY_VERSIONS, EPISODE_VERSIONS,
    SENSOR_READING, SENSOR_READING_VERSIONS, SENSOR_TRUTH_VERSIONS, WINDOW_STATS_VERSIONS,
};
use millrace_schemas::{Features, MaintenanceStatus, Sensor, SensorReading};
use sha2::{Digest, Sha256};

/// Every record that is released: its folder, and its versions.
const RELEASED: [(&str, &[&str]); 7] = [
    ("sensor_reading", &SENSOR_READING_VERSIONS),
    ("control_command", &CONTROL_COMMAND_VERSIONS),
    ("control_reply", &CONTROL_REPLY_VERSIONS),
    ("sensor_truth", &SENSOR_TRUTH_VERSIONS),
    ("episode", &EPISODE_VERSIONS),
    ("anomaly_alert", &ANOMALY_ALERT_VERSIONS),
    ("window_stats", &WINDOW_STATS_VERSIONS),
];

fn folder(record: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(record)
}

fn schema(json: &str) -> Schema {
    Schema::parse_str(json).expect("a schema")
}

fn versions() -> Vec<Schema> {
    SENSOR_READING_VERSIONS.map(schema).to_vec()
}

/// What every version can say.
fn reading() -> SensorReading<'static> {
    let mut reading = SensorReading {
        timestamp: 1_700_000_000_000,
        machine_id: Cow::Borrowed("MACHINE_001"),
        sequence: 7,
        maintenance_status: MaintenanceStatus::Maintenance,
        features: Some(Features { hour: 22, is_night_shift: 1, ..Features::default() }),
        anomaly_type: Some(Cow::Borrowed("normal")),
        ..SensorReading::default()
    };
    reading.sensors[Sensor::Temperature as usize] = Some(72.5);
    reading
}

/// Our bytes, as apache-avro reads them with another schema.
fn read_with(reader: &Schema) -> Value {
    let mut bytes = Vec::new();
    encode_reading(&reading(), &mut bytes);
    let ours = schema(SENSOR_READING);
    let reader = GenericDatumReader::builder(&ours).reader_schema(reader).build().expect("a reader");
    reader.read_value(&mut &bytes[..]).expect("our records are readable")
}

fn written_with(writer: &Schema, value: Value) -> Vec<u8> {
    let writer = GenericDatumWriter::builder(writer).build().expect("a writer");
    writer.write_value_to_vec(value).expect("written")
}

fn field<'a>(record: &'a mut Value, name: &str) -> &'a mut Value {
    let Value::Record(fields) = record else { panic!("{record:?} is no record") };
    let found = fields.iter_mut().find(|(field, _)| field == name);
    &mut found.unwrap_or_else(|| panic!("there is no {name}")).1
}

#[test]
fn released_versions_never_change() {
    for folder in RELEASED.map(|(record, _)| folder(record)) {
        for line in std::fs::read_to_string(folder.join("SHA256SUMS")).expect("checksums").lines() {
            let (sum, file) = line.split_once("  ").expect("a checksum and a file");
            let file = folder.join(file);
            let text = std::fs::read(&file).expect("the version");
            let found: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
            let remedy = "is released; undo the change and add the next version instead";
            assert_eq!(found, sum, "{} {remedy}", file.display());
        }
    }
}

#[test]
fn every_version_has_a_checksum_and_is_compiled_in() {
    for (record, versions) in RELEASED {
        let folder = folder(record);
        let names: Vec<_> = (1..=versions.len()).map(|version| format!("{version}.avsc")).collect();
        for (name, compiled) in names.iter().zip(versions) {
            assert_eq!(std::fs::read_to_string(folder.join(name)).expect("the version"), *compiled);
        }
        let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).expect("checksums");
        let listed: Vec<_> = sums.lines().filter_map(|line| Some(line.split_once("  ")?.1)).collect();
        assert_eq!(listed, names);
        let files = std::fs::read_dir(folder).expect("the folder").count();
        assert_eq!(files, names.len() + 1, "a version of {record} is not compiled in");
    }
}

#[test]
fn every_version_goes_both_ways_with_all_before_it() {
    for (record, versions) in RELEASED {
        let versions: Vec<_> = versions.iter().map(|json| schema(json)).collect();
        for (index, version) in versions.iter().enumerate() {
            let checked = Compatibility::FullTransitive.check(version, &versions[..index]);
            assert!(checked.is_ok(), "{record} {}: {}", index + 1, checked.expect_err("a conflict"));
        }
    }
}

#[test]
fn we_read_records_of_every_version_and_every_version_reads_ours() {
    for (index, version) in versions().iter().enumerate() {
        let bytes = written_with(version, read_with(version));
        let decoder = ReadingDecoder::new(SENSOR_READING_VERSIONS[index]).expect("a decoder");
        assert_eq!(decoder.decode(&bytes), Ok(reading()), "version {}", index + 1);
    }
}

/// What a next version may do: add a nullable field with a default, and a symbol, as the enum has a default.
fn next_version() -> String {
    let mut json: serde_json::Value = serde_json::from_str(SENSOR_READING).expect("JSON");
    let fields = json["fields"].as_array_mut().expect("fields");
    fields[3]["type"]["symbols"].as_array_mut().expect("symbols").push("degraded".into());
    fields.insert(3, serde_json::json!({"name": "humidity", "type": ["null", "double"], "default": null}));
    json.to_string()
}

#[test]
fn a_next_version_with_a_nullable_field_and_a_symbol_more_is_allowed() {
    let next = schema(&next_version());
    assert_eq!(Compatibility::FullTransitive.check(&next, &versions()), Ok(()));
}

#[test]
fn todays_reader_reads_the_next_versions_records() {
    let next = schema(&next_version());
    let mut record = read_with(&next);
    *field(&mut record, "humidity") = Value::Union(1, Box::new(Value::Double(41.5)));
    let decoder = ReadingDecoder::new(&next_version()).expect("a decoder");
    assert_eq!(decoder.decode(&written_with(&next, record.clone())), Ok(reading()));
    *field(&mut record, "maintenance_status") = Value::Enum(2, "degraded".to_owned());
    let bytes = written_with(&next, record);
    let read = decoder.decode(&bytes).expect("readable");
    assert_eq!(read.maintenance_status, MaintenanceStatus::Operational);
}

#[test]
fn the_next_versions_reader_reads_todays_records() {
    let mut record = read_with(&schema(&next_version()));
    assert_eq!(*field(&mut record, "humidity"), Value::Union(0, Box::new(Value::Null)));
    assert_eq!(*field(&mut record, "machine_id"), Value::String("MACHINE_001".to_owned()));
}

#[test]
fn a_next_version_that_breaks_readers_is_refused_with_the_field() {
    for (today, broken, at_fault) in [
        (r#"{"name": "hour", "type": "int""#, r#"{"name": "hour", "type": "long""#, "features.hour"),
        (r#""name": "sequence", "type": "long""#, r#""name": "count", "type": "long""#, "count"),
        (
            r#""name": "temperature", "type": ["null", "double"], "default": null"#,
            r#""name": "temperature", "type": ["null", "double", "string"], "default": null"#,
            "temperature",
        ),
    ] {
        assert!(SENSOR_READING.contains(today), "{today}");
        let next = schema(&SENSOR_READING.replace(today, broken));
        let conflict = Compatibility::FullTransitive.check(&next, &versions()).expect_err(at_fault);
        assert_eq!(conflict.reasons[0].field.as_deref(), Some(at_fault));
    }
}
