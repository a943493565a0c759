use serde::{Deserialize, Serialize};

use crate::exact;
use crate::maths::covariance::{Shrinkage, inverse, quadratic, shrunk};
use crate::maths::quantile::quantile;
use crate::refusal::Result;
use crate::rows::Rows;

/// Averages of residuals over one span, judged by the largest and by all together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Chart {
    weight: f64,
    /// Root mean square of each column's average, on held-out rows.
    #[serde(with = "exact")]
    deviation: Vec<f64>,
    /// Inverse second moment of the averages in deviations.
    #[serde(with = "exact")]
    precision: Vec<f64>,
    /// The .99 quantiles of both statistics on held-out rows.
    #[serde(with = "exact::one")]
    usual_largest: f64,
    #[serde(with = "exact::one")]
    usual_distance: f64,
    #[serde(skip)]
    averages: Vec<f64>,
    #[serde(skip)]
    scaled: Vec<f64>,
}

impl Chart {
    /// Learns from held-out residuals, and adds the fourth power of the chart's value in each row to `powers`.
    pub fn learn(weight: f64, residuals: Rows<'_>, powers: &mut [f64]) -> Result<Self> {
        let width = residuals.width();
        let mut averages = vec![0.0; width];
        let mut all = Vec::with_capacity(residuals.values().len());
        for row in residuals.iter() {
            follow(&mut averages, weight, row);
            all.extend_from_slice(&averages);
        }
        let deviation = root_mean_squares(Rows::new(&all, width)?);
        all.iter_mut().enumerate().for_each(|(i, value)| *value /= deviation[i % width]);
        let scaled = Rows::new(&all, width)?;
        let precision = inverse(&shrunk(scaled, Shrinkage::LedoitWolf))?.iter().copied().collect();
        let mut chart = Self {
            weight,
            deviation,
            precision,
            usual_largest: 1.0,
            usual_distance: 1.0,
            averages: Vec::new(),
            scaled: Vec::new(),
        };
        chart.learn_usual(scaled, powers);
        Ok(chart)
    }

    fn learn_usual(&mut self, scaled: Rows<'_>, powers: &mut [f64]) {
        let (most, distance): (Vec<f64>, Vec<f64>) = scaled.iter().map(|row| self.statistics(row)).unzip();
        self.usual_largest = quantile(&mut most.clone(), 0.99).max(1e-12);
        self.usual_distance = quantile(&mut distance.clone(), 0.99).max(1e-12);
        for (power, (most, distance)) in powers.iter_mut().zip(most.iter().zip(&distance)) {
            *power += self.fused(*most, *distance).powi(4);
        }
    }

    fn fused(&self, most: f64, distance: f64) -> f64 {
        (most / self.usual_largest).max(distance / self.usual_distance)
    }

    /// Takes in the next residuals: 1 is exceeded by one in a hundred healthy rows.
    pub fn judge(&mut self, residual: &[f64]) -> f64 {
        self.averages.resize(residual.len(), 0.0);
        follow(&mut self.averages, self.weight, residual);
        self.scaled.clear();
        self.scaled.extend(self.averages.iter().zip(&self.deviation).map(|(a, deviation)| a / deviation));
        let (most, distance) = self.statistics(&self.scaled);
        self.fused(most, distance)
    }

    fn statistics(&self, scaled: &[f64]) -> (f64, f64) {
        let most = scaled.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        (most, quadratic(&self.precision, scaled).sqrt())
    }

    /// Raises each share to this chart's average of the column.
    pub fn shares(&self, shares: &mut [f64]) {
        for (share, value) in shares.iter_mut().zip(&self.scaled) {
            *share = share.max(value.abs() / self.usual_largest);
        }
    }

    pub fn restart(&mut self) {
        self.averages.clear();
    }

    /// What it remembers of the residuals judged so far.
    pub fn averages(&self) -> &[f64] {
        &self.averages
    }

    pub fn recall(&mut self, averages: &[f64]) {
        self.averages = averages.to_vec();
    }
}

fn follow(averages: &mut [f64], weight: f64, row: &[f64]) {
    averages.iter_mut().zip(row).for_each(|(average, value)| *average += weight * (value - *average));
}

fn root_mean_squares(rows: Rows<'_>) -> Vec<f64> {
    let mut sums = vec![0.0; rows.width()];
    for row in rows.iter() {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * value);
    }
    // A column that never moves has no residual; the scale's own floor lets it show its first movement.
    sums.iter().map(|sum| (sum / rows.len().max(1) as f64).sqrt().max(1e-6)).collect()
}
