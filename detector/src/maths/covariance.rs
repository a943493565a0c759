//! Second moments, shrunk so that they can be inverted.

use linfa_linalg::cholesky::InverseC;
use ndarray::Array2;

use crate::refusal::{Refusal, Result};
use crate::rows::Rows;

/// More columns than this take too long: the work grows with their third power.
pub const MOST_COLUMNS: usize = 512;

/// How far a second moment is drawn towards a multiple of the identity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shrinkage {
    /// By so much, 0 to 1.
    Fixed(f64),
    /// By as much as Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance
    /// matrices", show to be best.
    LedoitWolf,
}

/// Refuses more columns than a covariance can take.
///
/// # Errors
/// If there are more than [`MOST_COLUMNS`].
pub fn bounded(rows: Rows<'_>) -> Result<()> {
    let width = rows.width();
    if width > MOST_COLUMNS {
        return Err(Refusal::new(format!(
            "{width} columns are more than the {MOST_COLUMNS} whose covariance can be learnt; \
             choose columns, or the method isolation_forest"
        )));
    }
    Ok(())
}

/// The second moment about zero of rows without missing values: X'X / n.
pub fn second_moment(rows: Rows<'_>) -> Array2<f64> {
    let width = rows.width();
    let mut sum = vec![0.0; width * width];
    for row in rows.iter() {
        for (i, x) in row.iter().enumerate() {
            let line = &mut sum[i * width..][..=i];
            line.iter_mut().zip(row).for_each(|(cell, y)| *cell += x * y);
        }
    }
    let count = rows.len().max(1) as f64;
    Array2::from_shape_fn((width, width), |(i, j)| sum[i.max(j) * width + i.min(j)] / count)
}

/// The second moment about zero, shrunk.
pub fn shrunk(rows: Rows<'_>, shrinkage: Shrinkage) -> Array2<f64> {
    let mut moment = second_moment(rows);
    let width = rows.width() as f64;
    let middle = moment.diag().sum() / width;
    let share = match shrinkage {
        Shrinkage::Fixed(share) => share,
        Shrinkage::LedoitWolf => ledoit_wolf(rows, &moment, middle),
    };
    moment.mapv_inplace(|cell| (1.0 - share) * cell);
    moment.diag_mut().mapv_inplace(|cell| cell + share * middle);
    moment
}

fn ledoit_wolf(rows: Rows<'_>, moment: &Array2<f64>, middle: f64) -> f64 {
    let count = rows.len().max(1) as f64;
    let square: f64 = moment.iter().map(|cell| cell * cell).sum();
    let distance = square - middle * middle * rows.width() as f64;
    let fourth: f64 = rows.iter().map(|row| row.iter().map(|x| x * x).sum::<f64>().powi(2)).sum();
    let noise = (fourth / count - square) / count;
    if distance > 0.0 { (noise / distance).clamp(0.0, 1.0) } else { 1.0 }
}

/// The inverse of a symmetric matrix that is positive definite, or becomes so with a ridge as small as can be.
///
/// # Errors
/// If the matrix holds what is not a number.
pub fn inverse(matrix: &Array2<f64>) -> Result<Array2<f64>> {
    let size = matrix.nrows();
    let middle = (matrix.diag().sum() / size as f64).max(1e-12);
    let mut ridge = 0.0;
    while ridge <= 1.0 {
        let ridged = matrix + &(Array2::<f64>::eye(size) * (ridge * middle));
        if let Ok(inverse) = ridged.invc()
            && inverse.iter().all(|cell| cell.is_finite())
        {
            return Ok(inverse);
        }
        ridge = if ridge == 0.0 { 1e-10 } else { ridge * 100.0 };
    }
    Err(Refusal::new(
        "the covariance of the columns cannot be inverted; leave out columns that repeat others",
    ))
}

/// x' M x, with M symmetric, row by row in `matrix`; never below 0.
#[inline]
pub fn quadratic(matrix: &[f64], x: &[f64]) -> f64 {
    let lines = matrix.chunks_exact(x.len());
    x.iter().zip(lines).map(|(x_i, line)| x_i * dot(line, x)).sum::<f64>().max(0.0)
}

/// What each column adds to x' M x; where others make up for it, 0.
pub fn quadratic_shares(matrix: &[f64], x: &[f64], shares: &mut [f64]) {
    let lines = matrix.chunks_exact(x.len());
    for ((share, x_i), line) in shares.iter_mut().zip(x).zip(lines) {
        *share = (x_i * dot(line, x)).max(0.0);
    }
}

/// The sum of the products.
#[inline]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inverse_undoes_its_matrix_and_a_singular_one_is_mended() {
        let matrix = ndarray::array![[4.0, 1.0], [1.0, 3.0]];
        let product = inverse(&matrix).expect("inverse").dot(&matrix);
        assert!((product - Array2::<f64>::eye(2)).iter().all(|cell| cell.abs() < 1e-12));
        assert!(inverse(&ndarray::array![[1.0, 1.0], [1.0, 1.0]]).is_ok());
        assert!(inverse(&ndarray::array![[f64::NAN]]).is_err());
    }

    #[test]
    fn shrinkage_is_none_with_much_data_and_much_with_little() {
        let mut random = crate::random::Random::new(1, 0);
        let mut rows = |count: usize| -> Vec<f64> {
            (0..count)
                .flat_map(|_| {
                    let common = random.unit() - 0.5;
                    [common + 0.2 * random.unit(), common, 5.0 * (random.unit() - 0.5)]
                })
                .collect()
        };
        let share = |values: &[f64]| {
            let rows = Rows::new(values, 3).expect("rows");
            let moment = second_moment(rows);
            let middle = moment.diag().sum() / 3.0;
            ledoit_wolf(rows, &moment, middle)
        };
        assert!(share(&rows(10_000)) < 0.01);
        assert!(share(&rows(5)) > 0.05);
    }
}
