//! Readings in JSON are read as they were written, and what is none is refused by its field.

use std::borrow::Cow;

use millrace_schemas::text::{Layout, TextEncoder, parse_json};
use millrace_schemas::{MaintenanceStatus, SensorReading};
use proptest::option::of;
use proptest::prelude::*;

/// What our text formats write: two decimals.
fn sensors() -> impl Strategy<Value = f64> {
    (-100_000_000_i32..100_000_000).prop_map(|hundredths| f64::from(hundredths) / 100.0)
}

prop_compose! {
    fn readings()(
        timestamp in 0_i64..253_402_300_799_999, machine in "[A-Za-z0-9_.-]{1,20}", sequence in any::<i64>(),
        stands in any::<bool>(), sensors in prop::array::uniform7(of(sensors())), label in of(0..2),
    ) -> SensorReading<'static> {
        SensorReading {
            timestamp,
            machine_id: Cow::Owned(machine),
            sequence,
            maintenance_status: if stands { MaintenanceStatus::Maintenance } else { MaintenanceStatus::Operational },
            sensors,
            anomaly_label: label,
            anomaly_type: label.map(|_| Cow::Borrowed("normal")),
            ..SensorReading::default()
        }
    }
}

proptest! {
    #[test]
    fn a_reading_is_read_as_it_was_written(reading in readings()) {
        let layout = Layout { milliseconds: true, sequence: true, labels: true, ..Layout::default() };
        let mut bytes = Vec::new();
        TextEncoder::new(layout).json(&reading, &mut bytes);
        prop_assert_eq!(parse_json(&bytes), Ok(reading));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_json(&bytes);
    }
}

fn refusal(text: &str) -> String {
    parse_json(text.as_bytes()).expect_err(text).to_string()
}

#[test]
fn a_time_may_have_a_zone_or_be_a_number() {
    for time in [r#""2026-01-01T00:00:00""#, r#""2026-01-01T01:00:00+01:00""#, "1767225600000"] {
        let read = parse_json(format!(r#"{{"timestamp":{time},"machine_id":"M"}}"#).as_bytes());
        assert_eq!(read.map(|reading| reading.timestamp), Ok(1_767_225_600_000), "{time}");
    }
}

#[test]
fn what_is_no_reading_is_refused_by_its_field() {
    let row = |field: &str| format!(r#"{{"timestamp":"2026-01-01T00:00:00","machine_id":"M",{field}}}"#);
    assert!(refusal("[1]").starts_with("body: is no JSON object"));
    assert_eq!(refusal(r#"{"machine_id":"M"}"#), "timestamp: is missing");
    assert_eq!(refusal(r#"{"timestamp":0}"#), "machine_id: is missing");
    assert_eq!(refusal(&row(r#""vibration":"fast""#)), r#"vibration: "fast" is no number"#);
    assert_eq!(refusal(&row(r#""sequence":1.5"#)), "sequence: 1.5 is no whole number");
    assert_eq!(refusal(&row(r#""maintenance_status":"off""#)), "maintenance_status: `off` does not exist");
    let time = r#"{"timestamp":"yesterday","machine_id":"M"}"#;
    assert_eq!(refusal(time), r#"timestamp: "yesterday" is no time such as 2026-01-01T00:00:00"#);
}
