use serde::{Deserialize, Serialize};

use super::{IsolationForest, IsolationForestParams, PcaQ, PcaQParams, RobustZ, RobustZParams, T2, T2Params};
use crate::detector::{Detector, Params, Valid};
use crate::maths::tail::Tail;
use crate::refusal::Result;
use crate::rows::Rows;

/// Four methods that see different things, fused by how rare each score is among those of the rows learnt
/// from (Aggarwal and Sathe 2017, "Outlier Ensembles").
#[derive(Debug, Clone, Copy, Default)]
pub struct EnsembleParams {
    /// How the forest is grown.
    pub forest: IsolationForestParams,
}

/// The score is the mean rarity, minus the logarithm of a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ensemble {
    robust_z: (RobustZ, Tail),
    t2: (T2, Tail),
    pca_q: (PcaQ, Tail),
    forest: (IsolationForest, Tail),
}

impl Params for EnsembleParams {
    type Model = Ensemble;

    fn problem(&self) -> Option<String> {
        self.forest.problem()
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<Ensemble> {
        Ok(Ensemble {
            robust_z: calibrated(RobustZParams {}, rows)?,
            t2: calibrated(T2Params::default(), rows)?,
            pca_q: calibrated(PcaQParams::default(), rows)?,
            forest: calibrated(params.forest, rows)?,
        })
    }
}

fn calibrated<P: Params>(params: P, rows: Rows<'_>) -> Result<(P::Model, Tail)> {
    let mut model = params.check()?.fit(rows)?;
    let tail = Tail::of(&model.score_all(rows));
    Ok((model, tail))
}

impl Ensemble {
    fn members(&self) -> [(&dyn Detector, &Tail); 4] {
        [
            (&self.robust_z.0, &self.robust_z.1),
            (&self.t2.0, &self.t2.1),
            (&self.pca_q.0, &self.pca_q.1),
            (&self.forest.0, &self.forest.1),
        ]
    }

    fn members_mut(&mut self) -> [(&mut dyn Detector, &Tail); 4] {
        [
            (&mut self.robust_z.0, &self.robust_z.1),
            (&mut self.t2.0, &self.t2.1),
            (&mut self.pca_q.0, &self.pca_q.1),
            (&mut self.forest.0, &self.forest.1),
        ]
    }
}

impl Detector for Ensemble {
    fn width(&self) -> usize {
        self.forest.0.width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        let rarities = self.members_mut().map(|(model, tail)| tail.rarity(model.score(row)));
        rarities.iter().sum::<f64>() / rarities.len() as f64
    }

    /// The mean of the members' shares, each member's adding up to 1.
    fn shares(&self, row: &[f64], shares: &mut [f64]) {
        shares.fill(0.0);
        let mut own = vec![0.0; row.len()];
        for (model, _) in self.members() {
            model.shares(row, &mut own);
            let total = own.iter().sum::<f64>().max(1e-300);
            shares.iter_mut().zip(&own).for_each(|(share, own)| *share += own / total);
        }
    }

    fn score_all(&mut self, rows: Rows<'_>) -> Vec<f64> {
        let mut scores = vec![0.0; rows.len()];
        let members = self.members_mut();
        let count = members.len() as f64;
        for (model, tail) in members {
            let own = model.score_all(rows);
            scores.iter_mut().zip(own).for_each(|(score, own)| *score += tail.rarity(own));
        }
        scores.iter_mut().for_each(|score| *score /= count);
        scores
    }
}
