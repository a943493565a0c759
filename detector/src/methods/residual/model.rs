use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::learner::{Block, DAY, pooled};
use super::load;
use super::measure::Measure;
use super::plant::{Failure, SENSORS, Sensors};
use super::{FEATURES, FOLLOWED, Features, TIME, explains};
use crate::exact;
use crate::maths::covariance::{dot, inverse};
use crate::maths::quantile::median;
use crate::refusal::{Refusal, Result};

/// What is normal for one machine of our plant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResidualModel {
    /// The features that residuals are taken from.
    #[serde(with = "exact")]
    origin: Vec<f64>,
    /// One line a sensor over the features: residual in standard deviations.
    #[serde(with = "exact")]
    lines: Vec<f64>,
    /// Standard deviation of each sensor's averaged residual.
    #[serde(with = "exact")]
    deviation: Vec<f64>,
    /// Covariance of the averaged residuals.
    #[serde(with = "exact")]
    covariance: Vec<f64>,
    /// How the load moves the residuals at once.
    #[serde(with = "exact")]
    load: Vec<f64>,
    /// One line a pattern of [`PATTERNS`]: what the failure does to the residuals.
    #[serde(with = "exact")]
    effects: Vec<f64>,
    /// By what averaged residuals are measured, where their centre is known.
    measure: Measure,
}

/// The share of blocks that the others are measured by, and how often.
const BEST: f64 = 0.7;
const ROUNDS: usize = 6;
/// A block that varies so many times as much as the median block, or lies so far off, is left out.
const UNFIT: f64 = 3.0;
const FEWEST_MINUTES: f64 = 300.0;

/// Each failure once it lasts, and while it grows: then what is slow has reached six tenths.
pub(super) const PATTERNS: [(Failure, f64); 10] = {
    let [bearing, pump, heat, oil, motor] = Failure::ALL;
    [
        (bearing, 1.0),
        (pump, 1.0),
        (heat, 1.0),
        (oil, 1.0),
        (motor, 1.0),
        (bearing, 0.6),
        (pump, 0.6),
        (heat, 0.6),
        (oil, 0.6),
        (motor, 0.6),
    ]
};

impl ResidualModel {
    pub(super) fn trimmed(origin: &Features, blocks: &[Block]) -> Result<Self> {
        let minutes: f64 = blocks.iter().map(|block| block.now.count()).sum();
        if minutes < FEWEST_MINUTES {
            return Err(Refusal::new(format!(
                "{minutes} healthy minutes are too few to learn from; at least {FEWEST_MINUTES} are needed"
            )));
        }
        let mut kept = vec![true; blocks.len()];
        for round in 0..ROUNDS {
            let misfit = misfits(blocks, &regress(blocks, &kept)?);
            let mut present: Vec<f64> = misfit.iter().copied().filter(|misfit| misfit.is_finite()).collect();
            let best = crate::maths::quantile::quantile(&mut present, BEST);
            let limit = if round + 1 == ROUNDS { best.max(UNFIT) } else { best };
            kept = misfit.iter().map(|misfit| *misfit <= limit).collect();
        }
        Self::of(origin, blocks, &kept)
    }

    fn of(origin: &Features, blocks: &[Block], kept: &[bool]) -> Result<Self> {
        let lines = regress(blocks, kept)?;
        let (products, moments) = pooled(blocks, kept, |block| &block.averaged);
        let count = moments.count().max(1.0);
        let matrix = Array2::from_shape_fn((SENSORS, FEATURES), |(i, j)| lines[i * FEATURES + j]);
        let covariance = matrix.dot(&products).dot(&matrix.t()) / count;
        let direction = load::direction(&products)?;
        let load: Vec<f64> =
            lines.chunks_exact(FEATURES).map(|line| dot(&line[..SENSORS], &direction)).collect();
        let usual: Sensors = std::array::from_fn(|i| origin[i] + moments.mean()[i]);
        let effects: Vec<f64> = PATTERNS.iter().flat_map(|of| effect(&lines, of, &usual)).collect();
        Ok(Self {
            origin: origin.to_vec(),
            deviation: covariance.diag().iter().map(|variance| variance.sqrt().max(1e-9)).collect(),
            measure: Measure::new(&covariance, &load, &effects)?,
            covariance: covariance.iter().copied().collect(),
            lines,
            load,
            effects,
        })
    }

    /// Residuals of a minute, in standard deviations.
    pub(super) fn residuals(&self, features: &Features) -> Sensors {
        let mut from: Features = std::array::from_fn(|i| features[i] - self.origin[i]);
        // The centre follows what moves with time.
        from[TIME] = 0.0;
        std::array::from_fn(|sensor| dot(&self.lines[sensor * FEATURES..][..FEATURES], &from))
    }

    /// The residual of one unit of a sensor.
    pub(super) fn unit(&self, sensor: usize) -> f64 {
        self.lines[sensor * FEATURES + sensor]
    }

    /// What residuals move by in a minute.
    pub(super) fn drift(&self) -> Sensors {
        std::array::from_fn(|sensor| -self.lines[sensor * FEATURES + TIME] / DAY as f64)
    }

    /// By what averaged residuals are measured.
    pub(super) fn measure(&self) -> &Measure {
        &self.measure
    }

    /// The same where their centre is known up to these variances only.
    pub(super) fn measure_in_doubt(&self, doubt: &Sensors) -> Option<Measure> {
        let cell =
            |(i, j): (usize, usize)| self.covariance[i * SENSORS + j] + if i == j { doubt[i] } else { 0.0 };
        let covariance = Array2::from_shape_fn((SENSORS, SENSORS), cell);
        Measure::new(&covariance, &self.load, &self.effects).ok()
    }

