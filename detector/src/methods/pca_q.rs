use linfa_linalg::Order;
use linfa_linalg::eigh::{EigSort, Eigh};
use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::detector::{Detector, Params, Valid, outside};
use crate::exact;
use crate::maths::covariance::{self, dot};
use crate::maths::scale::Scale;
use crate::refusal::Result;
use crate::rows::Rows;

/// What the principal components do not explain (Jackson and Mudholkar 1979, "Control procedures for
/// residuals associated with principal component analysis").
#[derive(Debug, Clone, Copy)]
pub struct PcaQParams {
    /// Share of the variance that the components kept explain, 0 to 1.
    pub explained: f64,
}

impl Default for PcaQParams {
    fn default() -> Self {
        Self { explained: 0.9 }
    }
}

/// The score is the square root of Q, the squared prediction error of the z.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PcaQ {
    scale: Scale,
    /// The components kept, one after another, each of unit length.
    #[serde(with = "exact")]
    components: Vec<f64>,
}

impl Params for PcaQParams {
    type Model = PcaQ;

    fn problem(&self) -> Option<String> {
        outside("the share explained", self.explained, 0.0, 1.0)
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<PcaQ> {
        let rows = rows.worth_learning(3)?;
        covariance::bounded(rows)?;
        let scale = Scale::moments(rows);
        let z = scale.z_rows(rows);
        let moment = covariance::second_moment(Rows::new(&z, rows.width())?);
        let eigen = moment.eigh().map_err(|e| Refusal::new(format!("no principal components: {e}")))?;
        let (values, vectors) = eigen.sort_eig(Order::Largest);
        let total: f64 = values.iter().sum();
        let mut explained = 0.0;
        let mut components = Vec::new();
        // One component at least stays out: without a rest there is no error to see.
        for (value, vector) in values.iter().zip(vectors.columns()).take(rows.width() - 1) {
            if explained >= params.explained * total {
                break;
            }
            explained += value;
            components.extend(vector.iter());
        }
        Ok(PcaQ { scale, components })
    }
}

impl PcaQ {
    fn error(&self, row: &[f64]) -> Vec<f64> {
        let mut z = vec![0.0; row.len()];
        self.scale.z_row(row, &mut z);
        let mut error = z.clone();
        for component in self.components.chunks_exact(row.len()) {
            let length = dot(component, &z);
            error.iter_mut().zip(component).for_each(|(error, part)| *error -= length * part);
        }
        error
    }
}

impl Detector for PcaQ {
    fn width(&self) -> usize {
        self.scale.width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        let error = self.error(row);
        dot(&error, &error).sqrt()
    }

    fn shares(&self, row: &[f64], shares: &mut [f64]) {
        shares.iter_mut().zip(self.error(row)).for_each(|(share, error)| *share = error * error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sees_what_leaves_the_plane_of_the_components_only() {
        let values: Vec<f64> = (0..100).flat_map(|i| [f64::from(i % 10), 2.0 * f64::from(i % 10)]).collect();
        let rows = Rows::new(&values, 2).expect("rows");
        let mut model = PcaQParams::default().check().expect("valid").fit(rows).expect("model");
        assert!(model.score(&[100.0, 200.0]) < 1e-6);
        assert!(model.score(&[5.0, 8.0]) > 0.1);
    }
}
