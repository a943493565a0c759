//! The generic detector for any set of sensors: what a sensor's neighbours do not explain of it, averaged over
//! short and long spans, and measured by how large that is on rows from which nothing was learnt.
//!
//! The parts are old: each sensor explained by the others now and by all of the row before (leave-one-out
//! regression from one inverse, Lauritzen 1996, "Graphical Models"), charts of averages (Roberts 1959; Lowry et
//! al. 1992), shrinkage (Ledoit and Wolf 2004). The scale comes from held-out blocks (Burman, Chow and Nolan 1994,
//! "A cross-validatory method for dependent data"), because residuals on a model's own rows are too small.

mod chart;
mod neighbours;

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::detector::{Detector, Params, Valid, outside};
use crate::exact;
use crate::maths::covariance::MOST_COLUMNS;
use crate::maths::quantile::quantile;
use crate::maths::scale::Scale;
use crate::refusal::Result;
use crate::rows::Rows;
use chart::Chart;
use neighbours::{Neighbours, pairs};

/// How the generic detector learns.
#[derive(Debug, Clone)]
pub struct HonestParams {
    /// Weights of the newest row in the averages; 1 keeps faults visible that swing around zero.
    pub weights: Vec<f64>,
    /// Contiguous blocks of the rows learnt from, each judged by models of the others; 2 to 64.
    pub blocks: usize,
}

impl Default for HonestParams {
    fn default() -> Self {
        Self { weights: vec![1.0, 0.2, 0.05], blocks: 8 }
    }
}

/// A score of 1 is exceeded by one in a hundred healthy rows that were not learnt from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Honest {
    scale: Scale,
    neighbours: Neighbours,
    charts: Vec<Chart>,
    /// The .99 quantile of the fused charts on held-out rows.
    #[serde(with = "exact::one")]
    usual: f64,
    /// The present row and the one before, in deviations; empty before the first.
    #[serde(skip)]
    pair: Vec<f64>,
    #[serde(skip)]
    residual: Vec<f64>,
}

impl Params for HonestParams {
    type Model = Honest;

    fn problem(&self) -> Option<String> {
        if self.weights.is_empty() {
            return Some("at least one weight is needed".into());
        }
        let weight = self.weights.iter().find_map(|w| outside("a weight of the newest row", *w, 1e-6, 1.0));
        weight.or_else(|| outside("the number of blocks", self.blocks as f64, 2.0, 64.0))
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<Honest> {
        let rows = rows.worth_learning(4 * params.blocks)?;
        if rows.width() > MOST_COLUMNS / 2 {
            return Err(Refusal::new(format!(
                "{} columns are more than the {} that this method can relate to each other; \
                 choose columns, or the method isolation_forest",
                rows.width(),
                MOST_COLUMNS / 2
            )));
        }
        let scale = Scale::moments(rows);
        let width = rows.width();
        let pairs = pairs(&scale.z_rows(rows), width, std::slice::from_ref(&(0..rows.len())));
        let neighbours = Neighbours::learn(Rows::new(&pairs, 2 * width)?)?;
        let left = held_out(params.blocks, rows)?;
        let mut powers = vec![0.0; rows.len()];
        let learn = |weight: &f64| Chart::learn(*weight, Rows::new(&left, width)?, &mut powers);
        let charts: Vec<Chart> = params.weights.iter().map(learn).collect::<Result<_>>()?;
        let mut fused = powers.iter().map(|sum| fuse(*sum, charts.len())).collect();
        let usual = quantile(&mut fused, 0.99).max(1e-12);
        Ok(Honest { scale, neighbours, charts, usual, pair: Vec::new(), residual: Vec::new() })
    }
}

/// The fourth-power mean of charts: nearly the largest, yet what shows in several counts more than in one.
fn fuse(sum_of_powers: f64, charts: usize) -> f64 {
    (sum_of_powers / charts as f64).sqrt().sqrt()
}

/// What is left over of each row by neighbours that were learnt from the other blocks.
fn held_out(blocks: usize, rows: Rows<'_>) -> Result<Vec<f64>> {
    let (count, width) = (rows.len(), rows.width());
    let mut left = vec![0.0; count * width];
    for block in 0..blocks {
        let (from, to) = (block * count / blocks, (block + 1) * count / blocks);
        let others = [rows.slice(0, from).values(), rows.slice(to, count).values()].concat();
        let z = Scale::moments(Rows::new(&others, width)?).z_rows(rows);
        let neighbours = Neighbours::learn(Rows::new(&pairs(&z, width, &[0..from, to..count]), 2 * width)?)?;
        for now in from..to {
            let before = now.max(1) - 1;
            let pair = [&z[now * width..][..width], &z[before * width..][..width]].concat();
            neighbours.residual(&pair, &mut left[now * width..][..width]);
        }
    }
    Ok(left)
}

impl Detector for Honest {
    fn width(&self) -> usize {
        self.scale.width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        let width = row.len();
        let first = self.pair.is_empty();
        self.pair.resize(2 * width, 0.0);
        self.residual.resize(width, 0.0);
        self.pair.copy_within(..width, width);
        self.scale.z_row(row, &mut self.pair[..width]);
        if first {
            // Nothing came before: as if the sensors had stood still.
            self.pair.copy_within(..width, width);
        }
        self.neighbours.residual(&self.pair, &mut self.residual);
        let powers: f64 = self.charts.iter_mut().map(|chart| chart.judge(&self.residual).powi(4)).sum();
        fuse(powers, self.charts.len()) / self.usual
    }

