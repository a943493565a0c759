use millrace_schemas::Sensor;
pub use millrace_schemas::reading::SENSORS;
use serde::{Deserialize, Serialize};

use super::{BEARING, TEMPERATURE};

/// One value a sensor, in the order and units of `SensorReading`; NaN is missing.
pub type Sensors = [f64; SENSORS];

/// The normal range of each sensor.
pub const NORMAL: [(f64, f64); SENSORS] =
    [(60.0, 85.0), (2.0, 8.0), (4.5, 6.5), (180.0, 220.0), (45.0, 55.0), (75.0, 95.0), (70.0, 90.0)];

/// The critical limit of each sensor: oil below, all others above.
pub const CRITICAL: Sensors = {
    let mut limits = [0.0; SENSORS];
    let mut sensor = 0;
    while sensor < SENSORS {
        limits[sensor] = Sensor::ALL[sensor].critical();
        sensor += 1;
    }
    limits
};

const OIL: usize = Sensor::OilLevel as usize;

/// The first sensor that is beyond its critical limit.
pub fn beyond_critical(sensors: &Sensors) -> Option<usize> {
    Sensor::ALL.iter().zip(sensors).position(|(sensor, value)| sensor.is_critical(*value))
}

/// The failures whose pattern is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Failure {
    /// Vibration and bearing temperature rise.
    BearingFailure,
    /// Pressure and flow fall, power rises.
    PumpFailure,
    /// Temperature and power rise.
    Overheating,
    /// Oil is lost, temperature rises.
    OilLeak,
    /// Power, vibration and temperature rise.
    MotorFailure,
}

impl Failure {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::BearingFailure, Self::PumpFailure, Self::Overheating, Self::OilLeak, Self::MotorFailure];

    /// The name in labels and alerts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BearingFailure => "bearing_failure",
            Self::PumpFailure => "pump_failure",
            Self::Overheating => "overheating",
            Self::OilLeak => "oil_leak",
            Self::MotorFailure => "motor_failure",
        }
    }

    /// Its share of all failures.
    pub const fn share(self) -> f64 {
        match self {
            Self::BearingFailure => 0.3,
            Self::PumpFailure => 0.25,
            Self::Overheating => 0.2,
            Self::OilLeak => 0.15,
            Self::MotorFailure => 0.1,
        }
    }

    /// The sensors that the failure is known by.
    pub const fn sensors(self) -> &'static [usize] {
        match self {
            Self::BearingFailure => &[1, 6],
            Self::PumpFailure => &[2, 3, 4],
            Self::Overheating => &[0, 4],
            Self::OilLeak => &[5, 0],
            Self::MotorFailure => &[4, 1, 0],
        }
    }

    /// What full severity does to a machine whose healthy sensors show `usual`: towards and just beyond the
    /// critical limits. The pump's pressure falls less than its head, since less flow costs less pressure; a
    /// bearing follows the machine's temperature by six tenths.
    pub fn effect(self, usual: &Sensors) -> Sensors {
        const BEYOND: f64 = 1.1;
        let room = |sensor: usize| BEYOND * (CRITICAL[sensor] - usual[sensor]);
        let mut effect = [0.0; SENSORS];
        match self {
            Self::BearingFailure => (effect[1], effect[6]) = (room(1), room(6)),
            Self::PumpFailure => {
                let flow = usual[3];
                (effect[2], effect[3]) = (-2.9 + 7.5e-5 * flow * flow * 0.344, -0.19 * flow);
                effect[4] = room(4);
            }
            Self::Overheating => (effect[0], effect[4], effect[6]) = (room(0), 9.0, 0.6 * room(0)),
            Self::OilLeak => (effect[0], effect[5], effect[6]) = (10.0, room(OIL), 6.0),
            Self::MotorFailure => {
                (effect[0], effect[1], effect[4], effect[6]) = (15.0, 5.0, 10.0, 9.0);
            }
        }
        effect
    }

    /// The same while it still grows: temperatures have `reached` only this part, and a bearing that is warmed
    /// by its machine this part of that.
    pub(super) fn effect_when(self, usual: &Sensors, reached: f64) -> Sensors {
        let mut effect = self.effect(usual);
        effect[TEMPERATURE] *= reached;
        effect[BEARING] *= if self == Self::BearingFailure { reached } else { reached * reached };
        effect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_moves_the_sensors_it_is_known_by_and_oil_is_critical_below() {
        let usual = NORMAL.map(|(low, high)| f64::midpoint(low, high));
        for failure in Failure::ALL {
            let effect = failure.effect(&usual);
            assert!(failure.sensors().iter().all(|sensor| effect[*sensor].abs() > 0.5), "{failure:?}");
        }
        assert!((Failure::ALL.iter().map(|failure| failure.share()).sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(beyond_critical(&usual), None);
        assert_eq!(beyond_critical(&[f64::NAN, 5.0, 5.0, 200.0, 50.0, 59.0, 80.0]), Some(OIL));
    }
}
