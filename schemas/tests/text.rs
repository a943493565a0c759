//! JSON and CSV rows against the guide's examples, to the letter.

use std::borrow::Cow;

use millrace_schemas::text::{Layout, TextEncoder, csv_header};
use millrace_schemas::{Features, SensorReading};

/// 2024-01-15T10:30:00Z, the guide's example.
const EXAMPLE_TIME: i64 = 1_705_314_600_000;

fn example() -> SensorReading<'static> {
    SensorReading {
        timestamp: EXAMPLE_TIME,
        machine_id: Cow::Borrowed("MACHINE_001"),
        sequence: 12,
        sensors: [72.5, 4.2, 5.8, 195.3, 48.7, 87.2, 78.9].map(Some),
        features: Some(Features {
            hour: 10,
            day_of_week: 0,
            month: 1,
            is_weekend: 0,
            is_night_shift: 0,
            temp_pressure_ratio: Some(12.5),
            vibration_power_ratio: Some(0.086),
            flow_pressure_product: Some(1132.74),
        }),
        anomaly_label: Some(0),
        anomaly_type: Some(Cow::Borrowed("normal")),
        ..SensorReading::default()
    }
}

fn json(layout: Layout, reading: &SensorReading<'_>) -> String {
    let mut out = Vec::new();
    TextEncoder::new(layout).json(reading, &mut out);
    String::from_utf8(out).expect("UTF-8")
}

fn csv(layout: Layout, reading: &SensorReading<'_>) -> String {
    let mut out = Vec::new();
    TextEncoder::new(layout).csv(reading, &mut out);
    String::from_utf8(out).expect("UTF-8")
}

const STUDENT: Layout =
    Layout { milliseconds: false, sequence: false, labels: false, features: true, rolling: false };

#[test]
fn the_students_csv_is_the_guides() {
    assert_eq!(
        csv_header(STUDENT),
        "timestamp,machine_id,maintenance_status,temperature,vibration,pressure,flow_rate,power_consumption,\
         oil_level,bearing_temperature,hour,day_of_week,month,is_weekend,is_night_shift,temp_pressure_ratio,\
         vibration_power_ratio,flow_pressure_product"
    );
    assert_eq!(
        csv(STUDENT, &example()),
        "2024-01-15T10:30:00,MACHINE_001,operational,72.5,4.2,5.8,195.3,48.7,87.2,78.9,10,0,1,0,0,12.5,0.086,1132.74"
    );
}

#[test]
fn the_instructors_rows_have_the_labels_before_the_features() {
    let layout = Layout { labels: true, ..STUDENT };
    assert!(csv_header(layout).contains("bearing_temperature,anomaly_label,anomaly_type,hour"));
    assert!(csv(layout, &example()).contains(",78.9,0,normal,10,"));
    assert!(json(layout, &example()).contains(r#""anomaly_label":0,"anomaly_type":"normal","hour":10"#));
}

#[test]
fn json_has_the_guides_fields_in_its_order() {
    assert_eq!(
        json(STUDENT, &example()),
        r#"{"timestamp":"2024-01-15T10:30:00","machine_id":"MACHINE_001","maintenance_status":"operational","temperature":72.5,"vibration":4.2,"pressure":5.8,"flow_rate":195.3,"power_consumption":48.7,"oil_level":87.2,"bearing_temperature":78.9,"hour":10,"day_of_week":0,"month":1,"is_weekend":0,"is_night_shift":0,"temp_pressure_ratio":12.5,"vibration_power_ratio":0.086,"flow_pressure_product":1132.74}"#
    );
}

#[test]
fn json_on_kafka_has_the_sequence_after_the_machine() {
    let layout = Layout { sequence: true, ..STUDENT };
    assert!(
        json(layout, &example()).contains(r#""machine_id":"MACHINE_001","sequence":12,"maintenance_status""#)
    );
}

#[test]
fn milliseconds_are_on_every_row_or_on_none() {
    let layout = Layout { milliseconds: true, ..STUDENT };
    let later = SensorReading { timestamp: EXAMPLE_TIME + 250, ..example() };
    assert!(csv(layout, &example()).starts_with("2024-01-15T10:30:00.000,"));
    assert!(csv(layout, &later).starts_with("2024-01-15T10:30:00.250,"));
}

#[test]
fn a_missing_value_is_null_in_json_and_empty_in_csv() {
    let mut reading = example();
    reading.sensors[0] = None;
    reading.sensors[1] = Some(f64::NAN);
    assert!(json(STUDENT, &reading).contains(r#""temperature":null,"vibration":null,"pressure":5.8"#));
    assert!(csv(STUDENT, &reading).contains(",operational,,,5.8,"));
}

#[test]
fn strings_that_need_it_are_escaped() {
    let reading = SensorReading { machine_id: Cow::Borrowed("a\"b,\n"), ..example() };
    let value: serde_json::Value = serde_json::from_str(&json(STUDENT, &reading)).expect("JSON");
    assert_eq!(value["machine_id"], "a\"b,\n");
    assert!(csv(STUDENT, &reading).contains(",\"a\"\"b,\n\",operational"));
}
