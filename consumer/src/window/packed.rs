//! Samples as bytes: time differences, and values of two decimals as differences too, since most sensors have
//! no more. Nothing is lost.

use std::collections::VecDeque;

/// A scaled value must be exact as an integer and leave room for a sign and a flag.
const LARGEST: f64 = 4_503_599_627_370_496.0;

pub(super) fn pack(samples: &VecDeque<(i64, f64)>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(samples.len() * 4 + 4);
    write(samples.len() as u64, &mut bytes);
    let (mut before, mut last) = (0_i64, 0_i64);
    for (time, value) in samples {
        write(zigzag(time.wrapping_sub(before)), &mut bytes);
        before = *time;
        match hundredths(*value) {
            Some(scaled) => {
                write(zigzag(scaled - last) << 1, &mut bytes);
                last = scaled;
            }
            None => {
                bytes.push(1);
                bytes.extend(value.to_bits().to_le_bytes());
            }
        }
    }
    bytes
}

/// `None` where the bytes are no samples.
pub(super) fn unpack(mut bytes: &[u8]) -> Option<VecDeque<(i64, f64)>> {
    let count = read(&mut bytes)?;
    // A sample takes two bytes at least, so hostile counts claim no memory.
    let mut samples = VecDeque::with_capacity(usize::try_from(count).ok()?.min(bytes.len() / 2));
    let (mut time, mut last) = (0_i64, 0_i64);
    for _ in 0..count {
        time = time.wrapping_add(unzigzag(read(&mut bytes)?));
        let coded = read(&mut bytes)?;
        let value = if coded == 1 {
            let (raw, rest) = bytes.split_first_chunk()?;
            bytes = rest;
            f64::from_bits(u64::from_le_bytes(*raw))
        } else {
            last = last.checked_add(unzigzag(coded >> 1))?;
            last as f64 / 100.0
        };
        samples.push_back((time, value));
    }
    bytes.is_empty().then_some(samples)
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
        let special = prop::sample::select(vec![-0.0, 0.0, 4.5e13, -1e150, f64::MIN_POSITIVE, 70.1 + 1e-9]);
        prop_oneof![4 => decimals, 1 => any::<f64>(), 1 => special]
    }

    proptest! {
        #[test]
        fn samples_are_read_as_they_were_written(samples: Vec<i64>, values in prop::collection::vec(value(), 0..60)) {
            let samples: VecDeque<(i64, f64)> = samples.into_iter().cycle().zip(values).collect();
            let again = unpack(&pack(&samples)).expect("its own bytes");
            let bits = |all: &VecDeque<(i64, f64)>| -> Vec<(i64, u64)> {
                all.iter().map(|(time, value)| (*time, value.to_bits())).collect()
            };
            prop_assert_eq!(bits(&again), bits(&samples));
        }

        #[test]
        fn hostile_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = unpack(&bytes);
        }
    }

    #[test]
    fn a_minute_of_readings_takes_four_bytes_a_sample_at_most() {
        let samples = (0..60).map(|n| (1_767_225_600_000 + n * 1000, 70.0 + (n * 37 % 50) as f64 / 100.0));
        assert!(pack(&samples.collect()).len() <= 60 * 4 + 16);
    }
}
