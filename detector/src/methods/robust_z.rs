use serde::{Deserialize, Serialize};

use crate::detector::{Detector, Params, Valid};
use crate::maths::scale::Scale;
use crate::refusal::Result;
use crate::rows::Rows;

/// Frozen median and MAD of each column; the largest |z| counts (Iglewicz and Hoaglin 1993, "How to Detect
/// and Handle Outliers").
#[derive(Debug, Clone, Copy, Default)]
pub struct RobustZParams {}

/// The score is in robust standard deviations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RobustZ {
    scale: Scale,
}

impl Params for RobustZParams {
    type Model = RobustZ;

    fn problem(&self) -> Option<String> {
        None
    }

    fn learn(_: &Valid<Self>, rows: Rows<'_>) -> Result<RobustZ> {
        Ok(RobustZ { scale: Scale::robust(rows.worth_learning(2)?) })
    }
}

impl Detector for RobustZ {
    fn width(&self) -> usize {
        self.scale.width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        assert_eq!(row.len(), self.width(), "a row has as many columns as were learnt from");
        row.iter().enumerate().map(|(column, value)| self.scale.z(column, *value).abs()).fold(0.0, f64::max)
    }

    fn shares(&self, row: &[f64], shares: &mut [f64]) {
        self.scale.z_row(row, shares);
        shares.iter_mut().for_each(|share| *share = share.abs());
    }
}
