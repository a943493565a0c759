use millrace_schemas::reading::SENSORS;
use millrace_schemas::{SensorStats, WindowStats};
use serde::{Deserialize, Serialize};

use crate::window::moments::Moments;
use crate::window::row::counts;

/// What an open window knows of its readings; none of them is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Open {
    pub start: i64,
    count: i64,
    late: i64,
    sensors: [Values; SENSORS],
}

/// The values of one sensor.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Values {
    moments: Moments,
    range: Option<Range>,
}

/// The values at the ends, by size and by time.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Range {
    min: f64,
    max: f64,
    first: (i64, f64),
    last: (i64, f64),
}

impl Open {
    pub fn new(start: i64) -> Self {
        Self { start, ..Self::default() }
    }

    pub fn take(&mut self, time: i64, values: &[Option<f64>; SENSORS], is_late: bool) {
        self.count += 1;
        self.late += i64::from(is_late);
        for (known, value) in self.sensors.iter_mut().zip(values) {
            if let Some(value) = value.filter(|value| counts(*value)) {
                known.take(time, value);
            }
        }
    }

    pub fn close(&self, machine: &str, size: i64) -> WindowStats {
        WindowStats {
            machine_id: machine.to_owned(),
            window_start: self.start,
            window_end: self.start + size,
            count: self.count,
            late: self.late,
            ..WindowStats::default()
        }
        .with_sensors(std::array::from_fn(|sensor| self.sensors[sensor].stats()))
    }
}

impl Values {
    fn take(&mut self, time: i64, value: f64) {
        self.moments.grow(value);
        match &mut self.range {
            Some(range) => range.take(time, value),
            none => {
                *none = Some(Range { min: value, max: value, first: (time, value), last: (time, value) });
            }
        }
    }

    fn stats(&self) -> Option<SensorStats> {
        let Range { min, max, first, last } = self.range?;
        let seconds = (last.0 - first.0) as f64 / 1000.0;
        Some(SensorStats {
            count: i64::from(self.moments.count()),
            mean: self.moments.mean(),
            deviation: self.moments.deviation(),
            min,
            max,
            first: first.1,
            last: last.1,
            rate: (seconds > 0.0).then(|| (last.1 - first.1) / seconds),
        })
    }
}

impl Range {
    /// Of two values of one time, the one that came first is the older.
    fn take(&mut self, time: i64, value: f64) {
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if time < self.first.0 {
            self.first = (time, value);
        }
        if time >= self.last.0 {
            self.last = (time, value);
        }
    }
}
