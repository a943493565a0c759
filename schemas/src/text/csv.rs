use super::{DOUBLE_FEATURES, INTEGER_FEATURES, Layout, double_features, integer_features};
use super::{present, push_double, push_integer};
use crate::reading::{Sensor, SensorReading};

pub(super) fn header(layout: Layout) -> String {
    let mut names = vec!["timestamp".to_owned(), "machine_id".to_owned()];
    let mut add = |wanted: bool, more: &[&str]| {
        if wanted {
            names.extend(more.iter().map(ToString::to_string));
        }
    };
    add(layout.sequence, &["sequence"]);
    add(true, &["maintenance_status"]);
    add(true, &Sensor::ALL.map(Sensor::name));
    add(layout.labels, &["anomaly_label", "anomaly_type"]);
    add(layout.features, &INTEGER_FEATURES);
    add(layout.features, &DOUBLE_FEATURES);
    if layout.rolling {
        for name in Sensor::ALL.map(Sensor::name) {
            names.extend(["rolling_mean", "rolling_std", "zscore"].map(|part| format!("{name}_{part}")));
        }
    }
    names.join(",")
}

pub(super) fn row(reading: &SensorReading<'_>, layout: Layout, time: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(time.as_bytes());
    text(&reading.machine_id, out);
    if layout.sequence {
        integer(reading.sequence, out);
    }
    text(reading.maintenance_status.name(), out);
    doubles(&reading.sensors, out);
    if layout.labels {
        match reading.anomaly_label {
            Some(label) => integer(label, out),
            None => out.push(b','),
        }
        text(reading.anomaly_type.as_deref().unwrap_or_default(), out);
    }
    if layout.features {
        let features = reading.features.unwrap_or_default();
        integer_features(&features).into_iter().for_each(|value| integer(value, out));
        doubles(&double_features(&features), out);
    }
    if layout.rolling {
        for stats in reading.rolling.unwrap_or_default() {
            doubles(&[stats.mean, stats.std, stats.zscore], out);
        }
    }
}

fn integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.push(b',');
    push_integer(value, out);
}

fn doubles(values: &[Option<f64>], out: &mut Vec<u8>) {
    for value in values {
        out.push(b',');
        if let Some(value) = present(*value) {
            push_double(value, out);
        }
    }
}

fn text(value: &str, out: &mut Vec<u8>) {
    out.push(b',');
    quoted(value, out);
}

/// RFC 4180: quoted only where it must be.
pub(super) fn quoted(value: &str, out: &mut Vec<u8>) {
    if value.contains([',', '"', '\n', '\r']) {
        out.push(b'"');
        out.extend_from_slice(value.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(value.as_bytes());
    }
}
