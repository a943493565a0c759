use millrace_schemas::{MaintenanceStatus, Sensor, SensorReading};
use serde::{Deserialize, Serialize};

use crate::window::MachineWindow;

/// Values that a window must have before a deviation from their mean says anything.
const LEAST_VALUES: u32 = 10;

/// A value that is strange.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Which sensor.
    pub sensor: Sensor,
    /// Its value.
    pub value: f64,
    /// Deviations from the rolling mean, where there is one.
    pub z: Option<f64>,
    /// Whether it is beyond the critical limit.
    pub critical: bool,
    /// How strange it is: 1 and more where it is marked at all.
    pub score: f64,
}

/// What is strange about a reading, seen against the window before it. A machine that stands for maintenance is
/// not judged; after it, deviations count again once the window holds nothing older than the restart:
/// `running` is the number of readings since then.
pub(super) fn marks(
    limit: f64,
    window: &MachineWindow,
    running: u64,
    reading: &SensorReading<'_>,
) -> Vec<Mark> {
    if reading.maintenance_status == MaintenanceStatus::Maintenance {
        return Vec::new();
    }
    let present = Sensor::ALL
        .into_iter()
        .filter_map(|sensor| Some((sensor, reading.sensor(sensor).filter(|value| value.is_finite())?)));
    present.filter_map(|(sensor, value)| mark(limit, window, running, sensor, value)).collect()
}

fn mark(limit: f64, window: &MachineWindow, running: u64, sensor: Sensor, value: f64) -> Option<Mark> {
    let z = window.spread(sensor as usize).and_then(|spread| {
        let deviation = spread.deviation.filter(|deviation| *deviation > 0.0)?;
        let is_told = spread.count >= LEAST_VALUES && running >= u64::from(spread.count);
        is_told.then(|| (value - spread.mean) / deviation)
    });
    let critical = sensor.is_critical(value);
    let far = z.map_or(0.0, |z| z.abs() / limit);
    let beyond = if critical { beyond(sensor, value) } else { 0.0 };
    let score = far.max(beyond);
    (far > 1.0 || critical).then_some(Mark { sensor, value, z, critical, score })
}

/// How far a value is beyond its critical limit, as a multiple of it: 1 at the limit.
fn beyond(sensor: Sensor, value: f64) -> f64 {
    let limit = sensor.critical();
    if sensor == Sensor::OilLevel { (2.0 - value / limit).max(1.0) } else { value / limit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Span;

    fn reading(temperature: f64) -> SensorReading<'static> {
        let mut reading = SensorReading::default();
        reading.sensors[Sensor::Temperature as usize] = Some(temperature);
        reading
    }

    /// 20 values of 69 and 71 in turn: mean 70, deviation 1.026.
    fn window() -> MachineWindow {
        let mut window = MachineWindow::new(Span::Records(60));
        for time in 0..20 {
            window.push(time, &reading(if time % 2 == 0 { 69.0 } else { 71.0 }).sensors);
        }
        window
    }

    #[test]
    fn a_value_far_from_the_mean_is_marked() {
        assert_eq!(marks(3.0, &window(), 20, &reading(73.0)), []);
        let marked = marks(3.0, &window(), 20, &reading(74.0));
        assert_eq!((marked.len(), marked[0].critical), (1, false));
        assert!((marked[0].z.expect("a deviation") - 3.899).abs() < 0.001, "{marked:?}");
    }

    #[test]
    fn a_critical_value_is_marked_whatever_the_window() {
        let empty = MachineWindow::new(Span::Records(60));
        assert_eq!(marks(3.0, &empty, 0, &reading(95.0)), []);
        let marked = marks(3.0, &empty, 0, &reading(96.0));
        assert!(marked[0].critical && marked[0].z.is_none() && marked[0].score > 1.0, "{marked:?}");
        let mut dry = reading(70.0);
        dry.sensors[Sensor::OilLevel as usize] = Some(30.0);
        assert_eq!(marks(3.0, &empty, 0, &dry).iter().map(|mark| mark.score).collect::<Vec<_>>(), [1.5]);
    }

    #[test]
    fn a_machine_in_maintenance_is_not_judged_and_after_it_not_by_what_was_before() {
        let mut stopped = reading(20.0);
        stopped.maintenance_status = MaintenanceStatus::Maintenance;
        assert_eq!(marks(3.0, &window(), 20, &stopped), []);
        assert_eq!(marks(3.0, &window(), 19, &reading(30.0)), []);
        assert_eq!(marks(3.0, &window(), 20, &reading(30.0)).len(), 1);
    }
}
