use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::detector::{Detector, Params, Valid, outside};
use crate::refusal::Result;
use crate::rows::Rows;

/// The z-score of each column within the last rows, as in `{sensor}_zscore` of the producer's rolling
/// features. It learns nothing beforehand, and follows whatever changes slowly: a gradual fault becomes its
/// new normal (Montgomery 2019, "Introduction to Statistical Quality Control", chapter 9).
#[derive(Debug, Clone, Copy)]
pub struct ZscoreParams {
    /// Rows in the window, the newest included; at least 3.
    pub window: usize,
}

impl Default for ZscoreParams {
    fn default() -> Self {
        Self { window: 60 }
    }
}

/// The score is the largest |z|; with a window of n rows it cannot exceed (n - 1) / sqrt(n).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Zscore {
    width: usize,
    window: usize,
    #[serde(skip)]
    rows: VecDeque<Vec<f64>>,
    #[serde(skip)]
    latest: Vec<f64>,
}

impl Params for ZscoreParams {
    type Model = Zscore;

    fn problem(&self) -> Option<String> {
        outside("the window", self.window as f64, 3.0, 1e6)
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<Zscore> {
        let (width, window) = (rows.width(), params.window);
        Ok(Zscore { width, window, rows: VecDeque::new(), latest: vec![0.0; width] })
    }
}

impl Zscore {
    fn z(&self, column: usize, value: f64) -> f64 {
        let values = || self.rows.iter().map(|row| row[column]).filter(|value| value.is_finite());
        let count = values().count() as f64;
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let z = (value - mean) / variance.sqrt();
        // Fewer than two values, a constant window or a missing value say nothing.
        if z.is_finite() { z.abs() } else { 0.0 }
    }
}

impl Detector for Zscore {
    fn width(&self) -> usize {
        self.width
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        assert_eq!(row.len(), self.width, "a row has as many columns as were learnt from");
        if self.rows.len() == self.window {
            self.rows.pop_front();
        }
        self.rows.push_back(row.to_vec());
        self.latest = row.iter().enumerate().map(|(column, value)| self.z(column, *value)).collect();
        self.latest.iter().copied().fold(0.0, f64::max)
    }

    fn shares(&self, _: &[f64], shares: &mut [f64]) {
        shares.copy_from_slice(&self.latest);
    }

    fn restart(&mut self) {
        self.rows.clear();
    }

    fn memory(&self) -> Vec<f64> {
        self.rows.iter().flatten().copied().collect()
    }

    fn recall(&mut self, memory: &[f64]) {
        self.rows = memory.chunks(self.width.max(1)).map(<[f64]>::to_vec).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sees_a_step_and_follows_a_slope() {
        let noise = |i: u32| f64::from(i * 7 % 11) / 11.0;
        let slope: Vec<f64> = (0..600).map(|i| noise(i) + f64::from(i) * 0.01).collect();
        let rows = Rows::new(&slope, 1).expect("rows");
        let mut model = ZscoreParams::default().check().expect("valid").fit(rows).expect("model");
        assert!(model.score_all(rows).into_iter().skip(60).fold(0.0, f64::max) < 3.0);
        assert!(model.score(&[12.0]) > 5.0);
    }
}
