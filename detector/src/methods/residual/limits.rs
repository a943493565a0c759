use serde::{Deserialize, Serialize};

use super::WEIGHT;
use super::plant::{Failure, NORMAL, Sensors};
use crate::maths::covariance::dot;

/// What holds for every machine of our plant before anything is learnt of one: its normal ranges. It watches
/// the first day, and later what was learnt: a fault that was taken for normal is found here.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Limits {
    averages: Option<Sensors>,
}

impl Limits {
    /// Takes in a minute; a missing value leaves its average as it is.
    pub fn follow(&mut self, sensors: &Sensors) {
        let averages = self.averages.get_or_insert_with(middles);
        for (average, value) in averages.iter_mut().zip(sensors).filter(|(_, value)| value.is_finite()) {
            *average += WEIGHT * (value - *average);
        }
    }

    /// The machine stood still: the averages begin anew.
    pub fn restart(&mut self) {
        self.averages = None;
    }

    /// How far each sensor is from the middle of its normal range: 1 is at an edge.
    pub fn each(&self) -> Sensors {
        self.off().map(f64::abs)
    }

    /// The failure whose effect is nearest to what is seen, and the cosine between the two.
    pub fn likely(&self) -> (Failure, f64) {
        let off = self.off();
        let length = |of: &Sensors| dot(of, of).sqrt().max(1e-12);
        let fit = |failure: Failure| {
            let effect = failure.effect(&middles());
            let effect = std::array::from_fn(|sensor| effect[sensor] / half(sensor));
            (failure, (dot(&effect, &off) / (length(&effect) * length(&off))).clamp(0.0, 1.0))
        };
        let fits = Failure::ALL.map(fit);
        fits.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(fits[0])
    }

    fn off(&self) -> Sensors {
        let averages = self.averages.unwrap_or_else(middles);
        let middles = middles();
        std::array::from_fn(|sensor| (averages[sensor] - middles[sensor]) / half(sensor))
    }
}

fn middles() -> Sensors {
    NORMAL.map(|(low, high)| f64::midpoint(low, high))
}

/// Half the normal range of a sensor.
fn half(sensor: usize) -> f64 {
    (NORMAL[sensor].1 - NORMAL[sensor].0) / 2.0
}
