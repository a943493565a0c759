use super::plant::{Failure, SENSORS, Sensors};
use crate::alarm::Change;

/// What was found in a minute that was judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// How strange the minute is.
    pub score: f64,
    /// What the score is held against.
    pub threshold: f64,
    /// What the minute changed.
    pub change: Option<Change>,
    /// How far each sensor's averaged residual is off, in standard deviations.
    pub each: Sensors,
    /// The failure whose pattern fits best, and the cosine between the two.
    pub likely: (Failure, f64),
    /// How much of that failure there is: 1 is its full severity. None where nothing was learnt to tell it by.
    pub severity: Option<f64>,
}

impl Finding {
    /// The sensor that is farthest off, among those of the likely failure where its pattern fits.
    pub fn sensor(&self) -> usize {
        let (failure, cosine) = self.likely;
        let known = |sensor: &usize| cosine < FITS || failure.sensors().contains(sensor);
        let among = (0..SENSORS).filter(known);
        among.max_by(|a, b| self.each[*a].total_cmp(&self.each[*b])).unwrap_or(0)
    }
}

/// From this cosine on, the pattern of a failure is taken to be it.
const FITS: f64 = 0.7;
