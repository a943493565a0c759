use serde::{Deserialize, Serialize};

use super::ewma::young;
use super::t2::{T2, T2Params};
use crate::detector::{Detector, Params, Valid, outside};
use crate::maths::covariance::{quadratic, quadratic_shares};
use crate::refusal::Result;
use crate::rows::Rows;

/// T-squared of moving averages (Lowry, Woodall, Champ and Rigdon 1992, "A multivariate exponentially weighted
/// moving average control chart").
#[derive(Debug, Clone, Copy)]
pub struct MewmaParams {
    /// Weight of the newest row, above 0 and at most 1.
    pub weight: f64,
    /// How the covariance is learnt.
    pub t2: T2Params,
}

impl Default for MewmaParams {
    fn default() -> Self {
        Self { weight: 0.1, t2: T2Params::default() }
    }
}

/// The score is the square root of the averages' T-squared, as if rows were independent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mewma {
    t2: T2,
    weight: f64,
    #[serde(skip)]
    averages: Vec<f64>,
    /// (1 - weight)^(2 rows), by which the first averages vary less.
    #[serde(skip)]
    youth: f64,
}

impl Params for MewmaParams {
    type Model = Mewma;

    fn problem(&self) -> Option<String> {
        outside("the weight of the newest row", self.weight, 1e-6, 1.0).or_else(|| self.t2.problem())
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<Mewma> {
        let t2 = params.t2.check()?.fit(rows)?;
        Ok(Mewma { t2, weight: params.weight, averages: Vec::new(), youth: 1.0 })
    }
}

impl Detector for Mewma {
    fn width(&self) -> usize {
        self.t2.width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        assert_eq!(row.len(), self.width(), "a row has as many columns as were learnt from");
        if self.averages.is_empty() {
            (self.averages, self.youth) = (vec![0.0; row.len()], 1.0);
        }
        self.youth *= (1.0 - self.weight).powi(2);
        for (column, (average, value)) in self.averages.iter_mut().zip(row).enumerate() {
            *average += self.weight * (self.t2.scale.z(column, *value) - *average);
        }
        let variance = self.weight / (2.0 - self.weight) * (1.0 - self.youth);
        (quadratic(&self.t2.precision, &self.averages) / variance).sqrt()
    }

    fn shares(&self, _: &[f64], shares: &mut [f64]) {
        quadratic_shares(&self.t2.precision, &self.averages, shares);
    }

    fn restart(&mut self) {
        self.averages.clear();
    }

    fn memory(&self) -> Vec<f64> {
        young(self.youth, &self.averages)
    }

    fn recall(&mut self, memory: &[f64]) {
        let (youth, averages) = memory.split_first().unwrap_or((&1.0, &[]));
        (self.youth, self.averages) = (*youth, averages.to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_a_weight_of_one_it_is_t_squared() {
        let values: Vec<f64> = (0..60).map(|i| f64::from(i * i * 7 % 31)).collect();
        let rows = Rows::new(&values, 2).expect("rows");
        let params = MewmaParams { weight: 1.0, ..MewmaParams::default() };
        let mut mewma = params.check().expect("valid").fit(rows).expect("model");
        let mut t2 = T2Params::default().check().expect("valid").fit(rows).expect("model");
        for row in rows.iter() {
            assert!((mewma.score(row) - t2.score(row)).abs() < 1e-9);
        }
    }
}
