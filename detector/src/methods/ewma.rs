use serde::{Deserialize, Serialize};

use crate::detector::{Detector, Params, Valid, outside};
use crate::maths::scale::Scale;
use crate::refusal::Result;
use crate::rows::Rows;

/// Exponentially weighted moving average of each column's frozen z (Roberts 1959, "Control chart tests based
/// on geometric moving averages"; limits of Lucas and Saccucci 1990).
#[derive(Debug, Clone, Copy)]
pub struct EwmaParams {
    /// Weight of the newest row, above 0 and at most 1.
    pub weight: f64,
}

impl Default for EwmaParams {
    fn default() -> Self {
        Self { weight: 0.1 }
    }
}

/// The score is the largest average in its own standard deviations, as if rows were independent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ewma {
    scale: Scale,
    weight: f64,
    #[serde(skip)]
    state: State,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct State {
    averages: Vec<f64>,
    /// (1 - weight)^(2 rows), by which the first averages vary less.
    youth: f64,
}

impl Params for EwmaParams {
    type Model = Ewma;

    fn problem(&self) -> Option<String> {
        outside("the weight of the newest row", self.weight, 1e-6, 1.0)
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<Ewma> {
        let scale = Scale::robust(rows.worth_learning(2)?);
        Ok(Ewma { scale, weight: params.weight, state: State::default() })
    }
}

impl Ewma {
    fn deviation(&self) -> f64 {
        (self.weight / (2.0 - self.weight) * (1.0 - self.state.youth)).sqrt()
    }
}

impl Detector for Ewma {
    fn width(&self) -> usize {
        self.scale.width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        assert_eq!(row.len(), self.width(), "a row has as many columns as were learnt from");
        if self.state.averages.is_empty() {
            self.state = State { averages: vec![0.0; self.width()], youth: 1.0 };
        }
        self.state.youth *= (1.0 - self.weight).powi(2);
        for (column, (average, value)) in self.state.averages.iter_mut().zip(row).enumerate() {
            *average += self.weight * (self.scale.z(column, *value) - *average);
        }
        self.state.averages.iter().fold(0.0, |most: f64, average| most.max(average.abs())) / self.deviation()
    }

    fn shares(&self, _: &[f64], shares: &mut [f64]) {
        shares.iter_mut().zip(&self.state.averages).for_each(|(share, average)| *share = average.abs());
    }

    fn restart(&mut self) {
        self.state = State::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_a_weight_of_one_it_is_the_robust_z() {
        let values: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 11)).collect();
        let rows = Rows::new(&values, 2).expect("rows");
        let mut ewma = EwmaParams { weight: 1.0 }.check().expect("valid").fit(rows).expect("model");
        let mut z = super::super::RobustZParams {}.check().expect("valid").fit(rows).expect("model");
        for row in rows.iter() {
            assert!((ewma.score(row) - z.score(row)).abs() < 1e-12);
        }
    }

    #[test]
    fn a_small_shift_is_seen_that_a_single_row_does_not_show() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(i * 7 % 11)).collect();
        let rows = Rows::new(&values, 1).expect("rows");
        let mut model = EwmaParams::default().check().expect("valid").fit(rows).expect("model");
        let healthy = model.score_all(rows).into_iter().fold(0.0, f64::max);
        let shifted: Vec<f64> = values.iter().map(|value| value + 3.0).collect();
        model.restart();
        let last = model.score_all(Rows::new(&shifted, 1).expect("rows"))[199];
        assert!(last > 1.5 * healthy, "{last} against {healthy}");
    }
}
