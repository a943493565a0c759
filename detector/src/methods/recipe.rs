use super::{Algorithm, Clusters, IsolationForestParams, Model, ModesParams, SlidingForestParams};
use crate::detector::Params;
use crate::refusal::{Refusal, Result};
use crate::rows::Rows;

/// A method with the stages around it that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// The method.
    pub algorithm: Algorithm,
    /// Modes into which rows are parted first.
    pub clusters: Option<Clusters>,
    /// When the forest grows anew while it judges.
    pub refit: Option<Refit>,
    /// What it sees of a machine of our plant, where that was said.
    pub features: Option<Features>,
}

/// What a method for rows sees of a machine of our plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Features {
    /// The sensors as they are
    Readings,
    /// What load and neighbours do not explain of them
    Residuals,
}

/// When a sliding forest grows anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refit {
    /// After so many rows...
    pub every: usize,
    /// ...from so many of the latest ones.
    pub window: usize,
}

impl From<Algorithm> for Recipe {
    fn from(algorithm: Algorithm) -> Self {
        Self { algorithm, clusters: None, refit: None, features: None }
    }
}

impl Recipe {
    /// The method's name.
    pub const fn name(self) -> &'static str {
        self.algorithm.name()
    }

    /// Whether a row's score depends on the rows before it, so that rows need an order.
    pub const fn remembers(self) -> bool {
        self.refit.is_some() || self.algorithm.remembers()
    }

    /// Whether the model depends on a seed.
    pub const fn is_random(self) -> bool {
        self.algorithm.is_random()
    }

    /// Whether it sees residuals of our plant. A forest does unless it is to part rows into modes: a failure moves
    /// sensors by less than load does, and stays within what trees cut apart.
    pub fn sees_residuals(self) -> bool {
        let usual = self.algorithm == Algorithm::IsolationForest && self.clusters.is_none();
        self.features.map_or(usual, |features| features == Features::Residuals)
    }

    /// The fewest rows that it learns from by itself, with the threshold that belongs to them.
    pub fn fewest_rows(self) -> u64 {
        self.algorithm.fewest_rows().max(self.clusters.map_or(0, Clusters::fewest_rows))
    }

    /// What judges rows within their modes.
    pub const fn within(self) -> Self {
        Self { clusters: None, ..self }
    }

    /// What does not fit together, in a sentence.
    pub fn problem(self) -> Option<String> {
        let grows = self.algorithm == Algorithm::IsolationForest;
        (self.refit.is_some() && !grows).then(|| {
            format!("`{}` does not grow anew while it judges; only `isolation_forest` does", self.name())
        })
    }

    /// Learns with the usual parameters.
    ///
    /// # Errors
    /// If the stages do not fit together, or the rows teach nothing.
    pub fn fit(self, rows: Rows<'_>, seed: u64) -> Result<Model> {
        if let Some(sentence) = self.problem() {
            return Err(Refusal::new(sentence));
        }
        if let Some(clusters) = self.clusters {
            let params = ModesParams { clusters, within: self.within(), seed };
            return Ok(Model::Modes(Box::new(params.check()?.fit(rows)?)));
        }
        let Some(Refit { every, window }) = self.refit else { return self.algorithm.fit(rows, seed) };
        let forest = IsolationForestParams { seed, ..IsolationForestParams::default() };
        let params = SlidingForestParams { forest, window, every };
        Ok(Model::SlidingForest(Box::new(params.check()?.fit(rows)?)))
    }
}
