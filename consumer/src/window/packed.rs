//! Rows as bytes: differences of times, and of values of two decimals, since most sensors have no more. Nothing is
//! lost.

use std::collections::VecDeque;

use super::row::Row;

/// A scaled value must be exact as an integer and leave room for a sign and a flag.
const LARGEST: f64 = 4_503_599_627_370_496.0;
/// What stands for a value as it is, which follows, and for a missing one; other codes are even.
const AS_IT_IS: u64 = 1;
const MISSING: u64 = 3;

pub(super) fn pack<'a, const N: usize>(count: usize, rows: impl IntoIterator<Item = &'a Row<N>>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count * (2 * N + 2) + 4);
    write(count as u64, &mut bytes);
    let (mut before, mut last) = (0_i64, [0_i64; N]);
    for row in rows {
        write(zigzag(row.time.wrapping_sub(before)), &mut bytes);
        before = row.time;
        for (value, last) in row.values.iter().zip(&mut last) {
            pack_value(*value, last, &mut bytes);
        }
    }
    bytes
}

fn pack_value(value: f64, last: &mut i64, bytes: &mut Vec<u8>) {
    if value.is_nan() {
        write(MISSING, bytes);
    } else if let Some(scaled) = hundredths(value) {
        write(zigzag(scaled - *last) << 1, bytes);
        *last = scaled;
    } else {
        write(AS_IT_IS, bytes);
        bytes.extend(value.to_bits().to_le_bytes());
    }
}

/// `None` where the bytes are no rows.
pub(super) fn unpack<const N: usize>(mut bytes: &[u8]) -> Option<VecDeque<Row<N>>> {
    let count = read(&mut bytes)?;
    // A row takes a byte a value at least, so hostile counts claim no memory.
    let mut rows = VecDeque::with_capacity(usize::try_from(count).ok()?.min(bytes.len() / (N + 1)));
    let (mut time, mut last) = (0_i64, [0_i64; N]);
    for _ in 0..count {
        time = time.wrapping_add(unzigzag(read(&mut bytes)?));
        let mut row = Row { time, values: [f64::NAN; N] };
        for (value, last) in row.values.iter_mut().zip(&mut last) {
            *value = unpack_value(&mut bytes, last)?;
        }
        rows.push_back(row);
    }
    bytes.is_empty().then_some(rows)
}

fn unpack_value(bytes: &mut &[u8], last: &mut i64) -> Option<f64> {
    match read(bytes)? {
        MISSING => Some(f64::NAN),
        AS_IT_IS => {
            let (raw, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Some(f64::from_bits(u64::from_le_bytes(*raw)))
        }
        coded if coded % 2 == 0 => {
            *last = last.checked_add(unzigzag(coded >> 1))?;
            Some(*last as f64 / 100.0)
        }
        _ => None,
    }
}

/// The value in hundredths, if that is all there is to it.
fn hundredths(value: f64) -> Option<i64> {
    let scaled = (value * 100.0).round();
    let is_exact = scaled.abs() < LARGEST && (scaled as i64 as f64 / 100.0).to_bits() == value.to_bits();
    is_exact.then_some(scaled as i64)
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

fn write(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = f64> {
        let decimals = (-1_000_000_i64..1_000_000).prop_map(|n| n as f64 / 100.0);
        let special =
            prop::sample::select(vec![-0.0, 0.0, 4.5e13, -1e150, f64::MIN_POSITIVE, 70.1 + 1e-9, f64::NAN]);
        prop_oneof![4 => decimals, 1 => -1e300..1e300, 1 => special]
    }

    fn bits(rows: &VecDeque<Row<2>>) -> Vec<(i64, [u64; 2])> {
        rows.iter().map(|row| (row.time, row.values.map(f64::to_bits))).collect()
    }

    proptest! {
        #[test]
        fn rows_are_read_as_they_were_written(
            rows in prop::collection::vec((any::<i64>(), value(), value()), 0..60),
        ) {
            let rows: VecDeque<Row<2>> =
                rows.into_iter().map(|(time, one, other)| Row { time, values: [one, other] }).collect();
            let again = unpack(&pack(rows.len(), &rows)).expect("its own bytes");
            prop_assert_eq!(bits(&again), bits(&rows));
        }

        #[test]
        fn hostile_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = unpack::<2>(&bytes);
        }
    }

    #[test]
    fn a_minute_of_readings_takes_18_bytes_a_reading_at_most() {
        let row = |n: i64| Row {
            time: 1_767_225_600_000 + n * 1000,
            values: std::array::from_fn::<_, 7, _>(|sensor| {
                70.0 + ((n + sensor as i64) * 37 % 50) as f64 / 100.0
            }),
        };
        let rows: VecDeque<_> = (0..60).map(row).collect();
        assert!(pack(60, &rows).len() <= 60 * 18, "{}", pack(60, &rows).len());
    }
}
