use serde::{Deserialize, Serialize};

use super::plant::Sensors;
use super::{BEARING, TEMPERATURE, VIBRATION};

/// What a restart leaves for an hour or two in the residuals of a healthy machine: it is cold, and so are its
/// bearings, which also run in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Warming {
    /// For each of [`COLD`] the sums of a least-squares fit: of products with the shape, and of its squares.
    sums: [(f64, f64); COLD.len()],
}

/// What warms up, and in how many minutes to a third of what is missing. Averages of the load that begin with
/// the restart are off by a part that fades just as fast.
const COLD: [(usize, f64); 2] = [(TEMPERATURE, 25.0), (BEARING, 15.0)];
/// How cold it is, is seen until so many minutes after the restart.
const SEEN: f64 = 45.0;
/// Vibration of bearings that run in, mm/s, and the minutes until a third of it is left.
const RUN_IN: (f64, f64) = (0.8, 60.0);
/// After so many minutes nothing is left.
const OVER: f64 = 720.0;

impl Warming {
    /// Takes it out of the residuals of a minute so long after the restart. `vibration` is a residual of one
    /// mm/s.
    pub fn take_out(&mut self, minutes: f64, vibration: f64, centre: &Sensors, seen: &Seen<'_>) -> Sensors {
        let mut residuals = *seen.residuals;
        if minutes > OVER {
            return residuals;
        }
        residuals[VIBRATION] -= vibration * RUN_IN.0 * (-minutes / RUN_IN.1).exp();
        for ((sensor, fades), (with, squares)) in COLD.into_iter().zip(&mut self.sums) {
            let shape = (-minutes / fades).exp();
            if minutes <= SEEN && seen.sensors[sensor].is_finite() {
                *with += shape * (residuals[sensor] - centre[sensor]);
                *squares += shape * shape;
            }
            residuals[sensor] -= shape * *with / squares.max(1e-12);
        }
        residuals
    }
}

/// A minute: what its sensors showed, and their residuals.
pub(super) struct Seen<'a> {
    pub sensors: &'a Sensors,
    pub residuals: &'a Sensors,
}
