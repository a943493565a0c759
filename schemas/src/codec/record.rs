use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{Schema, from_value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::resolve::parse;
use super::{DecodeError, MAX_BODY_BYTES, SchemaError, write_frame_header};

/// Writes and reads records of one kind where speed is no matter: through apache-avro.
pub struct RecordCodec {
    ours: Schema,
}

impl RecordCodec {
    /// A codec for records of this schema.
    ///
    /// # Errors
    /// When the text is no Avro schema.
    pub fn new(schema: &str) -> Result<Self, SchemaError> {
        Ok(Self { ours: parse(schema)? })
    }

    /// A Confluent frame with this schema id.
    ///
    /// # Errors
    /// When the value is not of the codec's schema.
    pub fn encode(&self, schema_id: u32, value: &impl Serialize) -> Result<Vec<u8>, DecodeError> {
        let mut frame = Vec::new();
        write_frame_header(schema_id, &mut frame);
        let writer = GenericDatumWriter::builder(&self.ours).build().map_err(refuse)?;
        // Not through apache-avro's values, whose maps have another order each time: the same record is to be the
        // same bytes.
        frame.extend(writer.write_ser_to_vec(value).map_err(refuse)?);
        Ok(frame)
    }

    /// Reads an Avro body that was written with `writer` (the JSON of its schema, as a registry gives it).
    ///
    /// # Errors
    /// When the body is larger than [`MAX_BODY_BYTES`] or does not fit the writer's schema, or when that schema
    /// cannot be resolved to ours.
    pub fn decode<T: DeserializeOwned>(&self, writer: &str, body: &[u8]) -> Result<T, DecodeError> {
        let writer = parse(writer).map_err(|e| DecodeError::new("schema", e.to_string()))?;
        decode(&writer, &self.ours, body)
    }
}

/// Reads many records of one kind and one writer's schema.
pub struct RecordReader {
    writer: Schema,
    ours: Schema,
}

impl RecordReader {
    /// A reader of what was written with `writer`, as records of the schema `ours`.
    ///
    /// # Errors
    /// When one of the texts is no Avro schema.
    pub fn new(writer: &str, ours: &str) -> Result<Self, SchemaError> {
        Ok(Self { writer: parse(writer)?, ours: parse(ours)? })
    }

    /// Reads an Avro body.
    ///
    /// # Errors
    /// As [`RecordCodec::decode`].
    pub fn decode<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, DecodeError> {
        decode(&self.writer, &self.ours, body)
    }
}

fn decode<T: DeserializeOwned>(writer: &Schema, ours: &Schema, body: &[u8]) -> Result<T, DecodeError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(DecodeError::new("body", format!("{} bytes are too many", body.len())));
    }
    let reader = GenericDatumReader::builder(writer).reader_schema(ours).build().map_err(refuse)?;
    let mut rest = body;
    let value = reader.read_value(&mut rest).map_err(refuse)?;
    if !rest.is_empty() {
        return Err(DecodeError::new("body", format!("{} bytes are left over", rest.len())));
    }
    from_value(&value).map_err(refuse)
}

fn refuse(error: apache_avro::Error) -> DecodeError {
    DecodeError::new("body", format!("does not resolve: {error}"))
}
