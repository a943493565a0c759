use std::fmt::Write as _;

use millrace_schemas::text::format_time;
use millrace_schemas::{Sensor, SensorReading};
use serde_json::{Map, Value, json};

use super::detect::Mark;
use crate::pipeline::Place;
use crate::window::{MachineWindow, Stats};

/// A time in the guide's form, UTC without a suffix.
pub(super) fn time(timestamp: i64) -> String {
    format_time(timestamp, timestamp % 1000 != 0)
}

/// One line for people: the reading, and what is strange about it.
pub(super) fn text(reading: &SensorReading<'_>, marks: &[Mark]) -> String {
    let mut line = format!(
        "{}  {:<12} {:>8}  {:<11}",
        time(reading.timestamp),
        reading.machine_id,
        reading.sequence,
        reading.maintenance_status.name()
    );
    for value in reading.sensors {
        let _ = match value {
            Some(value) => write!(line, " {value:>7.2}"),
            None => write!(line, " {:>7}", "-"),
        };
    }
    for (mark, head) in marks.iter().zip(std::iter::once("  ANOMALY ").chain(std::iter::repeat("; "))) {
        let _ = write!(line, "{head}{}", sentence(mark));
    }
    line.push('\n');
    line
}

fn sentence(mark: &Mark) -> String {
    let (name, value) = (mark.sensor.name(), mark.value);
    let far = mark.z.map(|z| format!("{z:+.1} deviations from the mean"));
    if !mark.critical {
        return format!("{name} {value:.2} {}", far.unwrap_or_default());
    }
    let side = if mark.sensor == Sensor::OilLevel { "below" } else { "above" };
    format!("{name} {value:.2} {side} the critical {}", mark.sensor.critical())
}

/// One JSON object: the reading, its machine's statistics with it, and what is strange about it.
pub(super) fn json(at: Place, reading: &SensorReading<'_>, window: &MachineWindow, marks: &[Mark]) -> String {
    let stats = |sensor: Sensor| Some((sensor.name().to_owned(), object(&window.stats(sensor as usize)?)));
    let sensors: Map<String, Value> = Sensor::ALL.into_iter().filter_map(stats).collect();
    let values: Map<String, Value> = Sensor::ALL
        .into_iter()
        .map(|sensor| (sensor.name().to_owned(), reading.sensor(sensor).into()))
        .collect();
    let anomaly = |mark: &Mark| json!({"sensor": mark.sensor.name(), "value": mark.value, "z": mark.z, "critical": mark.critical});
    let line = json!({
        "name": "reading",
        "timestamp": time(reading.timestamp),
        "machine_id": reading.machine_id,
        "sequence": reading.sequence,
        "maintenance_status": reading.maintenance_status.name(),
        "partition": at.partition,
        "offset": at.offset,
        "values": values,
        "window": sensors,
        "anomalies": marks.iter().map(anomaly).collect::<Vec<_>>(),
    });
    format!("{line}\n")
}

fn object(stats: &Stats) -> Value {
    json!({
        "count": stats.count, "mean": stats.mean, "deviation": stats.deviation, "min": stats.min,
        "max": stats.max, "last": stats.last, "rate": stats.rate,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Span;

    fn reading() -> SensorReading<'static> {
        let mut reading = SensorReading {
            timestamp: 1_767_225_600_000,
            machine_id: "MACHINE_001".into(),
            sequence: 7,
            ..SensorReading::default()
        };
        reading.sensors = [Some(96.1), Some(4.0), None, Some(200.0), Some(50.0), Some(59.5), Some(80.0)];
        reading
    }

    fn marks() -> [Mark; 3] {
        let mark = |sensor, value, z, critical| Mark { sensor, value, z, critical, score: 1.1 };
        [
            mark(Sensor::Temperature, 96.1, Some(12.0), true),
            mark(Sensor::Vibration, 4.0, Some(-3.21), false),
            mark(Sensor::OilLevel, 59.5, None, true),
        ]
    }

    #[test]
    fn a_line_shows_the_reading_and_what_is_strange() {
        insta::assert_snapshot!(text(&reading(), &marks()) + &text(&reading(), &[]));
    }

    #[test]
    fn an_object_has_values_window_and_anomalies() {
        let mut window = MachineWindow::new(Span::Records(60));
        window.push(1_767_225_600_000, &reading().sensors);
        let line = json(Place { partition: 2, offset: 9 }, &reading(), &window, &marks()[..1]);
        let pretty: Value = serde_json::from_str(&line).expect("JSON");
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
        insta::assert_snapshot!(serde_json::to_string_pretty(&pretty).expect("JSON"));
    }
}
