use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::load::leave_out;
use super::plant::{SENSORS, Sensors};
use crate::exact;
use crate::maths::covariance::{dot, inverse, quadratic};
use crate::refusal::Result;

/// How far averaged residuals are off, all together and along each failure's pattern.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Measure {
    /// Inverse covariance of the averaged residuals, without the direction of the load.
    #[serde(with = "exact")]
    precision: Vec<f64>,
    /// One line a pattern: a failure in the residuals, whitened, of unit length.
    #[serde(with = "exact")]
    patterns: Vec<f64>,
}

/// The share of a failure that must be unlike the load for it to be fully seen.
const LEAST: f64 = 0.1;

impl Measure {
    /// A measure by this covariance and these failures' effects, in which the load's direction counts for nothing.
    pub fn new(covariance: &Array2<f64>, load: &[f64], effects: &[f64]) -> Result<Self> {
        let all: Vec<f64> = inverse(covariance)?.iter().copied().collect();
        let mut precision = all.clone();
        leave_out(&mut precision, load);
        let mut patterns = Vec::with_capacity(effects.len());
        for effect in effects.chunks_exact(SENSORS) {
            // What looks like load can hardly be told from it, and is not blown up.
            let least = LEAST * quadratic(&all, effect).sqrt() + 1e-12;
            let length = quadratic(&precision, effect).sqrt().max(least);
            patterns.extend(precision.chunks_exact(SENSORS).map(|line| dot(line, effect) / length));
        }
        Ok(Self { precision, patterns })
    }

    /// By all together: the root of T-squared.
    pub fn distance(&self, averages: &Sensors) -> f64 {
        quadratic(&self.precision, averages).sqrt()
    }

    /// Along each pattern, in standard deviations.
    pub fn along<const PATTERNS: usize>(&self, averages: &Sensors) -> [f64; PATTERNS] {
        std::array::from_fn(|pattern| dot(&self.patterns[pattern * SENSORS..][..SENSORS], averages))
    }

    /// How often averaged residuals hold the effect of a pattern's failure: by least squares in the whitened space.
    pub fn amplitude(&self, pattern: usize, effect: &[f64], averages: &Sensors) -> f64 {
        let direction = &self.patterns[pattern * SENSORS..][..SENSORS];
        dot(direction, averages) / dot(direction, effect).max(1e-9)
    }

    /// Bytes of numbers.
    pub fn size(&self) -> usize {
        (self.precision.capacity() + self.patterns.capacity()) * size_of::<f64>()
    }
}

/// A measure while the centre is hardly known, made anew when the doubt has changed by a tenth.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct InDoubt {
    doubt: Sensors,
    pub measure: Measure,
}

impl InDoubt {
    pub fn new(doubt: &Sensors, measure: Measure) -> Self {
        Self { doubt: *doubt, measure }
    }

    /// Whether it still measures by nearly this doubt.
    pub fn holds(&self, doubt: &Sensors) -> bool {
        doubt.iter().zip(&self.doubt).all(|(now, then)| (now - then).abs() <= 0.1 * then)
    }
}
