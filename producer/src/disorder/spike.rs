use millrace_schemas::Sensor;

use crate::simulate::{Random, hundredths};

/// A value of `sensor` that is five to fifteen times its normal range away from the middle of that range,
/// above or below: no machine shows it, however broken.
pub(super) fn value(sensor: Sensor, random: &mut Random) -> f64 {
    let (low, high) = normal(sensor);
    let side = if random.uniform(0.0, 1.0) < 0.5 { -1.0 } else { 1.0 };
    let away = random.uniform(5.0, 15.0) * (high - low);
    hundredths((low + high) / 2.0 + side * away)
}

/// What a sensor shows on a healthy machine, in its unit.
const fn normal(sensor: Sensor) -> (f64, f64) {
    match sensor {
        Sensor::Temperature => (60.0, 85.0),
        Sensor::Vibration => (2.0, 8.0),
        Sensor::Pressure => (4.5, 6.5),
        Sensor::FlowRate => (180.0, 220.0),
        Sensor::PowerConsumption => (45.0, 55.0),
        Sensor::OilLevel => (75.0, 95.0),
        Sensor::BearingTemperature => (70.0, 90.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Stream;

    #[test]
    fn a_spike_lies_far_outside_on_either_side() {
        let mut random = Random::new(1, "A", Stream::Disorder, 0);
        for sensor in Sensor::ALL {
            let (low, high) = normal(sensor);
            let values: Vec<f64> = (0..200).map(|_| value(sensor, &mut random)).collect();
            let far = 4.5 * (high - low);
            assert!(values.iter().all(|v| *v < low - far || *v > high + far), "{sensor:?}");
            assert!(values.iter().any(|v| *v < low) && values.iter().any(|v| *v > high), "{sensor:?}");
        }
    }
}
