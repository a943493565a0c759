use millrace_schemas::Sensor;
use millrace_schemas::reading::SENSORS;

use super::draw::Draw;

/// Sensors that go on showing what they showed last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stuck {
    /// The sensor; `None` = all of them.
    sensor: Option<Sensor>,
    /// What they showed last.
    shown: [Option<f64>; SENSORS],
    /// The event time from which on they show what is true again.
    until: i64,
}

/// How often it is the whole machine that is stuck, and not one sensor.
const ALL: f64 = 0.25;

impl Stuck {
    /// Stuck at what was `shown` last.
    pub fn draw(draw: &mut Draw, shown: [Option<f64>; SENSORS], until: i64) -> Self {
        let sensor = if draw.hits(ALL) { None } else { Some(draw.sensor()) };
        Self { sensor, shown, until }
    }

    pub fn is_over(&self, now: i64) -> bool {
        now >= self.until
    }

    /// What the sensors show instead of `sensors`.
    pub fn show(&self, sensors: &mut [Option<f64>; SENSORS]) {
        match self.sensor {
            Some(sensor) => sensors[sensor as usize] = self.shown[sensor as usize],
            None => *sensors = self.shown,
        }
    }

    /// What is stuck, for the ledger.
    pub fn detail(&self) -> &'static str {
        self.sensor.map_or("all", Sensor::name)
    }
}
