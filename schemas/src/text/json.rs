use super::{DOUBLE_FEATURES, INTEGER_FEATURES, Layout, double_features, integer_features};
use super::{present, push_double, push_integer};
use crate::reading::{Features, Rolling, Sensor, SensorReading};

pub(super) fn object(reading: &SensorReading<'_>, layout: Layout, time: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"timestamp\":\"");
    out.extend_from_slice(time.as_bytes());
    out.extend_from_slice(b"\",\"machine_id\":");
    string(&reading.machine_id, out);
    if layout.sequence {
        key("sequence", out);
        push_integer(reading.sequence, out);
    }
    key("maintenance_status", out);
    string(reading.maintenance_status.name(), out);
    for (sensor, value) in Sensor::ALL.iter().zip(reading.sensors) {
        double(sensor.name(), value, out);
    }
    if layout.labels {
        labels(reading, out);
    }
    if layout.features {
        features(&reading.features.unwrap_or_default(), out);
    }
    if layout.rolling {
        rolling(&reading.rolling.unwrap_or_default(), out);
    }
    out.push(b'}');
}

fn labels(reading: &SensorReading<'_>, out: &mut Vec<u8>) {
    key("anomaly_label", out);
    match reading.anomaly_label {
        Some(label) => push_integer(label, out),
        None => out.extend_from_slice(b"null"),
    }
    key("anomaly_type", out);
    match &reading.anomaly_type {
        Some(text) => string(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

fn features(features: &Features, out: &mut Vec<u8>) {
    for (name, value) in INTEGER_FEATURES.iter().zip(integer_features(features)) {
        key(name, out);
        push_integer(value, out);
    }
    for (name, value) in DOUBLE_FEATURES.iter().zip(double_features(features)) {
        double(name, value, out);
    }
}

fn rolling(rolling: &Rolling, out: &mut Vec<u8>) {
    for (sensor, stats) in Sensor::ALL.iter().zip(rolling) {
        let parts = [("_rolling_mean", stats.mean), ("_rolling_std", stats.std), ("_zscore", stats.zscore)];
        for (suffix, value) in parts {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(sensor.name().as_bytes());
            out.extend_from_slice(suffix.as_bytes());
            out.extend_from_slice(b"\":");
            double_or_null(value, out);
        }
    }
}

fn key(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn double(name: &str, value: Option<f64>, out: &mut Vec<u8>) {
    key(name, out);
    double_or_null(value, out);
}

fn double_or_null(value: Option<f64>, out: &mut Vec<u8>) {
    match present(value) {
        Some(value) => push_double(value, out),
        None => out.extend_from_slice(b"null"),
    }
}

pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}
