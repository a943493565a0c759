//! Records of every version of our schema and of foreign writers.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use millrace_consumer::outbox::Letter;
use millrace_core::Result;
use millrace_core::registry::RegistryClient;
use millrace_schemas::codec::{ReadingDecoder, encode_reading, write_frame_header};
use millrace_schemas::subject::{SENSOR_READING, SENSOR_READING_VERSIONS};
use millrace_schemas::{MaintenanceStatus, Sensor, SensorReading};
use millrace_tests::{KafkaTest, Lab, Verdict, consume, passed, topic};
use rdkafka::message::{Headers, Message};
use serde_json::{Value as Json, json};

use crate::reading::all;

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("writers::every_version_of_our_schema_is_read", versions),
        KafkaTest::shared("writers::ten_foreign_writers_are_read", compatible),
        KafkaTest::shared("writers::a_writer_that_cannot_be_read_is_rejected_with_its_field", incompatible),
    ]
}

const TIME: i64 = 1_767_225_600_000;

fn reading() -> SensorReading<'static> {
    let mut reading = SensorReading {
        machine_id: "M".into(),
        timestamp: TIME,
        sequence: 7,
        maintenance_status: MaintenanceStatus::Maintenance,
        ..SensorReading::default()
    };
    reading.sensors[Sensor::Temperature as usize] = Some(70.5);
    reading
}

/// The fields of a plain writer, each of which may be replaced by another or, with null, left out.
fn fields(changes: Json) -> Json {
    let mut fields = json!({
        "timestamp": {"type": "long", "logicalType": "timestamp-millis"},
        "machine_id": "string",
        "sequence": "long",
        "maintenance_status": status(&["operational", "maintenance"]),
        "temperature": ["null", "double"],
    });
    for (name, change) in changes.as_object().expect("an object") {
        fields[name] = change.clone();
    }
    fields
}

fn status(symbols: &[&str]) -> Json {
    json!({"type": "enum", "name": "MaintenanceStatus", "symbols": symbols})
}

/// The schema of a record with these fields, in the order of `first` and then of their names.
fn schema(namespace: &str, fields: &Json, first: &[&str]) -> String {
    let all = fields.as_object().expect("an object");
    let mut names: Vec<&str> =
        all.iter().filter(|(_, kind)| !kind.is_null()).map(|(name, _)| name.as_str()).collect();
    names.sort_by_key(|name| (first.iter().position(|early| early == name).unwrap_or(first.len()), *name));
    let list: Vec<Json> = names.iter().map(|name| json!({"name": name, "type": all[*name]})).collect();
    json!({"type": "record", "name": "SensorReading", "namespace": namespace, "fields": list}).to_string()
}

/// What the writer writes: the reading, with changes.
fn values(changes: Json) -> Json {
    let mut values = json!({
        "timestamp": TIME, "machine_id": "M", "sequence": 7, "maintenance_status": "maintenance",
        "temperature": 70.5,
    });
    for (name, change) in changes.as_object().expect("an object") {
        values[name] = change.clone();
    }
    values
}

fn avro(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Boolean(truth),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Double(number.as_f64().expect("a number")), Value::Long)
        }
        Json::String(text) => Value::String(text),
        Json::Array(items) => Value::Array(items.into_iter().map(avro).collect()),
        Json::Object(fields) => {
            Value::Map(fields.into_iter().map(|(name, value)| (name, avro(value))).collect())
        }
    }
}

fn body(schema: &str, values: Json) -> Vec<u8> {
    let schema = Schema::parse_str(schema).unwrap_or_else(|e| panic!("{schema}: {e}"));
    let value = avro(values).resolve(&schema).unwrap_or_else(|e| panic!("{schema:?}: {e}"));
    let writer = GenericDatumWriter::builder(&schema).build().expect("a writer");
    writer.write_value_to_vec(value).expect("written")
}

/// Puts one record of each schema into a topic.
fn put(lab: &Lab, topic: &str, records: Vec<(String, Vec<u8>)>) -> Result<()> {
    let registry = RegistryClient::new(&lab.registry_url())?;
    lab.kafka().ensure_topic(topic, None, &Default::default())?;
    let mut letters = Vec::new();
    for (index, (schema, body)) in records.into_iter().enumerate() {
        let mut bytes = Vec::new();
        write_frame_header(registry.register(&format!("{topic}-{index}"), &schema)?, &mut bytes);
        bytes.extend(body);
        letters.push(Letter {
            topic: topic.to_owned(),
            key: Some(b"M".to_vec()),
            payload: Some(bytes),
            timestamp: Some(TIME),
            ..Letter::default()
        });
    }
    topic::write(&lab.kafka(), letters)
}

fn versions(lab: &Lab) -> Verdict {
    let topic = lab.topic("versions");
    let ours = Schema::parse_str(SENSOR_READING).expect("our schema");
    let mut bytes = Vec::new();
    encode_reading(&reading(), &mut bytes);
    let written_by = |version: &&str| {
        let version = Schema::parse_str(version).expect("a version");
        let reader = GenericDatumReader::builder(&ours).reader_schema(&version).build().expect("a reader");
        let value = reader.read_value(&mut &bytes[..]).expect("resolved");
        GenericDatumWriter::builder(&version)
            .build()
            .expect("a writer")
            .write_value_to_vec(value)
            .expect("written")
    };
    let records: Vec<_> =
        SENSOR_READING_VERSIONS.iter().map(|version| ((*version).to_owned(), written_by(version))).collect();
    let count = records.len() as u64;
    put(lab, &topic, records)?;
    let tally = consume(&all(lab, &topic, &topic, &[]))?;
    assert_eq!((tally.records, tally.rejected), (count, 0));
    passed()
}

