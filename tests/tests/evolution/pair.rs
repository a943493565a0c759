//! The file of pairs, and what apache-avro reads.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use serde_json::{Value as Json, json};

/// The pairs, as the file has them.
pub const FILE: &str = include_str!("../../data/evolution.json");

/// A writer's and a reader's schema, and a record.
pub struct Pair {
    pub name: String,
    pub writer: Schema,
    pub reader: Schema,
    pub bytes: Vec<u8>,
    /// Java's reasons, as `KIND /path`.
    pub reasons: Vec<String>,
    /// Our reasons: Java's, unless the file says otherwise.
    pub ours: Vec<String>,
    /// What Java reads.
    pub read: Option<Json>,
    /// Why apache-avro reads something else.
    pub apache_avro: Option<String>,
}

pub fn all() -> Vec<Pair> {
    let file: Vec<Json> = serde_json::from_str(FILE).expect("the file is JSON");
    file.iter().map(Pair::new).collect()
}

impl Pair {
    fn new(json: &Json) -> Self {
        let name = text(&json["name"]);
        let schema = |side: &str| {
            Schema::parse(&json[side]).unwrap_or_else(|e| panic!("the {side} of `{name}` is no schema: {e}"))
        };
        let reasons = texts(&json["reasons"]);
        Self {
            writer: schema("writer"),
            reader: schema("reader"),
            bytes: bytes(&text(&json["bytes"])),
            ours: json.get("ours").map_or_else(|| reasons.clone(), texts),
            reasons,
            read: json.get("read").cloned(),
            apache_avro: json.get("apache_avro").map(text),
            name,
        }
    }

    /// What apache-avro reads from the bytes; `None` where it refuses.
    pub fn read_by_apache_avro(&self) -> Option<Json> {
        let reader = GenericDatumReader::builder(&self.writer).reader_schema(&self.reader).build().ok()?;
        reader.read_value(&mut &self.bytes[..]).ok().map(plain)
    }
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("{json} is no text")).to_owned()
}

fn texts(json: &Json) -> Vec<String> {
    json.as_array().unwrap_or_else(|| panic!("{json} is no list")).iter().map(text).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).expect("two hex digits");
    digits.chunks(2).map(byte).collect()
}

/// Without the names of union branches, and bytes as one character each.
fn plain(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(truth) => json!(truth),
        Value::Int(number) | Value::Date(number) => json!(number),
        Value::Long(number) | Value::TimestampMillis(number) | Value::TimestampMicros(number) => {
            json!(number)
        }
        Value::Float(number) => json!(f64::from(number)),
        Value::Double(number) => json!(number),
        Value::Bytes(bytes) | Value::Fixed(_, bytes) => latin(&bytes),
        Value::Decimal(decimal) => latin(&Vec::try_from(&decimal).expect("a decimal's bytes")),
        Value::String(text) | Value::Enum(_, text) => json!(text),
        Value::Uuid(id) => json!(id.to_string()),
        Value::Union(_, inner) => plain(*inner),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Map(items) => items.into_iter().map(|(key, item)| (key, plain(item))).collect(),
        Value::Record(fields) => fields.into_iter().map(|(name, field)| (name, plain(field))).collect(),
        other => panic!("{other:?} is in no pair"),
    }
}

fn latin(bytes: &[u8]) -> Json {
    bytes.iter().map(|&byte| char::from(byte)).collect::<String>().into()
}
