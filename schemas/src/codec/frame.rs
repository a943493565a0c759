use super::DecodeError;

/// Bytes before the Avro body: magic 0 and the schema id.
pub const FRAME_HEADER_BYTES: usize = 5;

/// Starts a Confluent frame: magic 0, then the schema id, big-endian.
pub fn write_frame_header(schema_id: u32, out: &mut Vec<u8>) {
    let [a, b, c, d] = schema_id.to_be_bytes();
    out.extend_from_slice(&[0, a, b, c, d]);
}

/// Splits a Confluent frame into schema id and Avro body.
///
/// # Errors
/// When the bytes are too short for a frame, or do not start with magic 0.
pub fn read_frame(bytes: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
    match bytes {
        [0, a, b, c, d, body @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), body)),
        [magic, ..] if bytes.len() >= FRAME_HEADER_BYTES => {
            Err(DecodeError::new("frame", format!("starts with byte {magic} instead of magic 0")))
        }
        _ => Err(DecodeError::new("frame", format!("{} bytes are too short for a schema id", bytes.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_carries_the_id_big_endian_after_magic_0() {
        let mut bytes = Vec::new();
        write_frame_header(0x0102_0304, &mut bytes);
        bytes.push(9);
        assert_eq!(bytes, [0, 1, 2, 3, 4, 9]);
        assert_eq!(read_frame(&bytes), Ok((0x0102_0304, &[9_u8][..])));
    }

    #[test]
    fn what_is_no_frame_is_refused_with_its_cause() {
        assert_eq!(
            read_frame(b"{\"a\":1}").map_err(|e| e.to_string()),
            Err("frame: starts with byte 123 instead of magic 0".into())
        );
        assert_eq!(
            read_frame(&[0, 1]).map_err(|e| e.to_string()),
            Err("frame: 2 bytes are too short for a schema id".into())
        );
    }
}