/// Foreign writers: what is theirs, the schema, what they write, and what of the reading is another then.
fn foreign() -> Vec<(&'static str, String, Json, SensorReading<'static>)> {
    let ours = |changes| schema("millrace", &fields(changes), &[]);
    let whole = |temperature| {
        let mut reading = reading();
        reading.sensors[Sensor::Temperature as usize] = temperature;
        reading
    };
    let running = SensorReading { maintenance_status: MaintenanceStatus::Operational, ..reading() };
    let labelled =
        SensorReading { anomaly_label: Some(1), anomaly_type: Some("oil_leak".into()), ..reading() };
    let more = json!({
        "site": "string",
        "tags": {"type": "map", "values": "string"},
        "spares": {"type": "array", "items": {
            "type": "record", "name": "Spare", "fields": [{"name": "part", "type": "string"}]
        }},
    });
    let more_values = json!({"site": "here", "tags": {"a": "b"}, "spares": [{"part": "seal"}]});
    let none = || json!({});
    vec![
        (
            "the time last",
            schema("millrace", &fields(none()), &["temperature", "sequence"]),
            none(),
            reading(),
        ),
        ("an int for a long", ours(json!({"sequence": "int"})), none(), reading()),
        ("a double without null", ours(json!({"temperature": "double"})), none(), reading()),
        ("a float for a double", ours(json!({"temperature": ["null", "float"]})), none(), reading()),
        (
            "an int for a double",
            ours(json!({"temperature": "int"})),
            json!({"temperature": 70}),
            whole(Some(70.0)),
        ),
        ("no sensors", ours(json!({"temperature": null})), none(), whole(None)),
        (
            "the null behind",
            ours(json!({"temperature": ["double", "null"]})),
            json!({"temperature": null}),
            whole(None),
        ),
        ("a time without its unit", ours(json!({"timestamp": "long"})), none(), reading()),
        ("bytes for a string", ours(json!({"machine_id": "bytes"})), none(), reading()),
        ("more fields", ours(more), more_values, reading()),
        ("another namespace", schema("org.example", &fields(none()), &[]), none(), reading()),
        (
            "more symbols in another order",
            ours(json!({"maintenance_status": status(&["standby", "maintenance", "operational"])})),
            none(),
            reading(),
        ),
        (
            "a symbol that we do not know",
            ours(json!({"maintenance_status": status(&["standby", "maintenance", "operational"])})),
            json!({"maintenance_status": "standby"}),
            running,
        ),
        (
            "labels that are never missing",
            ours(json!({"anomaly_label": "int", "anomaly_type": "string"})),
            json!({"anomaly_label": 1, "anomaly_type": "oil_leak"}),
            labelled,
        ),
    ]
}

fn compatible(lab: &Lab) -> Verdict {
    let topic = lab.topic("foreign-writers");
    let mut records = Vec::new();
    for (what, schema, changes, expected) in foreign() {
        let body = body(&schema, values(changes));
        let decoder = ReadingDecoder::new(&schema).expect("a schema");
        assert_eq!(decoder.decode(&body), Ok(expected), "{what}");
        records.push((schema, body));
    }
    let count = records.len() as u64;
    assert!(count >= 10);
    put(lab, &topic, records)?;
    let tally = consume(&all(lab, &topic, &topic, &[]))?;
    assert_eq!((tally.records, tally.rejected), (count, 0));
    passed()
}

/// Writers that cannot be read, with the field that is named for it.
fn unreadable() -> Vec<(&'static str, Json, Json)> {
    vec![
        ("sequence", json!({"sequence": "string"}), json!({"sequence": "7"})),
        ("sequence", json!({"sequence": "double"}), json!({"sequence": 7.0})),
        ("temperature", json!({"temperature": "string"}), json!({"temperature": "warm"})),
        ("temperature", json!({"temperature": "boolean"}), json!({"temperature": true})),
        ("timestamp", json!({"timestamp": null}), json!({})),
        ("timestamp", json!({"timestamp": "string"}), json!({"timestamp": "noon"})),
        ("machine_id", json!({"machine_id": "int"}), json!({"machine_id": 7})),
        ("maintenance_status", json!({"maintenance_status": "boolean"}), json!({"maintenance_status": true})),
        ("maintenance_status", json!({"maintenance_status": null}), json!({})),
    ]
}

fn incompatible(lab: &Lab) -> Verdict {
    let topic = lab.topic("unreadable-writers");
    let writers = unreadable();
    let record = |(_, kinds, changes): &(&str, Json, Json)| {
        let schema = schema("millrace", &fields(kinds.clone()), &[]);
        let body = body(&schema, values(changes.clone()));
        (schema, body)
    };
    put(lab, &topic, writers.iter().map(record).collect())?;
    let tally = consume(&all(lab, &topic, &topic, &[]))?;
    assert_eq!((tally.records, tally.rejected), (writers.len() as u64, writers.len() as u64));
    let mut found = 0;
    topic::for_each(&lab.kafka(), &format!("{topic}.dlq"), |letter| {
        let headers = letter.headers().expect("headers");
        let header = |name: &str| {
            let header = headers.iter().find(|header| header.key == format!("__streams.errors.{name}"));
            String::from_utf8_lossy(header.expect("the header").value.unwrap_or_default()).into_owned()
        };
        let offset: usize = header("offset").parse().expect("an offset");
        let (field, kinds, _) = &writers[offset];
        assert_eq!(header("exception"), "millrace.consumer.NotAReading");
        assert!(header("message").contains(field), "{field} is not named for {kinds}: {}", header("message"));
        found += 1;
    })?;
    assert_eq!(found, writers.len());
    passed()
}
