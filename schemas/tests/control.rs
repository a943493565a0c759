//! Commands and replies: what is written is read again, by us and by other writers' schemas.

use millrace_schemas::codec::{RecordCodec, read_frame};
use millrace_schemas::subject::{ANOMALY_ALERT, CONTROL_COMMAND, CONTROL_REPLY, WINDOW_STATS};
use millrace_schemas::{
    AlertState, AnomalyAlert, ControlCommand, ControlReply, ControlStatus, MachineState, Sensor, SensorStats,
    WindowStats,
};
use proptest::option::of;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn through<T: Serialize + DeserializeOwned>(schema: &str, value: &T) -> T {
    let codec = RecordCodec::new(schema).expect("a schema");
    let frame = codec.encode(7, value).expect("written");
    let (id, body) = read_frame(&frame).expect("a frame");
    assert_eq!(id, 7);
    codec.decode(schema, body).expect("read")
}

prop_compose! {
    fn commands()(
        id in ".{0,20}", action in ".{0,10}", machine_id in of(".{0,9}"), failure in of(".{0,9}"),
        hours in of(any::<f64>().prop_filter("a number", |x| !x.is_nan())), severity in of(0.0..1.0),
        minutes in of(0.0..1e6), rate in of(0.0..1e3), speed in of(".{0,5}"),
    ) -> ControlCommand {
        ControlCommand { id, action, machine_id, failure, hours, severity, minutes, rate, speed }
    }
}

#[test]
fn an_alert_is_read_as_it_was_written() {
    let alert = AnomalyAlert {
        alert_id: "a".into(),
        state: AlertState::Updated,
        timestamp: 1_767_225_600_000,
        shares: [("temperature".to_owned(), 0.75), ("vibration".to_owned(), 0.25)].into(),
        severity: Some(0.5),
        ..AnomalyAlert::default()
    };
    assert_eq!(through(ANOMALY_ALERT, &alert), alert);
}

#[test]
fn a_window_is_read_as_it_was_written_each_sensor_by_its_name() {
    let sensors = Sensor::ALL.map(|sensor| {
        let (count, mean) = (sensor as i64 + 1, sensor as u8 as f64);
        let deviation = (count > 1).then_some(0.5);
        (sensor != Sensor::OilLevel).then_some(SensorStats {
            count,
            mean,
            deviation,
            ..SensorStats::default()
        })
    });
    let window = WindowStats {
        machine_id: "A".into(),
        window_start: -60_000,
        count: 7,
        late: 1,
        ..WindowStats::default()
    }
    .with_sensors(sensors);
    assert_eq!(through(WINDOW_STATS, &window), window);
    for sensor in Sensor::ALL {
        assert_eq!(window.sensor(sensor).copied(), sensors[sensor as usize], "{}", sensor.name());
    }
}

proptest! {
    #[test]
    fn a_command_is_read_as_it_was_written(command in commands()) {
        prop_assert_eq!(through(CONTROL_COMMAND, &command), command);
    }

    #[test]
    fn a_reply_is_read_as_it_was_written(command in of(commands()), timestamp in of(any::<i64>()), severity in 0.0..1.0) {
        let state = MachineState { machine_id: "A".into(), in_maintenance: true, failure: None, severity };
        let status = if command.is_some() { ControlStatus::Accepted } else { ControlStatus::Expired };
        let states = vec![state; usize::from(timestamp.is_some())];
        let reply = ControlReply { command_id: "x".into(), status, command, timestamp, states, ..ControlReply::default() };
        prop_assert_eq!(through(CONTROL_REPLY, &reply), reply);
    }

    #[test]
    fn hostile_bytes_are_refused_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let codec = RecordCodec::new(CONTROL_COMMAND).expect("a schema");
        let _ = codec.decode::<ControlCommand>(CONTROL_COMMAND, &body);
    }
}

#[test]
fn a_command_of_another_writers_schema_is_read_through_it() {
    let theirs = r#"{"type": "record", "name": "ControlCommand", "namespace": "millrace", "fields": [
        {"name": "note", "type": "string"},
        {"name": "action", "type": "string"},
        {"name": "hours", "type": "int"},
        {"name": "id", "type": "string"}]}"#;
    let body = [&[2, b'n', 12][..], b"inject", &[6, 4], b"c1"].concat();
    let codec = RecordCodec::new(CONTROL_COMMAND).expect("a schema");
    let read: ControlCommand = codec.decode(theirs, &body).expect("read");
    let expected = ControlCommand {
        id: "c1".into(),
        action: "inject".into(),
        hours: Some(3.0),
        ..ControlCommand::default()
    };
    assert_eq!(read, expected);
}
