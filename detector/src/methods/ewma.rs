use serde::{Deserialize, Serialize};

use crate::detector::{Detector, Params, Valid, outside};
use crate::exact;
use crate::maths::quantile::median;
use crate::maths::scale::Scale;
use crate::refusal::Result;
use crate::rows::Rows;

/// Exponentially weighted moving average of each column's frozen z (Roberts 1959, "Control chart tests based
/// on geometric moving averages"; limits of Lucas and Saccucci 1990). What an average varies by is measured,
/// because the textbook's formula takes rows for independent (Schmid 1997, "On EWMA charts for time series"):
/// where they are not, a column that only wanders would drown all others.
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

/// The score is the largest average in its own standard deviations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ewma {
    scale: Scale,
    weight: f64,
    /// What each column's average varies by.
    #[serde(with = "exact")]
    deviation: Vec<f64>,
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
        let mut model = Ewma {
            deviation: vec![1.0; rows.width()],
            scale,
            weight: params.weight,
            state: State::default(),
        };
        model.deviation = model.deviations(rows);
        model.restart();
        Ok(model)
    }
}

impl Ewma {
    fn follow(&mut self, row: &[f64]) {
        assert_eq!(row.len(), self.width(), "a row has as many columns as were learnt from");
        if self.state.averages.is_empty() {
            self.state = State { averages: vec![0.0; self.width()], youth: 1.0 };
        }
        self.state.youth *= (1.0 - self.weight).powi(2);
        for (column, (average, value)) in self.state.averages.iter_mut().zip(row).enumerate() {
            *average += self.weight * (self.scale.z(column, *value) - *average);
        }
    }

    /// Robust, as the scale is, and at least what averages of independent rows would vary by.
    fn deviations(&mut self, rows: Rows<'_>) -> Vec<f64> {
        let mut averages = Vec::with_capacity(rows.values().len());
        for row in rows.iter() {
            self.follow(row);
            averages.extend_from_slice(&self.state.averages);
        }
        let least = (self.weight / (2.0 - self.weight)).sqrt();
        let own = |column: usize| averages.iter().skip(column).step_by(rows.width()).map(|own| own.abs());
        (0..rows.width()).map(|column| (1.4826 * median(&mut own(column).collect())).max(least)).collect()
    }
}

/// A memory of averages and how young they are; empty where there are none.
pub(super) fn young(youth: f64, averages: &[f64]) -> Vec<f64> {
    let youth = (!averages.is_empty()).then_some(youth);
    youth.into_iter().chain(averages.iter().copied()).collect()
}

impl Detector for Ewma {
    fn width(&self) -> usize {
        self.scale.width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        self.follow(row);
        let off = self.state.averages.iter().zip(&self.deviation).map(|(average, own)| average.abs() / own);
        // The first averages vary less, by the share that independent rows would.
        off.fold(0.0, f64::max) / (1.0 - self.state.youth).sqrt()
    }

    fn shares(&self, _: &[f64], shares: &mut [f64]) {
        for ((share, average), own) in shares.iter_mut().zip(&self.state.averages).zip(&self.deviation) {
            *share = average.abs() / own;
        }
    }

    fn restart(&mut self) {
        self.state = State::default();
    }

    fn memory(&self) -> Vec<f64> {
        young(self.state.youth, &self.state.averages)
    }

    fn recall(&mut self, memory: &[f64]) {
        let (youth, averages) = memory.split_first().unwrap_or((&0.0, &[]));
        self.state = State { youth: *youth, averages: averages.to_vec() };
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

    #[test]
    fn a_column_that_wanders_in_health_does_not_hide_a_shift_of_a_steady_one() {
        let noise = |i: u32| f64::from(i * 7 % 11) - 5.0;
        let wandering = |i: u32| 10.0 * (f64::from(i) / 20.0).sin();
        let values: Vec<f64> = (0..400).flat_map(|i| [wandering(i), noise(i)]).collect();
        let rows = Rows::new(&values, 2).expect("rows");
        let mut model = EwmaParams::default().check().expect("valid").fit(rows).expect("model");
        let healthy = model.score_all(rows).into_iter().skip(50).fold(0.0, f64::max);
        let shifted: Vec<f64> = (400..500).flat_map(|i| [wandering(i), noise(i) + 4.0]).collect();
        let faulty = model.score_all(Rows::new(&shifted, 2).expect("rows"))[99];
        assert!(faulty > 2.0 * healthy, "{faulty} against {healthy}");
    }
}
