//! Operating modes, a stage before any other method: rows are parted into clusters, each row is told in the
//! deviations of its own mode, and one model judges them all. What lies between two modes is far from both,
//! where a single scale over both calls it the very middle.
//!
//! Standardising by what is near is that of Ma, Hu and Shi 2012 ("A novel local neighborhood standardization
//! strategy and its application in fault detection of multimode processes"); modes by a Gaussian mixture are
//! those of Yu and Qin 2008 ("Multimode process monitoring with Bayesian inference-based finite Gaussian mixture
//! models"). One model for all modes keeps every row to learn from, and its averages run on when a machine
//! changes its mode; a relation between sensors that differs by mode is averaged over them.

mod partition;

use serde::{Deserialize, Serialize};

use super::{Model, Recipe};
use crate::Refusal;
use crate::detector::{Detector, Params, Valid, outside};
use crate::exact;
use crate::maths::scale::Scale;
use crate::refusal::Result;
use crate::rows::Rows;
use partition::Partition;

/// How rows are parted into modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Clustering {
    /// By the nearest centre: round clusters of like size.
    #[value(name = "kmeans")]
    KMeans,
    /// By a Gaussian mixture: oblong clusters, and those of unlike size.
    Gmm,
}

/// How many modes are looked for, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clusters {
    /// How many, 2 to 64.
    pub count: usize,
    /// How they are told apart.
    pub by: Clustering,
}

/// A mode of fewer rows says too little of its own spread.
const FEWEST: usize = 16;
/// A sensor that rests in a mode varies by at least this share of what it varies by over all.
const RESTS: f64 = 0.01;

impl Clusters {
    /// The fewest rows from which so many modes can be learnt.
    pub const fn fewest_rows(self) -> u64 {
        (FEWEST * self.count) as u64
    }
}

/// Modes and what judges the rows within them.
#[derive(Debug, Clone, Copy)]
pub struct ModesParams {
    /// The modes.
    pub clusters: Clusters,
    /// The method that judges rows in their mode's deviations.
    pub within: Recipe,
    /// The seed of that method; the clusters need none.
    pub seed: u64,
}

/// Modes that were learnt, and one model for all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Modes {
    by: Clustering,
    partition: Partition,
    /// One a mode.
    scales: Vec<Scale>,
    /// How many rows of those learnt from belong to each mode.
    #[serde(with = "exact")]
    rows: Vec<u64>,
    model: Model,
}

impl Params for ModesParams {
    type Model = Modes;

    fn problem(&self) -> Option<String> {
        let count = outside("the number of modes", self.clusters.count as f64, 2.0, 64.0);
        let nested =
            || self.within.clusters.is_some().then(|| "modes within modes are not learnt".to_owned());
        count.or_else(nested).or_else(|| self.within.problem())
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<Modes> {
        let clusters = params.clusters;
        let rows = rows.worth_learning(clusters.fewest_rows() as usize)?;
        let partition = Partition::learn(clusters, rows)?;
        let mut scratch = vec![0.0; rows.width()];
        let mut parts = vec![Vec::new(); clusters.count];
        for row in rows.iter() {
            parts[partition.mode(row, &mut scratch)].extend_from_slice(row);
        }
        let counts: Vec<u64> = parts.iter().map(|part| (part.len() / rows.width()) as u64).collect();
        if let Some(least) = counts.iter().copied().min().filter(|least| *least < FEWEST as u64) {
            return Err(Refusal::new(format!(
                "of {} modes the smallest has {least} rows, and {FEWEST} are needed to know its spread; ask for \
                 fewer modes, or give more rows",
                clusters.count
            )));
        }
        let scales = parts.iter().map(|part| Ok(of_mode(Rows::new(part, rows.width())?, &partition.scale)));
        let scales: Vec<Scale> = scales.collect::<Result<_>>()?;
        let z = standardised(&partition, &scales, rows);
        let model = params.within.fit(Rows::new(&z, rows.width())?, params.seed)?;
        Ok(Modes { by: clusters.by, partition, scales, rows: counts, model })
    }
}

/// Middle and spread in one mode; of all rows, where a column is never there in it.
fn of_mode(rows: Rows<'_>, all: &Scale) -> Scale {
    let mut own = Scale::robust(rows);
    for column in 0..rows.width() {
        if rows.column(column).next().is_none() {
            (own.middle[column], own.spread[column]) = (all.middle[column], all.spread[column]);
        }
        own.spread[column] = own.spread[column].max(RESTS * all.spread[column]);
    }
    own
}

fn standardised(partition: &Partition, scales: &[Scale], rows: Rows<'_>) -> Vec<f64> {
    let mut all = rows.values().to_vec();
    let mut scratch = vec![0.0; rows.width()];
    for (row, z) in rows.iter().zip(all.chunks_exact_mut(rows.width())) {
        let scale = &scales[partition.mode(row, &mut scratch)];
        within(scale, row, z);
    }
    all
}

/// A row in its mode's deviations; what is missing stays missing.
fn within(scale: &Scale, row: &[f64], z: &mut [f64]) {
    for (column, (z, value)) in z.iter_mut().zip(row).enumerate() {
        *z = if value.is_finite() { scale.z(column, *value) } else { f64::NAN };
    }
}

impl Modes {
    /// The model that judges rows in their mode's deviations.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Rows in the deviations of their modes, as the model wants them.
    pub fn standardised(&self, rows: Rows<'_>) -> Vec<f64> {
        standardised(&self.partition, &self.scales, rows)
    }

    /// How many modes, how they were told apart, and how many rows each had.
    pub fn description(&self) -> String {
        let by = match self.by {
            Clustering::KMeans => "k-means",
            Clustering::Gmm => "a Gaussian mixture",
        };
        let rows: Vec<String> = self.rows.iter().map(u64::to_string).collect();
        format!("{} by {by}, of {} rows", self.rows.len(), rows.join(", "))
    }

    fn z(&self, row: &[f64]) -> Vec<f64> {
        assert_eq!(row.len(), self.width(), "a row has as many columns as were learnt from");
        let mut z = vec![0.0; row.len()];
        let mode = self.partition.mode(row, &mut z);
        within(&self.scales[mode], row, &mut z);
        z
    }
}

impl Detector for Modes {
    fn width(&self) -> usize {
        self.partition.scale.width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        let z = self.z(row);
        self.model.score(&z)
    }

    fn shares(&self, row: &[f64], shares: &mut [f64]) {
        self.model.shares(&self.z(row), shares);
    }

    fn restart(&mut self) {
        self.model.restart();
    }

    fn memory(&self) -> Vec<f64> {
        self.model.memory()
    }

    fn recall(&mut self, memory: &[f64]) {
        self.model.recall(memory);
    }

    fn score_all(&mut self, rows: Rows<'_>) -> Vec<f64> {
        let z = self.standardised(rows);
        Rows::new(&z, rows.width()).map(|z| self.model.score_all(z)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
