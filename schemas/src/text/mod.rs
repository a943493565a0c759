//! Readings as flat text: JSON objects and CSV rows with the same fields, order and values.
//!
//! The order is: time, machine, (sequence), status, sensors, (labels), (features), (rolling).
//! Times are UTC without suffix, with milliseconds on all rows of a run or on none.

mod csv;
mod json;
mod parse;
mod truth;

use chrono::DateTime;

pub use parse::parse_json;
pub use truth::{TruthEncoder, episode_csv, episode_csv_header, episode_json, truth_csv_header};

use crate::reading::{Features, SensorReading};

/// Which optional fields the rows of a run have. All rows of a run have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// `.fff` on every timestamp.
    pub milliseconds: bool,
    /// `sequence` after `machine_id`.
    pub sequence: bool,
    /// `anomaly_label` and `anomaly_type` after the sensors.
    pub labels: bool,
    /// The eight derived features.
    pub features: bool,
    /// Mean, standard deviation and z-score of each sensor.
    pub rolling: bool,
}

/// Writes readings as text rows; keeps the last timestamp's text, which a whole tick shares.
pub struct TextEncoder {
    layout: Layout,
    timestamp: i64,
    time: String,
}

impl TextEncoder {
    /// An encoder whose rows have the fields of `layout`.
    pub fn new(layout: Layout) -> Self {
        Self { layout, timestamp: 0, time: format_time(0, layout.milliseconds) }
    }

    /// Appends one JSON object, without a line end.
    pub fn json(&mut self, reading: &SensorReading<'_>, out: &mut Vec<u8>) {
        self.keep_time(reading.timestamp);
        json::object(reading, self.layout, &self.time, out);
    }

    /// Appends one CSV row, without a line end.
    pub fn csv(&mut self, reading: &SensorReading<'_>, out: &mut Vec<u8>) {
        self.keep_time(reading.timestamp);
        csv::row(reading, self.layout, &self.time, out);
    }

    fn keep_time(&mut self, timestamp: i64) {
        if timestamp != self.timestamp {
            self.timestamp = timestamp;
            self.time = format_time(timestamp, self.layout.milliseconds);
        }
    }
}

/// The CSV header of a layout, without a line end.
pub fn csv_header(layout: Layout) -> String {
    csv::header(layout)
}

/// UTC without suffix, as in `2024-01-15T10:30:00` or `2024-01-15T10:30:00.250`.
pub fn format_time(timestamp_ms: i64, milliseconds: bool) -> String {
    let pattern = if milliseconds { "%Y-%m-%dT%H:%M:%S%.3f" } else { "%Y-%m-%dT%H:%M:%S" };
    match DateTime::from_timestamp_millis(timestamp_ms) {
        Some(time) => time.format(pattern).to_string(),
        None => timestamp_ms.to_string(),
    }
}

/// The derived features that are whole numbers, in the order of every format.
pub const INTEGER_FEATURES: [&str; 5] = ["hour", "day_of_week", "month", "is_weekend", "is_night_shift"];
/// The derived features that are not, in the order of every format.
pub const DOUBLE_FEATURES: [&str; 3] =
    ["temp_pressure_ratio", "vibration_power_ratio", "flow_pressure_product"];

/// The values of [`INTEGER_FEATURES`].
pub fn integer_features(f: &Features) -> [i32; 5] {
    [f.hour, f.day_of_week, f.month, f.is_weekend, f.is_night_shift]
}

/// The values of [`DOUBLE_FEATURES`].
pub fn double_features(f: &Features) -> [Option<f64>; 3] {
    [f.temp_pressure_ratio, f.vibration_power_ratio, f.flow_pressure_product]
}

fn push_integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// The shortest text that reads back as the same number; nothing where it is missing.
fn push_double(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
}

fn present(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite())
}
