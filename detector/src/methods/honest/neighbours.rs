use std::ops::Range;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::exact;
use crate::maths::covariance::{dot, inverse, second_moment};
use crate::refusal::Result;
use crate::rows::Rows;

/// What the other columns now, and all columns in the row before, do not explain of a column: a linear map
/// from both rows, in deviations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Neighbours {
    /// One line a column, over the row's columns and then those of the row before.
    #[serde(with = "exact")]
    lines: Vec<f64>,
}

/// So many rows in which nothing is related to anything are added to those learnt from.
const RIDGE: f64 = 30.0;

impl Neighbours {
    /// With P the inverse of the ridged Gram matrix, the weights of column j on all others are -P_j / P_jj.
    pub fn learn(pairs: Rows<'_>) -> Result<Self> {
        let width = pairs.width() / 2;
        let inverse = inverse(&ridged(pairs))?;
        let line = |line: usize| (0..2 * width).map(move |column| (line, column));
        let cells = (0..width).flat_map(line);
        Ok(Self {
            lines: cells.map(|(line, column)| inverse[[line, column]] / inverse[[line, line]]).collect(),
        })
    }

    pub fn residual(&self, pair: &[f64], residual: &mut [f64]) {
        for (residual, line) in residual.iter_mut().zip(self.lines.chunks_exact(pair.len())) {
            *residual = dot(line, pair);
        }
    }
}

fn ridged(pairs: Rows<'_>) -> Array2<f64> {
    second_moment(pairs) * pairs.len() as f64 + Array2::<f64>::eye(pairs.width()) * RIDGE
}

/// Each row with the one before it, within each range.
pub(super) fn pairs(z: &[f64], width: usize, ranges: &[Range<usize>]) -> Vec<f64> {
    let row = |index: usize| &z[index * width..][..width];
    let mut pairs = Vec::new();
    for now in ranges.iter().flat_map(|range| range.clone().skip(1)) {
        pairs.extend_from_slice(row(now));
        pairs.extend_from_slice(row(now - 1));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leave_one_out_from_one_inverse_is_the_regression_on_the_others() {
        let mut random = crate::random::Random::new(5, 0);
        let z: Vec<f64> = (0..200).map(|_| random.unit() - 0.5).collect();
        let values = pairs(&z, 2, std::slice::from_ref(&(0..100)));
        let rows = Rows::new(&values, 4).expect("rows");
        let neighbours = Neighbours::learn(rows).expect("neighbours");
        let moments = ridged(rows);
        let others = [1, 2, 3];
        let among = Array2::from_shape_fn((3, 3), |(i, j)| moments[[others[i], others[j]]]);
        let with = Array2::from_shape_fn((3, 1), |(i, _)| moments[[others[i], 0]]);
        let weights = inverse(&among).expect("inverse").dot(&with);
        for (place, weight) in weights.iter().enumerate() {
            assert!((neighbours.lines[others[place]] + weight).abs() < 1e-9);
        }
        assert_eq!(neighbours.lines[0], 1.0);
    }
}
