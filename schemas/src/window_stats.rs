//! What a machine's sensors showed in a window of event time that is closed.

use serde::{Deserialize, Serialize};

use crate::reading::{SENSORS, Sensor};

/// What a machine's sensors showed in a window that is closed. There is one for each machine and window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowStats {
    /// The machine, also the record's key.
    pub machine_id: String,
    /// First moment of the window, milliseconds since 1970-01-01T00:00:00Z.
    pub window_start: i64,
    /// First moment after it, in milliseconds.
    pub window_end: i64,
    /// Readings in it.
    pub count: i64,
    /// Those of them that came when the machine's newest reading was already behind the window.
    pub late: i64,
    /// Degrees Celsius.
    pub temperature: Option<SensorStats>,
    /// Millimetres a second.
    pub vibration: Option<SensorStats>,
    /// Bar.
    pub pressure: Option<SensorStats>,
    /// Litres a minute.
    pub flow_rate: Option<SensorStats>,
    /// Kilowatts.
    pub power_consumption: Option<SensorStats>,
    /// Percent.
    pub oil_level: Option<SensorStats>,
    /// Degrees Celsius.
    pub bearing_temperature: Option<SensorStats>,
}

/// What one sensor showed, in its unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SensorStats {
    /// Values that were there.
    pub count: i64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, of a sample; `None` below two values.
    pub deviation: Option<f64>,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// The oldest by event time.
    pub first: f64,
    /// The newest by event time.
    pub last: f64,
    /// From the oldest to the newest, per second of event time; `None` where both have the same time.
    pub rate: Option<f64>,
}

impl WindowStats {
    /// What one sensor showed; `None` where it had no value.
    pub fn sensor(&self, sensor: Sensor) -> Option<&SensorStats> {
        match sensor {
            Sensor::Temperature => &self.temperature,
            Sensor::Vibration => &self.vibration,
            Sensor::Pressure => &self.pressure,
            Sensor::FlowRate => &self.flow_rate,
            Sensor::PowerConsumption => &self.power_consumption,
            Sensor::OilLevel => &self.oil_level,
            Sensor::BearingTemperature => &self.bearing_temperature,
        }
        .as_ref()
    }

    /// The same with what the sensors showed, in the order of [`Sensor::ALL`].
    #[must_use]
    pub fn with_sensors(self, sensors: [Option<SensorStats>; SENSORS]) -> Self {
        let [temperature, vibration, pressure, flow_rate, power_consumption, oil_level, bearing_temperature] =
            sensors;
        Self {
            temperature,
            vibration,
            pressure,
            flow_rate,
            power_consumption,
            oil_level,
            bearing_temperature,
            ..self
        }
    }
}
