//! A reading: what one machine's sensors showed at one moment of event time.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The seven sensors of a machine, in the order of every format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sensor {
    /// Degrees Celsius.
    Temperature,
    /// Millimetres a second.
    Vibration,
    /// Bar.
    Pressure,
    /// Litres a minute.
    FlowRate,
    /// Kilowatts.
    PowerConsumption,
    /// Percent.
    OilLevel,
    /// Degrees Celsius.
    BearingTemperature,
}

/// How many sensors a machine has.
pub const SENSORS: usize = 7;

impl Sensor {
    /// All sensors, in the order of every format.
    pub const ALL: [Self; SENSORS] = [
        Self::Temperature,
        Self::Vibration,
        Self::Pressure,
        Self::FlowRate,
        Self::PowerConsumption,
        Self::OilLevel,
        Self::BearingTemperature,
    ];

    /// The field's name in every format.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Vibration => "vibration",
            Self::Pressure => "pressure",
            Self::FlowRate => "flow_rate",
            Self::PowerConsumption => "power_consumption",
            Self::OilLevel => "oil_level",
            Self::BearingTemperature => "bearing_temperature",
        }
    }

    /// The limit beyond which the machine is in danger, in the sensor's unit.
    pub const fn critical(self) -> f64 {
        match self {
            Self::Temperature => 95.0,
            Self::Vibration => 12.0,
            Self::Pressure => 8.0,
            Self::FlowRate => 250.0,
            Self::PowerConsumption => 65.0,
            Self::OilLevel => 60.0,
            Self::BearingTemperature => 105.0,
        }
    }

    /// Whether a value is beyond the critical limit: oil below it, everything else above.
    pub fn is_critical(self, value: f64) -> bool {
        if self == Self::OilLevel { value < self.critical() } else { value > self.critical() }
    }
}

/// Whether a machine runs or is stopped for maintenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaintenanceStatus {
    /// The machine runs.
    #[default]
    Operational,
    /// The machine is stopped and being maintained.
    Maintenance,
}

impl MaintenanceStatus {
    /// The Avro symbol, and the text in JSON and CSV.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Maintenance => "maintenance",
        }
    }
}

/// What one machine's sensors showed at one moment of event time.
///
/// Strings are borrowed where the reading was just made or decoded; [`into_owned`](Self::into_owned)
/// frees it from its source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SensorReading<'a> {
    /// Event time, milliseconds since 1970-01-01T00:00:00Z.
    pub timestamp: i64,
    /// The machine, also the record's key.
    pub machine_id: Cow<'a, str>,
    /// Counts the readings of this machine, from 0.
    pub sequence: i64,
    /// Whether the machine runs.
    pub maintenance_status: MaintenanceStatus,
    /// One value per [`Sensor`], in its order and unit; `None` and NaN mean missing.
    pub sensors: [Option<f64>; SENSORS],
    /// Derived features, if asked for.
    pub features: Option<Features>,
    /// Rolling features, if asked for.
    pub rolling: Option<Rolling>,
    /// 1 while a failure is in progress, else 0; `None` unless labels were asked for.
    pub anomaly_label: Option<i32>,
    /// The failure in progress, or `normal`; `None` unless labels were asked for.
    pub anomaly_type: Option<Cow<'a, str>>,
}

impl SensorReading<'_> {
    /// The value of one sensor, in its unit.
    pub fn sensor(&self, sensor: Sensor) -> Option<f64> {
        self.sensors[sensor as usize]
    }

    /// The same reading, owning its strings.
    pub fn into_owned(self) -> SensorReading<'static> {
        SensorReading {
            machine_id: Cow::Owned(self.machine_id.into_owned()),
            anomaly_type: self.anomaly_type.map(|text| Cow::Owned(text.into_owned())),
            timestamp: self.timestamp,
            sequence: self.sequence,
            maintenance_status: self.maintenance_status,
            sensors: self.sensors,
            features: self.features,
            rolling: self.rolling,
            anomaly_label: self.anomaly_label,
        }
    }
}

/// What follows from one reading alone.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Features {
    /// Hour of the day in UTC, 0 to 23.
    pub hour: i32,
    /// Monday is 0, Sunday 6.
    pub day_of_week: i32,
    /// 1 to 12.
    pub month: i32,
    /// 1 on Saturday and Sunday, else 0.
    pub is_weekend: i32,
    /// 1 from 22:00 to 06:00 UTC, else 0.
    pub is_night_shift: i32,
    /// Temperature / pressure, degrees Celsius per bar, three decimals.
    pub temp_pressure_ratio: Option<f64>,
    /// Vibration / power, millimetres a second per kilowatt, three decimals.
    pub vibration_power_ratio: Option<f64>,
    /// Flow * pressure, litres a minute times bar, two decimals.
    pub flow_pressure_product: Option<f64>,
}

/// Rolling statistics of every sensor, in the order of [`Sensor::ALL`].
pub type Rolling = [RollingStats; SENSORS];

/// Statistics of one sensor over a machine's last 60 readings, this one included, three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RollingStats {
    /// Mean, in the sensor's unit; `None` while every value is missing.
    pub mean: Option<f64>,
    /// Sample standard deviation, in the sensor's unit; `None` below two values.
    pub std: Option<f64>,
    /// (value - mean) / std; `None` where the value is missing or std is 0.
    pub zscore: Option<f64>,
}
