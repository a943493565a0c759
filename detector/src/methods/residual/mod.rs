//! The detector of our plant: what load and neighbours do not explain of each sensor, about a centre that is
//! followed through restarts, averaged, and judged by its full covariance and by the patterns of the failures.
//!
//! Residual charts: Hawkins 1991, "Multivariate quality control based on regression-adjusted variables". The
//! patterns are matched filters in the whitened space (Healy 1987, "A note on multivariate CUSUM procedures").
//! Everything is in minutes: one row of averages a minute.

mod centre;
mod finding;
mod learner;
mod limits;
mod load;
mod measure;
mod model;
mod plant;
mod renewal;
mod warming;
mod watch;

use serde::{Deserialize, Serialize};

pub use finding::Finding;
pub use learner::Learner;
pub use model::ResidualModel;
pub use plant::{CRITICAL, Failure, NORMAL, SENSORS, Sensors, beyond_critical};
pub use watch::{Minute, Residuals, Watch, WatchParams};

/// The sensors, what is remembered of those that carry the load, and time: the present values, then averages.
pub(crate) const FEATURES: usize = 12;
type Features = [f64; FEATURES];

/// Places of the features.
pub(crate) const TEMPERATURE: usize = 0;
pub(crate) const VIBRATION: usize = 1;
pub(crate) const PRESSURE: usize = 2;
pub(crate) const FLOW: usize = 3;
pub(crate) const POWER: usize = 4;
pub(crate) const OIL: usize = 5;
pub(crate) const BEARING: usize = 6;
/// Days since the restart: only while a machine is learnt, since what moves evenly is no part of the noise.
const TIME: usize = FEATURES - 1;

/// The sensors that move evenly while a machine runs and are as new after maintenance: bearings wear, oil is used
/// up.
const WEARING: [usize; 2] = [VIBRATION, OIL];

/// Averages that follow the sensors: (sensor, minutes).
const FOLLOWED: [(usize, f64); 4] = [(POWER, 25.0), (FLOW, 25.0), (PRESSURE, 25.0), (TEMPERATURE, 15.0)];

/// Weight of the newest minute in the averages of residuals.
const WEIGHT: f64 = 0.05;

/// Variance of a minute's residual about the mean of many, in its standard deviations: noise lasts for ten
/// minutes, so one minute says little.
const NOISE: f64 = 15.0;

/// The features that explain a sensor: the load by power, flow and pressure with their averages, never itself.
/// A bearing is also warmed by the machine, and what wears depends on time.
fn explains(feature: usize, sensor: usize) -> bool {
    if feature == TIME {
        return WEARING.contains(&sensor);
    }
    let of = if feature < SENSORS { feature } else { FOLLOWED[feature - SENSORS].0 };
    match of {
        POWER | FLOW | PRESSURE => of != sensor,
        TEMPERATURE => sensor == BEARING,
        _ => false,
    }
}

/// Follows the sensors from minute to minute and makes features of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Follower {
    gains: [f64; 4],
    averages: Option<[f64; 4]>,
    last: Sensors,
}

impl Follower {
    fn new() -> Self {
        let gains = FOLLOWED.map(|(_, minutes)| 1.0 - (-1.0 / minutes).exp());
        Self { gains, averages: None, last: [f64::NAN; SENSORS] }
    }

    /// A missing value counts as the last one that was there; None before the first of each.
    fn follow(&mut self, sensors: &Sensors) -> Option<Features> {
        for (last, value) in self.last.iter_mut().zip(sensors) {
            *last = if value.is_finite() { *value } else { *last };
        }
        if self.last.iter().any(|value| value.is_nan()) {
            return None;
        }
        let now = FOLLOWED.map(|(sensor, _)| self.last[sensor]);
        let averages = self.averages.get_or_insert(now);
        for ((average, gain), value) in averages.iter_mut().zip(self.gains).zip(now) {
            *average += gain * (value - *average);
        }
        let mut features = [0.0; FEATURES];
        features[..SENSORS].copy_from_slice(&self.last);
        features[SENSORS..TIME].copy_from_slice(averages);
        Some(features)
    }

    /// The machine stood still: the averages begin anew.
    fn restart(&mut self) {
        self.averages = None;
    }
}

#[cfg(test)]
mod tests;