    /// The largest average of a column over all spans, in its held-out deviations.
    fn shares(&self, _: &[f64], shares: &mut [f64]) {
        shares.fill(0.0);
        self.charts.iter().for_each(|chart| chart.shares(shares));
    }

    fn restart(&mut self) {
        self.pair.clear();
        self.charts.iter_mut().for_each(Chart::restart);
    }

    fn memory(&self) -> Vec<f64> {
        let averages = self.charts.iter().flat_map(Chart::averages);
        self.pair.iter().chain(averages).copied().collect()
    }

    fn recall(&mut self, memory: &[f64]) {
        self.restart();
        if memory.is_empty() {
            return;
        }
        let width = self.width();
        let (pair, averages) = memory.split_at(2 * width);
        self.pair = pair.to_vec();
        self.charts.iter_mut().zip(averages.chunks(width)).for_each(|(chart, own)| chart.recall(own));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sensors that follow a common load, and one of its own.
    fn plant(rows: usize, seed: u64) -> Vec<f64> {
        let mut random = crate::random::Random::new(seed, 0);
        let mut noise = move || random.unit() + random.unit() + random.unit() - 1.5;
        let mut load = 0.0;
        (0..rows)
            .flat_map(|_| {
                load = 0.95 * load + 0.3 * noise();
                [load + 0.1 * noise(), 50.0 - 2.0 * load + 0.1 * noise(), noise()]
            })
            .collect()
    }

    fn learnt() -> Honest {
        let values = plant(400, 1);
        let params = HonestParams::default().check().expect("valid");
        params.fit(Rows::new(&values, 3).expect("rows")).expect("a model")
    }

    #[test]
    fn healthy_rows_that_were_not_learnt_from_stay_below_twice_the_usual() {
        let values = plant(2000, 2);
        let scores = learnt().score_all(Rows::new(&values, 3).expect("rows"));
        let above = scores.iter().filter(|score| **score > 2.0).count();
        assert!(above < 20, "{above} of 2000");
    }

    #[test]
    fn a_sensor_that_leaves_its_neighbours_is_seen_and_named() {
        let mut values = plant(300, 3);
        values[1 + 3 * 200..].iter_mut().step_by(3).for_each(|value| *value += 1.0);
        let mut model = learnt();
        let scores = model.score_all(Rows::new(&values, 3).expect("rows"));
        assert!(scores[230] > 2.0, "{}", scores[230]);
        let mut shares = [0.0; 3];
        model.shares(&values[897..], &mut shares);
        assert!(shares[2] < shares[1].max(shares[0]), "{shares:?}");
    }

    #[test]
    fn restarted_it_scores_as_when_new() {
        let values = plant(100, 4);
        let rows = Rows::new(&values, 3).expect("rows");
        let mut model = learnt();
        let first = model.score_all(rows);
        model.restart();
        assert_eq!(first, model.score_all(rows));
    }
}