    /// How much of a pattern's failure is seen in averaged residuals: 0 is none of it, 1 its full severity.
    pub(super) fn severity(&self, pattern: usize, averages: &Sensors) -> f64 {
        let effect = &self.effects[pattern * SENSORS..][..SENSORS];
        self.measure.amplitude(pattern, effect, averages).clamp(0.0, 1.0)
    }

    /// Averaged residuals in their standard deviations, which grow where their centre is known up to these variances
    /// only.
    pub(super) fn standardised(&self, averages: &Sensors, doubt: Option<&Sensors>) -> Sensors {
        let doubt = |sensor: usize| doubt.map_or(0.0, |doubt| doubt[sensor]);
        std::array::from_fn(|sensor| averages[sensor] / self.deviation[sensor].hypot(doubt(sensor).sqrt()))
    }

    /// How far each sensor's average is off, in its standard deviations.
    pub(super) fn each(&self, averages: &Sensors) -> Sensors {
        self.standardised(averages, None).map(f64::abs)
    }

    /// Bytes of memory in use.
    pub fn size(&self) -> usize {
        let Self { origin, lines, deviation, covariance, load, effects, measure } = self;
        let numbers = [origin, lines, deviation, covariance, load, effects];
        let numbers: usize = numbers.iter().map(|numbers| numbers.capacity() * size_of::<f64>()).sum();
        size_of::<Self>() + numbers + measure.size()
    }
}

/// What a failure that has reached so much of what is slow does to the residuals.
fn effect(lines: &[f64], (failure, reached): &(Failure, f64), usual: &Sensors) -> Sensors {
    let effect = failure.effect_when(usual, *reached);
    let features: Features = std::array::from_fn(|feature| match feature.checked_sub(SENSORS) {
        None => effect[feature],
        Some(_) if feature == TIME => 0.0,
        Some(average) => reached * effect[FOLLOWED[average].0],
    });
    std::array::from_fn(|sensor| dot(&lines[sensor * FEATURES..][..FEATURES], &features))
}

/// Least squares of each sensor on what explains it; one line a sensor, in standard deviations of the rest.
fn regress(blocks: &[Block], kept: &[bool]) -> Result<Vec<f64>> {
    let (products, moments) = pooled(blocks, kept, |block| &block.now);
    let count = moments.count().max(1.0);
    let mut lines = Vec::with_capacity(SENSORS * FEATURES);
    for sensor in 0..SENSORS {
        let known: Vec<usize> = (0..FEATURES).filter(|feature| explains(*feature, sensor)).collect();
        let mut among =
            Array2::from_shape_fn((known.len(), known.len()), |(i, j)| products[[known[i], known[j]]]);
        // Two sensors that say the same must not blow up the weights.
        among.diag_mut().mapv_inplace(|cell| cell * (1.0 + 1e-6) + 1e-9);
        let with: Vec<f64> = known.iter().map(|feature| products[[*feature, sensor]]).collect();
        let inverse = inverse(&among)?;
        let mut line = [0.0; FEATURES];
        line[sensor] = 1.0;
        for (place, feature) in known.iter().enumerate() {
            line[*feature] = -inverse.row(place).iter().zip(&with).map(|(a, b)| a * b).sum::<f64>();
        }
        let rest: f64 = (0..FEATURES)
            .map(|i| line[i] * (0..FEATURES).map(|j| products[[i, j]] * line[j]).sum::<f64>())
            .sum();
        let deviation = (rest / count).sqrt().max(1e-6);
        lines.extend(line.map(|weight| weight / deviation));
    }
    Ok(lines)
}

/// How badly each block fits: its residuals' variance against the median block's, and how far their mean lies
/// from the median mean; infinite where the block is nearly empty.
fn misfits(blocks: &[Block], lines: &[f64]) -> Vec<f64> {
    let filled = |block: &Block| block.now.count() >= 30.0;
    let mut misfits: Vec<f64> = blocks.iter().map(|b| if filled(b) { 0.0 } else { f64::INFINITY }).collect();
    let products: Vec<Array2<f64>> = blocks.iter().map(|block| block.now.centred()).collect();
    for line in lines.chunks_exact(FEATURES) {
        let measured =
            blocks.iter().zip(&products).map(|(block, products)| spread_and_mean(block, products, line));
        let measured: Vec<(f64, f64)> = measured.collect();
        let of = |value: fn(&(f64, f64)) -> f64| -> Vec<f64> {
            measured
                .iter()
                .zip(blocks)
                .filter(|(_, block)| filled(block))
                .map(|(pair, _)| value(pair))
                .collect()
        };
        let (usual, middle) = (median(&mut of(|pair| pair.0)), median(&mut of(|pair| pair.1)));
        let mut distances: Vec<f64> = of(|pair| pair.1).iter().map(|mean| (mean - middle).abs()).collect();
        let off = median(&mut distances).max(0.3);
        for (misfit, (variance, mean)) in misfits.iter_mut().zip(&measured) {
            let worst = (variance / usual.max(1e-9)).max((mean - middle).abs() / (2.5 * off));
            *misfit = misfit.max(worst);
        }
    }
    misfits
}

fn spread_and_mean(block: &Block, products: &Array2<f64>, line: &[f64]) -> (f64, f64) {
    let half: Vec<f64> =
        products.rows().into_iter().map(|row| row.iter().zip(line).map(|(a, b)| a * b).sum()).collect();
    (dot(&half, line) / block.now.count().max(1.0), dot(&block.now.mean(), line))
}
