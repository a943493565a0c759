//! Records of any Avro schema: of object containers, as the producer writes data sets, and of topics.

mod frames;
mod plain;

use std::fmt::Display;
use std::io::Read;

use apache_avro::schema::Schema;
use apache_avro::types::Value as Avro;
use chrono::DateTime;
use serde_json::{Number, Value};

pub(crate) use frames::Frames;
use plain::Plain;

/// The first bytes of every container.
pub(crate) const MAGIC: &[u8] = b"Obj\x01";

/// The records of a container in their order.
pub(crate) struct Records {
    reader: apache_avro::Reader<'static, Plain<Box<dyn Read>>>,
    fields: Vec<(String, bool)>,
}

impl Records {
    /// Reads the header; Err says in a sentence what is wrong.
    pub fn new(from: Box<dyn Read>) -> Result<Self, String> {
        let plain = Plain::new(from).map_err(|e| damaged(&e))?;
        let reader = apache_avro::Reader::new(plain).map_err(|e| damaged(&e))?;
        let Schema::Record(record) = reader.writer_schema() else {
            return Err(
                "its Avro schema is no record, and a record with a field for each column is expected".into(),
            );
        };
        let fields =
            record.fields.iter().map(|field| (field.name.clone(), is_number(&field.schema))).collect();
        Ok(Self { reader, fields })
    }

    /// The names of all fields, in order.
    pub fn names(&self) -> impl Iterator<Item = &String> + Clone {
        self.fields.iter().map(|field| &field.0)
    }

    /// The names of those that hold numbers.
    pub fn numbers(&self) -> impl Iterator<Item = &String> + Clone {
        self.fields.iter().filter(|field| field.1).map(|field| &field.0)
    }

    /// The next record as its fields say it in text formats: missing values, NaN among them, as null.
    pub fn next(&mut self) -> Result<Option<Vec<(String, Value)>>, String> {
        match self.reader.next().transpose().map_err(|e| damaged(&e))? {
            None => Ok(None),
            Some(Avro::Record(fields)) => Ok(Some(self::fields(fields))),
            Some(_) => Err("it holds what is no record".into()),
        }
    }
}

/// The fields of a record as text formats say them.
fn fields(record: Vec<(String, Avro)>) -> Vec<(String, Value)> {
    record.into_iter().map(|(name, value)| (name, plain_value(value))).collect()
}

fn damaged(e: &dyn Display) -> String {
    format!("it is no whole Avro container: {e}")
}

fn is_number(schema: &Schema) -> bool {
    match schema {
        Schema::Int | Schema::Long | Schema::Float | Schema::Double => true,
        Schema::Union(union) => union.variants().iter().any(is_number),
        _ => false,
    }
}

fn plain_value(value: Avro) -> Value {
    let number = |number: f64| Number::from_f64(number).map_or(Value::Null, Value::Number);
    match value {
        Avro::Union(_, inner) => plain_value(*inner),
        Avro::Boolean(truth) => Value::Bool(truth),
        Avro::Int(value) => value.into(),
        Avro::Long(value) => value.into(),
        Avro::Float(value) => number(f64::from(value)),
        Avro::Double(value) => number(value),
        Avro::String(text) | Avro::Enum(_, text) => Value::String(text),
        Avro::TimestampMillis(time) | Avro::LocalTimestampMillis(time) => moment(Some(time)),
        Avro::TimestampMicros(time) | Avro::LocalTimestampMicros(time) => moment(time.checked_div(1000)),
        Avro::TimestampNanos(time) | Avro::LocalTimestampNanos(time) => moment(time.checked_div(1_000_000)),
        // Lists, records and the like are no columns.
        _ => Value::Null,
    }
}

fn moment(milliseconds: Option<i64>) -> Value {
    let time = milliseconds.and_then(DateTime::from_timestamp_millis);
    time.map_or(Value::Null, |time| Value::String(time.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()))
}

