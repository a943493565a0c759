use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime};
use serde_json::{Map, Value};

use crate::codec::{DecodeError, MAX_BODY_BYTES};
use crate::reading::{MaintenanceStatus, Sensor, SensorReading};

type Result<T> = std::result::Result<T, DecodeError>;

/// Reads a reading that is written as a flat JSON object. Time is in UTC: in the guide's form, in RFC 3339 or in
/// milliseconds; numbers of up to 15 digits are read exactly; `sequence` may be missing and is 0 then; features are not read, fields of others are left alone.
///
/// # Errors
/// When the bytes are more than [`MAX_BODY_BYTES`] or no such object, naming the field at fault.
pub fn parse_json(bytes: &[u8]) -> Result<SensorReading<'static>> {
    if bytes.len() > MAX_BODY_BYTES {
        let problem = format!("{} bytes are more than the {MAX_BODY_BYTES} allowed", bytes.len());
        return Err(DecodeError::new("body", problem));
    }
    let row: Map<String, Value> = serde_json::from_slice(bytes)
        .map_err(|e| DecodeError::new("body", format!("is no JSON object: {e}")))?;
    let mut reading = SensorReading {
        timestamp: time(row.get("timestamp"))?,
        machine_id: Cow::Owned(text(&row, "machine_id")?.unwrap_or_default()),
        sequence: integer(&row, "sequence")?.unwrap_or(0),
        maintenance_status: status(text(&row, "maintenance_status")?.as_deref())?,
        anomaly_label: label(integer(&row, "anomaly_label")?)?,
        anomaly_type: text(&row, "anomaly_type")?.map(Cow::Owned),
        ..SensorReading::default()
    };
    if reading.machine_id.is_empty() {
        return Err(DecodeError::new("machine_id", "is missing"));
    }
    for (value, sensor) in reading.sensors.iter_mut().zip(Sensor::ALL) {
        *value = number(&row, sensor.name())?;
    }
    Ok(reading)
}

fn present<'a>(row: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    row.get(field).filter(|value| !value.is_null())
}

fn wrong(field: &'static str, value: &Value, wanted: &str) -> DecodeError {
    let shown: String = value.to_string().chars().take(40).collect();
    DecodeError::new(field, format!("{shown} is no {wanted}"))
}

fn text(row: &Map<String, Value>, field: &'static str) -> Result<Option<String>> {
    let value = present(row, field);
    value
        .map(|value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(field, value, "text")))
        .transpose()
}

fn integer(row: &Map<String, Value>, field: &'static str) -> Result<Option<i64>> {
    let value = present(row, field);
    value.map(|value| value.as_i64().ok_or_else(|| wrong(field, value, "whole number"))).transpose()
}

fn number(row: &Map<String, Value>, field: &'static str) -> Result<Option<f64>> {
    let value = present(row, field);
    value.map(|value| value.as_f64().ok_or_else(|| wrong(field, value, "number"))).transpose()
}

fn label(value: Option<i64>) -> Result<Option<i32>> {
    let fits = |value| {
        i32::try_from(value)
            .map_err(|_| DecodeError::new("anomaly_label", format!("{value} does not fit an int")))
    };
    value.map(fits).transpose()
}

fn status(name: Option<&str>) -> Result<MaintenanceStatus> {
    let all = [MaintenanceStatus::Operational, MaintenanceStatus::Maintenance];
    let Some(name) = name else { return Ok(MaintenanceStatus::Operational) };
    let problem = || DecodeError::new("maintenance_status", format!("`{name}` does not exist"));
    all.into_iter().find(|status| status.name() == name).ok_or_else(problem)
}

fn time(value: Option<&Value>) -> Result<i64> {
    let Some(value) = value else { return Err(DecodeError::new("timestamp", "is missing")) };
    let found = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => {
            let zoned = DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_millis());
            let bare = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
            zoned.or_else(|_| bare().map(|time| time.and_utc().timestamp_millis())).ok()
        }
        _ => None,
    };
    found.ok_or_else(|| wrong("timestamp", value, "time such as 2026-01-01T00:00:00"))
}
