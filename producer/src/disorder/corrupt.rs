use millrace_schemas::codec::{FRAME_HEADER_BYTES, decode_reading, read_frame};

use super::draw::Draw;
use crate::generate::Encoding;
use crate::settings::TextFormat;

/// Turns drawn before a value is cut instead.
const TRIES: usize = 64;

/// Breaks a value in a drawn way, so that it is surely no reading any more. Gives the way's name.
pub(super) fn corrupt(value: &mut Vec<u8>, encoding: Encoding, draw: &mut Draw) -> &'static str {
    match encoding {
        Encoding::Avro(_) => match draw.below(4) {
            0 => wrong_magic(value, draw),
            1 => unknown_schema(value, draw),
            2 => flipped(value, draw),
            _ => cut(value, draw),
        },
        // The settings refuse it: a row of a dataset is a reading.
        Encoding::AvroBody => cut(value, draw),
        Encoding::Text(format, ..) => match draw.below(2) {
            0 => garbled(value, format, draw),
            _ => cut(value, draw),
        },
    }
}

/// The first byte says that it is not a Confluent frame.
fn wrong_magic(value: &mut [u8], draw: &mut Draw) -> &'static str {
    value[0] = 1 + draw.below(255) as u8;
    "wrong_magic"
}

/// An id in the upper half of the range, which no registry has come to.
fn unknown_schema(value: &mut [u8], draw: &mut Draw) -> &'static str {
    let id = i32::MAX as u32 - draw.below(1 << 20) as u32;
    value[1..FRAME_HEADER_BYTES].copy_from_slice(&id.to_be_bytes());
    "unknown_schema"
}

/// One byte of the body is another, and the body no reading: a changed number alone would go unseen.
fn flipped(value: &mut Vec<u8>, draw: &mut Draw) -> &'static str {
    for _ in 0..TRIES {
        let place = FRAME_HEADER_BYTES + draw.below(value.len() - FRAME_HEADER_BYTES);
        let mask = 1 + draw.below(255) as u8;
        value[place] ^= mask;
        if read_frame(value).is_ok_and(|(_, body)| decode_reading(body).is_err()) {
            return "flipped";
        }
        value[place] ^= mask;
    }
    cut(value, draw)
}

/// Three characters are `#`, and the row is no row any more.
fn garbled(value: &mut Vec<u8>, format: TextFormat, draw: &mut Draw) -> &'static str {
    const SMEAR: usize = 3;
    for _ in 0..TRIES {
        let place = draw.below(value.len() - SMEAR);
        let mut broken = value.clone();
        broken[place..place + SMEAR].fill(b'#');
        if is_broken(&broken, value, format) {
            *value = broken;
            return "garbled";
        }
    }
    cut(value, draw)
}

fn is_broken(broken: &[u8], value: &[u8], format: TextFormat) -> bool {
    let commas = |row: &[u8]| row.iter().filter(|byte| **byte == b',').count();
    match format {
        TextFormat::Json => serde_json::from_slice::<serde_json::Value>(broken).is_err(),
        TextFormat::Csv => commas(broken) < commas(value),
    }
}

/// The second half, or more of it, is missing.
fn cut(value: &mut Vec<u8>, draw: &mut Draw) -> &'static str {
    value.truncate(1 + draw.below(value.len() / 2));
    "cut"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use millrace_schemas::text::{Layout, TextEncoder};
    use millrace_schemas::{Features, SensorReading};

    use super::*;
    use crate::generate::LineEnd;

    fn reading() -> SensorReading<'static> {
        let sensors = [72.5, 4.2, 5.8, 195.3, 48.7, 87.2, 78.9].map(Some);
        let features = Some(Features::default());
        SensorReading {
            timestamp: 1_767_225_600_000,
            machine_id: "A".into(),
            sensors,
            features,
            ..Default::default()
        }
    }

    fn in_many_ways(
        encoding: Encoding,
        value: &[u8],
        mut check: impl FnMut(&[u8]),
    ) -> BTreeSet<&'static str> {
        (0..2000)
            .map(|sequence| {
                let mut broken = value.to_vec();
                let way = corrupt(&mut broken, encoding, &mut Draw::of(7, "A", sequence));
                assert!(!broken.is_empty() && broken != value, "{way}");
                check(&broken);
                way
            })
            .collect()
    }

    #[test]
    fn broken_avro_is_no_frame_of_a_known_schema_or_no_reading() {
        let mut value = vec![0, 0, 0, 0, 7];
        millrace_schemas::codec::encode_reading(&reading(), &mut value);
        let ways = in_many_ways(Encoding::Avro(7), &value, |broken| {
            if let Ok((7, body)) = read_frame(broken) {
                assert!(decode_reading(body).is_err(), "{broken:?}");
            }
        });
        assert_eq!(ways, ["cut", "flipped", "unknown_schema", "wrong_magic"].into());
    }

    #[test]
    fn a_broken_row_is_no_row_and_stays_on_its_line() {
        let layout = Layout { features: true, ..Layout::default() };
        let (mut json, mut csv) = (Vec::new(), Vec::new());
        TextEncoder::new(layout).json(&reading(), &mut json);
        TextEncoder::new(layout).csv(&reading(), &mut csv);
        let commas = |row: &[u8]| row.iter().filter(|byte| **byte == b',').count();
        let text = |format| Encoding::Text(format, layout, LineEnd::Newline);
        let ways = in_many_ways(text(TextFormat::Json), &json, |broken| {
            assert!(serde_json::from_slice::<serde_json::Value>(broken).is_err());
            assert!(!broken.contains(&b'\n'));
        });
        assert_eq!(ways, ["cut", "garbled"].into());
        let ways = in_many_ways(text(TextFormat::Csv), &csv, |broken| {
            assert!(commas(broken) < commas(&csv), "{}", String::from_utf8_lossy(broken));
            assert!(!broken.contains(&b'\n'));
        });
        assert_eq!(ways, ["cut", "garbled"].into());
    }
}