#[cfg(test)]
mod tests {
    use apache_avro::writer::datum::GenericDatumWriter;
    use apache_avro::{Codec, DeflateSettings, Writer};
    use millrace_schemas::codec::{write_container_block, write_container_header};
    use proptest::prelude::*;

    use super::*;

    const SCHEMA: &str = r#"{"type": "record", "name": "row", "fields": [
        {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "a", "type": ["null", "double"]},
        {"name": "b", "type": "float"},
        {"name": "note", "type": ["null", "string"]}]}"#;

    fn record(a: Option<f64>) -> Avro {
        let a = a.map_or_else(
            || Avro::Union(0, Box::new(Avro::Null)),
            |a| Avro::Union(1, Box::new(Avro::Double(a))),
        );
        Avro::Record(vec![
            ("timestamp".into(), Avro::TimestampMillis(1_500)),
            ("a".into(), a),
            ("b".into(), Avro::Float(0.5)),
            ("note".into(), Avro::Union(0, Box::new(Avro::Null))),
        ])
    }

    fn container(codec: Codec) -> Vec<u8> {
        let schema = Schema::parse_str(SCHEMA).expect("a schema");
        let mut writer = Writer::with_codec(&schema, Vec::new(), codec).expect("a writer");
        for a in [Some(1.25), None, Some(f64::NAN)] {
            writer.append_value(record(a)).expect("written");
        }
        writer.into_inner().expect("a container")
    }

    /// Two blocks, as the producer compresses them.
    fn zstandard() -> Vec<u8> {
        let schema = Schema::parse_str(SCHEMA).expect("a schema");
        let mut all = Vec::new();
        write_container_header(SCHEMA, "zstandard", [7; 16], &mut all);
        for rows in [&[Some(1.25), None][..], &[Some(f64::NAN)]] {
            let body = |a: &Option<f64>| {
                let writer = GenericDatumWriter::builder(&schema).build().expect("a writer");
                writer.write_value_to_vec(record(*a)).expect("a body")
            };
            let bodies: Vec<u8> = rows.iter().flat_map(body).collect();
            let packed = zstd::bulk::compress(&bodies, 1).expect("packed");
            write_container_block(rows.len(), &packed, [7; 16], &mut all);
        }
        all
    }

    fn all(bytes: Vec<u8>) -> Result<Vec<String>, String> {
        let mut records = Records::new(Box::new(std::io::Cursor::new(bytes)))?;
        let mut lines = vec![records.numbers().cloned().collect::<Vec<_>>().join(" ")];
        while let Some(record) = records.next()? {
            lines.push(record.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(" "));
        }
        Ok(lines)
    }

    #[test]
    fn every_codec_gives_the_same_records_and_what_is_missing_is_null() {
        let time = "\"1970-01-01T00:00:01.500\"";
        let rows = ["1.25", "null", "null"].map(|a| format!("{time} {a} 0.5 null"));
        let expected = [&["a b".to_owned()], &rows[..]].concat();
        assert_eq!(all(container(Codec::Null)).expect("plain"), expected);
        assert_eq!(all(container(Codec::Deflate(DeflateSettings::default()))).expect("deflate"), expected);
        assert_eq!(all(zstandard()).expect("zstandard"), expected);
    }

    #[test]
    fn a_container_that_ends_early_is_refused() {
        for whole in [container(Codec::Null), zstandard()] {
            let cut = all(whole[..whole.len() - 3].to_vec()).expect_err("cut");
            assert!(cut.starts_with("it is no whole Avro container: "), "{cut}");
        }
    }

    proptest! {
        #[test]
        fn damage_is_read_or_refused_but_never_a_panic(place: prop::sample::Index, byte: u8, packed: bool) {
            let mut bytes = if packed { zstandard() } else { container(Codec::Null) };
            let place = place.index(bytes.len());
            bytes[place] = byte;
            drop(all(bytes));
        }
    }
}
