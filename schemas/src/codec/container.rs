//! Avro's object container file: a header, then blocks of records, each ended by the file's own marker.
//!
//! After the Avro 1.12 specification, "Object Container Files".

use super::encode::{long, string};

/// Bytes of the marker that ends the header and every block.
pub const MARKER_BYTES: usize = 16;

/// Appends the header of a file: what its records are, and how its blocks are compressed (`null`, `zstandard`).
pub fn write_container_header(schema: &str, codec: &str, marker: [u8; MARKER_BYTES], out: &mut Vec<u8>) {
    out.extend_from_slice(b"Obj\x01");
    let entries = [("avro.schema", schema), ("avro.codec", codec)];
    long(entries.len() as i64, out);
    for (key, value) in entries {
        string(key, out);
        string(value, out);
    }
    long(0, out);
    out.extend_from_slice(&marker);
}

/// Appends a block of so many records, whose bodies are given one behind the other, compressed as the header says.
pub fn write_container_block(records: usize, bodies: &[u8], marker: [u8; MARKER_BYTES], out: &mut Vec<u8>) {
    long(i64::try_from(records).unwrap_or(i64::MAX), out);
    long(i64::try_from(bodies.len()).unwrap_or(i64::MAX), out);
    out.extend_from_slice(bodies);
    out.extend_from_slice(&marker);
}
