use serde::{Deserialize, Serialize};

use crate::detector::{Detector, Params, Valid, outside};
use crate::maths::scale::Scale;
use crate::refusal::Result;
use crate::rows::Rows;

/// Cumulated sums of each column's frozen z beyond a slack, upward and downward (Page 1954, "Continuous
/// inspection schemes").
#[derive(Debug, Clone, Copy)]
pub struct CusumParams {
    /// Deviations that are forgiven in each row: half the shift that is looked for.
    pub slack: f64,
}

impl Default for CusumParams {
    fn default() -> Self {
        Self { slack: 0.5 }
    }
}

/// The score is the largest sum, in standard deviations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cusum {
    scale: Scale,
    slack: f64,
    /// Upward and downward, a pair a column.
    #[serde(skip)]
    sums: Vec<[f64; 2]>,
}

impl Params for CusumParams {
    type Model = Cusum;

    fn problem(&self) -> Option<String> {
        outside("the slack", self.slack, 0.0, 100.0)
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<Cusum> {
        let scale = Scale::robust(rows.worth_learning(2)?);
        Ok(Cusum { scale, slack: params.slack, sums: Vec::new() })
    }
}

impl Detector for Cusum {
    fn width(&self) -> usize {
        self.scale.width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        assert_eq!(row.len(), self.width(), "a row has as many columns as were learnt from");
        self.sums.resize(row.len(), [0.0; 2]);
        let mut most = 0.0f64;
        for (column, ([up, down], value)) in self.sums.iter_mut().zip(row).enumerate() {
            let z = self.scale.z(column, *value);
            *up = (*up + z - self.slack).max(0.0);
            *down = (*down - z - self.slack).max(0.0);
            most = most.max(*up).max(*down);
        }
        most
    }

    fn shares(&self, _: &[f64], shares: &mut [f64]) {
        shares.iter_mut().zip(&self.sums).for_each(|(share, [up, down])| *share = up.max(*down));
    }

    fn restart(&mut self) {
        self.sums.clear();
    }

    fn memory(&self) -> Vec<f64> {
        self.sums.as_flattened().to_vec()
    }

    fn recall(&mut self, memory: &[f64]) {
        self.sums = memory.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lasting_shift_adds_up_by_what_exceeds_the_slack() {
        let values = [-1.0, 0.0, 1.0, -1.0, 0.0, 1.0, 0.0];
        let rows = Rows::new(&values, 1).expect("rows");
        let mut model = CusumParams { slack: 0.5 }.check().expect("valid").fit(rows).expect("model");
        let spread = model.scale.spread[0];
        let shifted = [2.0 * spread; 4];
        let scores = model.score_all(Rows::new(&shifted, 1).expect("rows"));
        for (score, expected) in scores.iter().zip([1.5, 3.0, 4.5, 6.0]) {
            assert!((score - expected).abs() < 1e-9, "{scores:?}");
        }
    }
}
