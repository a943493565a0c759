use serde::{Deserialize, Serialize};

use super::plant::{SENSORS, Sensors};
use super::renewal::Renewal;
use super::{NOISE, WEARING};

/// Where the residuals of a healthy machine lie, sensor by sensor, and how sure that is: a level that is followed
/// by a Kalman filter, and a drift. Maintenance renews what wears and leaves the rest as it was, so a machine is
/// judged soon after a restart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Centre {
    level: Sensors,
    variance: Sensors,
    /// What the level moves by in a minute: oil is used up, bearings wear. It outlasts a restart.
    drift: Sensors,
    renewal: Renewal,
    /// Minutes followed since the restart or since it was unknown, and those of the run in which no alert stood.
    followed: i64,
    quiet: i64,
    /// Where it was hours ago in this run, the earlier first.
    before: [Option<Place>; 2],
}

/// Where a centre was after so many minutes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    followed: i64,
    level: Sensors,
    drift: Sensors,
}

/// The variance of a level of which nothing is known; of one that maintenance renewed; and what a stop adds to
/// that of one which it leaves.
const UNKNOWN: f64 = 1e4;
const RENEWED: f64 = 0.05;
const LEFT: f64 = 0.02;
/// A level is forgotten in a day, which leaves this variance.
const FORGETS: f64 = 1.0 / 1440.0;
const SETTLED: f64 = NOISE * FORGETS;
/// How quickly the drift is learnt, a minute.
const LEARNS_DRIFT: f64 = 5e-8;
/// Most standard deviations by which a minute moves the centre.
const STEP: f64 = 3.0;
/// Minutes after which a level is trusted, and between the places that are kept.
const TRUSTED: i64 = 360;

impl Centre {
    /// Of a machine of which nothing is known but this drift.
    pub fn new(drift: Sensors) -> Self {
        Self {
            level: [0.0; SENSORS],
            variance: [UNKNOWN; SENSORS],
            drift,
            renewal: Renewal::default(),
            followed: 0,
            quiet: 0,
            before: [None, None],
        }
    }

    pub fn level(&self) -> &Sensors {
        &self.level
    }

    /// The variance of each level, where it is so large that it counts beside the noise of averages.
    pub fn doubt(&self) -> Option<&Sensors> {
        self.variance.iter().any(|variance| *variance > 2.0 * SETTLED).then_some(&self.variance)
    }

    /// The machine is stopped, and will be as new. A level that was hardly ever seen without an alert, as where
    /// one stood from the beginning to the end of a run, is not trusted any longer.
    pub fn stop(&mut self) {
        self.renewal.stop();
        for (sensor, variance) in self.variance.iter_mut().enumerate() {
            let wears = WEARING.contains(&sensor);
            *variance = if wears || self.quiet < TRUSTED { UNKNOWN } else { *variance + LEFT };
        }
        for (sensor, level) in WEARING.into_iter().zip(self.renewal.levels().into_iter().flatten()) {
            (self.level[sensor], self.variance[sensor]) = (level, RENEWED);
        }
        (self.followed, self.quiet, self.before) = (0, 0, [None, None]);
    }

    /// Follows the residuals of a minute; gives how far they are off. Where the level is hardly known, a residual
    /// tells of the level and not of itself. While an alert is open only the drift goes on.
    pub fn follow(&mut self, sensors: &Sensors, residuals: &Sensors, open: bool) -> Sensors {
        self.followed += 1;
        self.quiet += i64::from(!open);
        std::array::from_fn(|sensor| {
            // A missing value says nothing: its average fades.
            let is_there = sensors[sensor].is_finite();
            let off = if is_there { residuals[sensor] - self.level[sensor] } else { 0.0 };
            self.level[sensor] += self.drift[sensor];
            if open {
                return off;
            }
            let variance = &mut self.variance[sensor];
            let gain = *variance / (*variance + NOISE);
            let most = STEP * (1.0 + *variance).sqrt();
            self.level[sensor] += gain.max(FORGETS) * off.clamp(-most, most);
            self.drift[sensor] += LEARNS_DRIFT * off.clamp(-STEP, STEP);
            if is_there {
                *variance = (*variance * (1.0 - gain)).max(SETTLED);
            }
            off * (1.0 - gain)
        })
    }

    /// Notes where it is, of a machine that runs in health for so many minutes.
    pub fn note(&mut self, running: i64) {
        if self.followed >= TRUSTED {
            self.renewal.note(running, &self.level, &self.drift);
        }
        if self.followed % TRUSTED == 0 {
            let now = Place { followed: self.followed, level: self.level, drift: self.drift };
            let earlier = self.before[1].take().unwrap_or_else(|| now.clone());
            self.before = [Some(earlier), Some(now)];
        }
    }

    /// An alert opens: the centre may have followed the failure until it was found, and goes back to where it was
    /// hours ago.
    pub fn take_back(&mut self) {
        self.renewal.reject();
        if let Some(Place { followed, level, drift }) = &self.before[0] {
            let since = (self.followed - followed) as f64;
            self.drift = *drift;
            self.level = std::array::from_fn(|sensor| level[sensor] + since * drift[sensor]);
        }
    }
}
