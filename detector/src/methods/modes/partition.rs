use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::{GaussianMixtureModel, KMeans};
use linfa_linalg::cholesky::Cholesky;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Clustering, Clusters};
use crate::Refusal;
use crate::exact;
use crate::maths::covariance::{self, quadratic};
use crate::maths::scale::Scale;
use crate::refusal::Result;
use crate::rows::Rows;

/// Which mode a row belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Partition {
    /// Of all rows together, whatever their mode.
    pub scale: Scale,
    /// One centre a mode, in deviations.
    #[serde(with = "exact")]
    centres: Vec<f64>,
    /// For a mixture: one inverse covariance a mode, row by row.
    #[serde(with = "exact")]
    precisions: Vec<f64>,
    /// What is added to the squared distance from each centre: for a mixture the logarithm of the
    /// covariance's determinant, less twice that of the mode's weight.
    #[serde(with = "exact")]
    offsets: Vec<f64>,
}

/// Clusters are looked for among so many rows at most, evenly spread over all.
const MOST_ROWS: usize = 20_000;
/// Added to each variance of a mixture: a sensor that rests in a mode would leave it without an inverse.
const RIDGE: f64 = 1e-3;

impl Partition {
    pub fn learn(clusters: Clusters, rows: Rows<'_>) -> Result<Self> {
        let scale = Scale::moments(rows);
        let known = complete(rows, &scale, clusters.fewest_rows() as usize)?;
        match clusters.by {
            Clustering::KMeans => by_k_means(clusters.count, scale, known),
            Clustering::Gmm => by_mixture(clusters.count, scale, known),
        }
    }

    /// The mode nearest to a row; `z` holds as many numbers as a row. What is missing favours none.
    pub fn mode(&self, row: &[f64], z: &mut [f64]) -> usize {
        let width = row.len();
        let distance = |(mode, offset): (usize, &f64)| {
            for (column, (z, value)) in z.iter_mut().zip(row).enumerate() {
                let from = self.scale.z(column, *value) - self.centres[mode * width + column];
                *z = if value.is_finite() { from } else { 0.0 };
            }
            let squared = match self.precisions.chunks_exact(width * width).nth(mode) {
                Some(precision) => quadratic(precision, z),
                None => z.iter().map(|z| z * z).sum(),
            };
            (mode, squared + offset)
        };
        let nearest = self.offsets.iter().enumerate().map(distance).min_by(|a, b| a.1.total_cmp(&b.1));
        nearest.map_or(0, |(mode, _)| mode)
    }
}

/// The rows in which nothing is missing, in deviations.
fn complete(rows: Rows<'_>, scale: &Scale, fewest: usize) -> Result<Array2<f64>> {
    let known: Vec<&[f64]> = rows.iter().filter(|row| row.iter().all(|value| value.is_finite())).collect();
    if known.len() < fewest {
        return Err(Refusal::new(format!(
            "{} rows without a missing value are too few to tell the modes apart, which needs {fewest}; \
             give more rows, or ask for fewer modes",
            known.len()
        )));
    }
    let spread: Vec<&[f64]> = known.iter().step_by(known.len().div_ceil(MOST_ROWS)).copied().collect();
    let z = |(row, column): (usize, usize)| scale.z(column, spread[row][column]);
    Ok(Array2::from_shape_fn((spread.len(), rows.width()), z))
}

/// Lloyd 1982 from the starts of Arthur and Vassilvitskii 2007; linfa's start is seeded, and always the same.
fn by_k_means(count: usize, scale: Scale, z: Array2<f64>) -> Result<Partition> {
    let found = KMeans::params(count).fit(&DatasetBase::from(z)).map_err(|e| unparted(count, &e))?;
    let centres = found.centroids().iter().copied().collect();
    Ok(Partition { scale, centres, precisions: Vec::new(), offsets: vec![0.0; count] })
}

/// Expectation and maximisation (Dempster, Laird and Rubin 1977) with a full covariance a mode.
fn by_mixture(count: usize, scale: Scale, z: Array2<f64>) -> Result<Partition> {
    let width = z.ncols();
    if width > covariance::MOST_COLUMNS {
        return Err(Refusal::new(format!(
            "{width} columns are more than the {} whose covariance can be learnt; choose columns, or kmeans",
            covariance::MOST_COLUMNS
        )));
    }
    let params = GaussianMixtureModel::params(count).reg_covariance(RIDGE).max_n_iterations(1000);
    let found = params.fit(&DatasetBase::from(z)).map_err(|e| unparted(count, &e))?;
    let mut precisions = Vec::new();
    let mut offsets = Vec::new();
    for (covariance, weight) in found.covariances().outer_iter().zip(found.weights()) {
        let covariance = covariance.to_owned();
        precisions.extend(covariance::inverse(&covariance)?);
        let root = covariance.cholesky().map_err(|e| unparted(count, &e))?;
        let determinant = 2.0 * root.diag().iter().map(|cell| cell.ln()).sum::<f64>();
        offsets.push(determinant - 2.0 * weight.max(1e-300).ln());
    }
    Ok(Partition { scale, centres: found.means().iter().copied().collect(), precisions, offsets })
}

fn unparted(count: usize, why: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(format!("the rows do not part into {count} modes ({why}); ask for fewer modes, or kmeans"))
}
