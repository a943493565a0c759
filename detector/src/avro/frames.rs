use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use serde_json::{Map, Value};

use super::{fields, is_number};

/// Reads single records of any Avro schema, or JSON, as objects.
#[derive(Default)]
pub(crate) struct Frames(BTreeMap<u32, Schema>);

impl Frames {
    /// The fields of a record; where it has no schema it is JSON. `text` gives the schema of an id that is new.
    ///
    /// # Errors
    /// A clause about what is wrong with it.
    pub fn object(
        &mut self,
        schema: Option<u32>,
        text: impl FnOnce() -> Result<String, String>,
        mut body: &[u8],
    ) -> Result<Map<String, Value>, String> {
        let Some(id) = schema else {
            return serde_json::from_slice(body).map_err(|e| format!("it is no JSON object: {e}"));
        };
        let schema = self.schema(id, text)?;
        let reader = GenericDatumReader::builder(schema).build().map_err(|e| e.to_string())?;
        let value = reader.read_value(&mut body).map_err(|e| e.to_string())?;
        if !body.is_empty() {
            return Err(format!("{} bytes are left over behind the record", body.len()));
        }
        match value {
            Avro::Record(record) => Ok(fields(record).into_iter().collect()),
            _ => Err("it is no record".to_owned()),
        }
    }

    /// The names of the fields that hold numbers, in their order; all of them for JSON, in which null may be one.
    ///
    /// # Errors
    /// A clause about what is wrong with it.
    pub fn numbers(
        &mut self,
        schema: Option<u32>,
        text: impl FnOnce() -> Result<String, String>,
        body: &[u8],
    ) -> Result<Vec<String>, String> {
        let Some(id) = schema else {
            let number = |pair: &(&String, &Value)| pair.1.is_number() || pair.1.is_null();
            let object = self.object(None, text, body)?;
            return Ok(object.iter().filter(number).map(|pair| pair.0.clone()).collect());
        };
        match self.schema(id, text)? {
            Schema::Record(record) => {
                let numbers = record.fields.iter().filter(|field| is_number(&field.schema));
                Ok(numbers.map(|field| field.name.clone()).collect())
            }
            _ => Err("it is no record".to_owned()),
        }
    }

    fn schema(&mut self, id: u32, text: impl FnOnce() -> Result<String, String>) -> Result<&Schema, String> {
        Ok(match self.0.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Schema::parse_str(&text()?).map_err(|e| e.to_string())?),
        })
    }
}

#[cfg(test)]
mod tests {
    use apache_avro::writer::datum::GenericDatumWriter;

    use super::*;

    const SCHEMA: &str = r#"{"type": "record", "name": "row", "fields": [
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "name", "type": "string"},
        {"name": "a", "type": ["null", "double"]},
        {"name": "b", "type": "float"}]}"#;

    #[test]
    fn avro_and_json_are_objects_and_a_schema_is_asked_for_once() {
        let schema = Schema::parse_str(SCHEMA).expect("a schema");
        let record = Avro::Record(vec![
            ("at".into(), Avro::TimestampMillis(1_500)),
            ("name".into(), Avro::String("M".into())),
            ("a".into(), Avro::Union(1, Box::new(Avro::Double(1.25)))),
            ("b".into(), Avro::Float(0.5)),
        ]);
        let writer = GenericDatumWriter::builder(&schema).build().expect("a writer");
        let body = writer.write_value_to_vec(record).expect("a body");
        let mut frames = Frames::default();
        let object = frames.object(Some(7), || Ok(SCHEMA.to_owned()), &body).expect("read");
        assert_eq!(object["a"], 1.25);
        assert_eq!(object["at"], "1970-01-01T00:00:01.500");
        let never = || Err("asked again".to_owned());
        assert_eq!(frames.numbers(Some(7), never, &body), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert!(frames.object(Some(7), never, &body[..3]).is_err());
        let longer = [&body[..], b"x"].concat();
        let left = frames.object(Some(7), never, &longer).expect_err("too long");
        assert_eq!(left, "1 bytes are left over behind the record");
        let json = br#"{"b": 1, "name": "M", "c": null}"#;
        assert_eq!(frames.numbers(None, never, json), Ok(vec!["b".to_owned(), "c".to_owned()]));
        assert!(frames.object(None, never, b"{").expect_err("cut").starts_with("it is no JSON object"));
    }
}
