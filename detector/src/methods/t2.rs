use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::detector::{Detector, Params, Valid, outside};
use crate::exact;
use crate::maths::covariance::{self, Shrinkage, quadratic, quadratic_shares};
use crate::maths::scale::Scale;
use crate::refusal::Result;
use crate::rows::Rows;

/// The distance from the mean by the full covariance (Hotelling 1947, "Multivariate quality control"), which
/// also sees faults that only break a correlation.
#[derive(Debug, Clone, Copy)]
pub struct T2Params {
    /// How far the covariance is shrunk.
    pub shrinkage: Shrinkage,
}

impl Default for T2Params {
    fn default() -> Self {
        Self { shrinkage: Shrinkage::LedoitWolf }
    }
}

/// The score is the square root of T-squared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct T2 {
    pub(super) scale: Scale,
    /// Inverse covariance of the z, row by row.
    #[serde(with = "exact")]
    pub(super) precision: Vec<f64>,
    #[serde(skip)]
    z: Vec<f64>,
}

impl Params for T2Params {
    type Model = T2;

    fn problem(&self) -> Option<String> {
        match self.shrinkage {
            Shrinkage::Fixed(share) => outside("the shrinkage", share, 0.0, 1.0),
            Shrinkage::LedoitWolf => None,
        }
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<T2> {
        let rows = rows.worth_learning(3)?;
        covariance::bounded(rows)?;
        let scale = Scale::moments(rows);
        let z = scale.z_rows(rows);
        let moment = covariance::shrunk(Rows::new(&z, rows.width())?, params.shrinkage);
        // The mean was estimated from the same rows.
        let count = rows.len() as f64;
        let precision = flat(&covariance::inverse(&(moment * (count / (count - 1.0))))?);
        Ok(T2 { scale, precision, z: vec![0.0; rows.width()] })
    }
}

pub(super) fn flat(matrix: &Array2<f64>) -> Vec<f64> {
    matrix.iter().copied().collect()
}

impl Detector for T2 {
    fn width(&self) -> usize {
        self.scale.width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        self.z.resize(row.len(), 0.0);
        self.scale.z_row(row, &mut self.z);
        quadratic(&self.precision, &self.z).sqrt()
    }

    fn shares(&self, row: &[f64], shares: &mut [f64]) {
        let mut z = vec![0.0; row.len()];
        self.scale.z_row(row, &mut z);
        quadratic_shares(&self.precision, &z, shares);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sees_a_broken_correlation_that_no_single_sensor_shows() {
        let values: Vec<f64> = (0..100)
            .flat_map(|i| {
                let x = f64::from(i % 10);
                [x, x + 0.1 * f64::from(i % 3)]
            })
            .collect();
        let rows = Rows::new(&values, 2).expect("rows");
        let mut model = T2Params::default().check().expect("valid").fit(rows).expect("model");
        assert!(model.score(&[8.0, 8.1]) < 3.0);
        assert!(model.score(&[8.0, 2.0]) > 10.0);
    }
}
