//! Middle and spread of each column.

use serde::{Deserialize, Serialize};

use super::quantile::{median, quantile};
use crate::exact;
use crate::rows::Rows;

/// As far from the middle as a value can be, in spreads.
const FARTHEST: f64 = 1e9;

/// Middle and spread of each column, by which values become comparable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// In the column's unit.
    #[serde(with = "exact")]
    pub middle: Vec<f64>,
    /// In the column's unit, above 0.
    #[serde(with = "exact")]
    pub spread: Vec<f64>,
}

impl Scale {
    /// Mean and sample standard deviation.
    pub fn moments(rows: Rows<'_>) -> Self {
        Self::of(rows, |values| moments(values))
    }

    /// Median and 1.4826 MAD (Hampel 1974), which a few faulty rows do not move. Where most values are equal
    /// the MAD says nothing: then the spread is at least a tenth of the standard deviation.
    pub fn robust(rows: Rows<'_>) -> Self {
        Self::of(rows, |values| {
            let (_, deviation) = moments(values);
            let middle = median(values);
            values.iter_mut().for_each(|value| *value = (*value - middle).abs());
            (middle, (1.4826 * quantile(values, 0.5)).max(0.1 * deviation))
        })
    }

    fn of(rows: Rows<'_>, mut measure: impl FnMut(&mut Vec<f64>) -> (f64, f64)) -> Self {
        let (middle, spread) = (0..rows.width())
            .map(|column| {
                let (middle, spread) = measure(&mut rows.column(column).collect());
                // A column that never moved shows a fault by moving, but must not divide by 0.
                (middle, spread.max(1e-6 * middle.abs()).max(1e-12))
            })
            .unzip();
        Self { middle, spread }
    }

    /// How many columns.
    pub fn width(&self) -> usize {
        self.middle.len()
    }

    /// The value of one column in spreads from its middle; 0 if it is missing.
    #[inline]
    pub fn z(&self, column: usize, value: f64) -> f64 {
        let z = (value - self.middle[column]) / self.spread[column];
        // Squares and sums of what is bounded do not overflow.
        if value.is_finite() && !z.is_nan() { z.clamp(-FARTHEST, FARTHEST) } else { 0.0 }
    }

    /// A whole row in spreads.
    pub fn z_row(&self, row: &[f64], z: &mut [f64]) {
        assert_eq!(row.len(), self.width(), "a row has as many columns as were learnt from");
        for (column, (z, value)) in z.iter_mut().zip(row).enumerate() {
            *z = self.z(column, *value);
        }
    }

    /// All rows in spreads.
    pub fn z_rows(&self, rows: Rows<'_>) -> Vec<f64> {
        let width = self.width();
        rows.values().iter().enumerate().map(|(i, value)| self.z(i % width, *value)).collect()
    }
}

fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0).max(1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_faulty_rows_do_not_move_the_robust_scale() {
        let mut values: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
        values[7] = 1e9;
        values[8] = f64::NAN;
        let rows = Rows::new(&values, 1).expect("rows");
        let scale = Scale::robust(rows);
        assert!((scale.middle[0] - 4.5).abs() < 0.6, "{scale:?}");
        assert!(scale.z(0, f64::NAN) == 0.0 && scale.z(0, f64::INFINITY) == 0.0);
    }

    #[test]
    fn a_column_that_never_moved_shows_the_least_movement() {
        let rows = Rows::new(&[5.0, 5.0, 5.0], 1).expect("rows");
        assert!(Scale::moments(rows).z(0, 5.1) > 1000.0);
    }
}
