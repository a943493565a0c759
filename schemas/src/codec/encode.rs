use crate::reading::{Features, Rolling, SENSORS, SensorReading};

/// Union branches of `["null", T]`, zigzag-encoded.
pub(super) const NULL: u8 = 0;
pub(super) const VALUE: u8 = 2;
/// A nullable double that is there: its branch and eight bytes.
pub(super) const DOUBLE: usize = 9;

/// Appends the Avro body of a reading, as [`SENSOR_READING`](crate::subject::SENSOR_READING) describes it. NaN is written as null.
pub fn encode_reading(reading: &SensorReading<'_>, out: &mut Vec<u8>) {
    long(reading.timestamp, out);
    string(&reading.machine_id, out);
    long(reading.sequence, out);
    out.push((reading.maintenance_status as u8) << 1);
    doubles(&reading.sensors, out);
    features(reading.features.as_ref(), out);
    rolling(reading.rolling.as_ref(), out);
    labels(reading, out);
}

fn features(features: Option<&Features>, out: &mut Vec<u8>) {
    let Some(f) = features else { return out.push(NULL) };
    out.push(VALUE);
    for number in [f.hour, f.day_of_week, f.month, f.is_weekend, f.is_night_shift] {
        long(i64::from(number), out);
    }
    doubles(&[f.temp_pressure_ratio, f.vibration_power_ratio, f.flow_pressure_product], out);
}

fn rolling(rolling: Option<&Rolling>, out: &mut Vec<u8>) {
    let Some(rolling) = rolling else { return out.push(NULL) };
    out.push(VALUE);
    let mut flat = [None; 3 * SENSORS];
    for (stats, slots) in rolling.iter().zip(flat.chunks_exact_mut(3)) {
        slots.copy_from_slice(&[stats.mean, stats.std, stats.zscore]);
    }
    doubles(&flat, out);
}

fn labels(reading: &SensorReading<'_>, out: &mut Vec<u8>) {
    match reading.anomaly_label {
        None => out.push(NULL),
        Some(label) => {
            out.push(VALUE);
            long(i64::from(label), out);
        }
    }
    match &reading.anomaly_type {
        None => out.push(NULL),
        Some(text) => {
            out.push(VALUE);
            string(text, out);
        }
    }
}

/// Nullable doubles, together: one growth of the buffer where none is missing, which is nearly always.
fn doubles<const N: usize>(values: &[Option<f64>; N], out: &mut Vec<u8>) {
    if values.iter().any(|v| v.is_none_or(f64::is_nan)) {
        return values.iter().for_each(|v| double_or_null(*v, out));
    }
    let mut bytes = [[VALUE; DOUBLE]; N];
    for (slot, value) in bytes.iter_mut().zip(values) {
        slot[1..].copy_from_slice(&value.unwrap_or_default().to_le_bytes());
    }
    out.extend_from_slice(bytes.as_flattened());
}

fn double_or_null(value: Option<f64>, out: &mut Vec<u8>) {
    match value.filter(|v| !v.is_nan()) {
        None => out.push(NULL),
        Some(value) => {
            out.push(VALUE);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    long(i64::try_from(text.len()).unwrap_or(i64::MAX), out);
    out.extend_from_slice(text.as_bytes());
}

/// Zigzag, then seven bits a byte, low bits first.
pub(super) fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    if rest < 0x80 {
        return out.push(rest as u8);
    }
    let mut bytes = [0; 10];
    let mut length = 0;
    for byte in &mut bytes {
        length += 1;
        if rest < 0x80 {
            *byte = rest as u8;
            break;
        }
        *byte = rest as u8 | 0x80;
        rest >>= 7;
    }
    out.extend_from_slice(&bytes[..length]);
}
