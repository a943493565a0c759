use std::fmt;
use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;

use super::{DecodeError, MAX_BODY_BYTES, decode_reading, read_reading};
use crate::reading::SensorReading;
use crate::subject::SENSOR_READING;

static OURS: LazyLock<Result<Schema, SchemaError>> = LazyLock::new(|| parse(SENSOR_READING));

/// Decodes readings of one writer schema: by hand where it is ours, through Avro's schema resolution otherwise.
pub struct ReadingDecoder {
    /// `None` where the writer wrote as we do.
    foreign: Option<(Schema, &'static Schema)>,
}

/// Why a schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError(String);

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SchemaError {}

impl ReadingDecoder {
    /// A decoder for bodies written with `writer_schema` (its JSON, as a registry gives it).
    ///
    /// # Errors
    /// When the text is no Avro schema.
    pub fn new(writer_schema: &str) -> Result<Self, SchemaError> {
        let ours = OURS.as_ref().map_err(Clone::clone)?;
        let writer = parse(writer_schema)?;
        // The canonical form leaves out logical types, and with them the unit of a time.
        let same = writer == *ours && writer.canonical_form() == ours.canonical_form();
        Ok(Self { foreign: (!same).then_some((writer, ours)) })
    }

    /// Decodes one Avro body.
    ///
    /// # Errors
    /// When the body is larger than [`MAX_BODY_BYTES`] or does not fit the writer's schema, or when that
    /// schema cannot be resolved to ours.
    pub fn decode<'a>(&self, body: &'a [u8]) -> Result<SensorReading<'a>, DecodeError> {
        let mut reading = SensorReading::default();
        self.read(body, &mut reading).map(|()| reading)
    }

    /// The same into a reading that is there, as [`read_reading`].
    ///
    /// # Errors
    /// As [`decode`](Self::decode); the reading may then be half read.
    pub fn read<'a>(&self, body: &'a [u8], reading: &mut SensorReading<'a>) -> Result<(), DecodeError> {
        match &self.foreign {
            None => read_reading(body, reading),
            Some((writer, ours)) => {
                *reading = resolved(body, writer, ours)?;
                Ok(())
            }
        }
    }
}

/// Resolves to our schema, then writes and reads that: one decoder serves both ways.
fn resolved(body: &[u8], writer: &Schema, ours: &Schema) -> Result<SensorReading<'static>, DecodeError> {
    if body.len() > MAX_BODY_BYTES {
        return decode_reading(body).map(SensorReading::into_owned);
    }
    let refuse = |e: apache_avro::Error| DecodeError::new("body", format!("does not resolve: {e}"));
    let reader = GenericDatumReader::builder(writer).reader_schema(ours).build().map_err(refuse)?;
    let mut rest = body;
    let value = reader.read_value(&mut rest).map_err(refuse)?;
    if !rest.is_empty() {
        return Err(DecodeError::new("body", format!("{} bytes are left over", rest.len())));
    }
    let writer = GenericDatumWriter::builder(ours).build().map_err(refuse)?;
    let bytes = writer.write_value_to_vec(value).map_err(refuse)?;
    decode_reading(&bytes).map(SensorReading::into_owned)
}

pub(super) fn parse(schema: &str) -> Result<Schema, SchemaError> {
    Schema::parse_str(schema).map_err(|e| SchemaError(format!("not an Avro schema: {e}")))
}
