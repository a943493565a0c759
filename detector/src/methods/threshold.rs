use serde::{Deserialize, Serialize};

use crate::detector::{Detector, Params, Valid};
use crate::exact;
use crate::maths::quantile::quantile;
use crate::refusal::Result;
use crate::rows::Rows;

/// Limits of each sensor alone: the oldest rule of all, and the one an operator knows (ISO 18436 practice).
#[derive(Debug, Clone, Default)]
pub struct ThresholdParams {
    /// Known limits, one a column: (middle, low, high), where an infinite limit is none. Without them the
    /// edges are those of the rows learnt from.
    pub limits: Option<Vec<(f64, f64, f64)>>,
    /// Share of the rows learnt from that may lie beyond each learnt edge, 0 to 0.1.
    pub beyond: f64,
}

/// A score of 1 lies on a limit, 0 in the middle between two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    #[serde(with = "exact")]
    middle: Vec<f64>,
    #[serde(with = "exact")]
    low: Vec<f64>,
    #[serde(with = "exact")]
    high: Vec<f64>,
}

impl Params for ThresholdParams {
    type Model = Threshold;

    fn problem(&self) -> Option<String> {
        let wrong = |&(middle, low, high): &(f64, f64, f64)| !(low < middle && middle < high);
        if let Some(column) = self.limits.as_deref().and_then(|limits| limits.iter().position(wrong)) {
            return Some(format!("the limits of column {column} do not lie on both sides of its middle"));
        }
        crate::detector::outside("the share beyond each edge", self.beyond, 0.0, 0.1)
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<Threshold> {
        if let Some(limits) = &params.limits {
            if limits.len() != rows.width() {
                return Err(crate::Refusal::new(format!(
                    "there are limits for {} columns, but rows have {}",
                    limits.len(),
                    rows.width()
                )));
            }
            return Ok(Threshold::of(limits));
        }
        let rows = rows.worth_learning(2)?;
        let edges: Vec<_> = (0..rows.width()).map(|column| edges(rows, column, params.beyond)).collect();
        Ok(Threshold::of(&edges))
    }
}

fn edges(rows: Rows<'_>, column: usize, beyond: f64) -> (f64, f64, f64) {
    let mut values: Vec<f64> = rows.column(column).collect();
    let (low, high) = (quantile(&mut values, beyond), quantile(&mut values, 1.0 - beyond));
    let middle = f64::midpoint(low, high);
    let half = (high - middle).max(1e-6 * middle.abs()).max(1e-12);
    (middle, middle - half, middle + half)
}

impl Threshold {
    fn of(limits: &[(f64, f64, f64)]) -> Self {
        Self {
            middle: limits.iter().map(|limit| limit.0).collect(),
            low: limits.iter().map(|limit| limit.1).collect(),
            high: limits.iter().map(|limit| limit.2).collect(),
        }
    }

    fn exceedance(&self, column: usize, value: f64) -> f64 {
        let middle = self.middle[column];
        let limit = if value < middle { self.low[column] } else { self.high[column] };
        let exceedance = (value - middle) / (limit - middle);
        if exceedance.is_finite() { exceedance } else { 0.0 }
    }
}

impl Detector for Threshold {
    fn width(&self) -> usize {
        self.middle.len()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        assert_eq!(row.len(), self.width(), "a row has as many columns as were learnt from");
        row.iter().enumerate().map(|(column, value)| self.exceedance(column, *value)).fold(0.0, f64::max)
    }

    fn shares(&self, row: &[f64], shares: &mut [f64]) {
        for (column, (share, value)) in shares.iter_mut().zip(row).enumerate() {
            *share = self.exceedance(column, *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_of_one_lies_on_a_limit_and_an_infinite_limit_is_never_reached() {
        let limits = vec![(70.0, f64::NEG_INFINITY, 95.0), (85.0, 60.0, f64::INFINITY)];
        let params = ThresholdParams { limits: Some(limits), beyond: 0.0 }.check().expect("valid");
        let mut model = params.fit(Rows::new(&[0.0, 0.0], 2).expect("rows")).expect("model");
        assert_eq!(model.score(&[95.0, 85.0]), 1.0);
        assert_eq!(model.score(&[-1e9, 1e9]), 0.0);
        assert_eq!(model.score(&[f64::NAN, 47.5]), 1.5);
    }

    #[test]
    fn limits_that_are_no_limits_are_refused() {
        let params = ThresholdParams { limits: Some(vec![(1.0, 2.0, 3.0)]), beyond: 0.0 };
        assert!(params.check().is_err());
    }
}
