use serde::{Deserialize, Serialize};

use super::{
    Cusum, CusumParams, Ensemble, EnsembleParams, Ewma, EwmaParams, Honest, HonestParams, IsolationForest,
    IsolationForestParams, Mewma, MewmaParams, Modes, PcaQ, PcaQParams, Profile, ProfileParams, RobustZ,
    RobustZParams, SlidingForest, T2, T2Params, Threshold, ThresholdParams, Zscore, ZscoreParams,
};
use crate::detector::{Detector, Params};
use crate::refusal::Result;
use crate::rows::Rows;

/// The methods by name, each with its usual parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// Edges of the range learnt, each sensor alone.
    Threshold,
    /// Rolling z-score over 60 rows.
    Zscore,
    /// Frozen median and MAD.
    RobustZ,
    /// Moving averages of the frozen z.
    Ewma,
    /// Cumulated sums of the frozen z.
    Cusum,
    /// Isolation forest.
    IsolationForest,
    /// Hotelling's T-squared.
    T2,
    /// T-squared of moving averages.
    Mewma,
    /// What principal components leave over.
    PcaQ,
    /// The generic default: what neighbours leave over, on an honest scale.
    Honest,
    /// One variable: time of day and shape.
    Profile,
    /// Four methods fused by rarity.
    Ensemble,
}

/// A model of any method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Model {
    Threshold(Threshold),
    Zscore(Zscore),
    RobustZ(RobustZ),
    Ewma(Ewma),
    Cusum(Cusum),
    IsolationForest(IsolationForest),
    T2(T2),
    Mewma(Mewma),
    PcaQ(PcaQ),
    Honest(Honest),
    Profile(Profile),
    Ensemble(Box<Ensemble>),
    SlidingForest(Box<SlidingForest>),
    Modes(Box<Modes>),
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Threshold,
        Self::Zscore,
        Self::RobustZ,
        Self::Ewma,
        Self::Cusum,
        Self::IsolationForest,
        Self::T2,
        Self::Mewma,
        Self::PcaQ,
        Self::Honest,
        Self::Profile,
        Self::Ensemble,
    ];

    /// The name on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Threshold => "threshold",
            Self::Zscore => "zscore",
            Self::RobustZ => "robust_z",
            Self::Ewma => "ewma",
            Self::Cusum => "cusum",
            Self::IsolationForest => "isolation_forest",
            Self::T2 => "t2",
            Self::Mewma => "mewma",
            Self::PcaQ => "pca_q",
            Self::Honest => "honest",
            Self::Profile => "profile",
            Self::Ensemble => "ensemble",
        }
    }

    /// Whether a row's score depends on the rows before it, so that rows need an order.
    pub const fn remembers(self) -> bool {
        matches!(self, Self::Zscore | Self::Ewma | Self::Cusum | Self::Mewma | Self::Honest | Self::Profile)
    }

    /// Whether the model depends on a seed.
    pub const fn is_random(self) -> bool {
        matches!(self, Self::IsolationForest | Self::Ensemble)
    }

    /// The fewest rows that it learns from by itself, with the threshold that belongs to them.
    pub const fn fewest_rows(self) -> u64 {
        match self {
            Self::Honest => 32,
            Self::Profile => 400,
            _ => 8,
        }
    }

    /// Learns with the usual parameters.
    ///
    /// # Errors
    /// If the rows teach nothing.
    pub fn fit(self, rows: Rows<'_>, seed: u64) -> Result<Model> {
        let forest = IsolationForestParams { seed, ..IsolationForestParams::default() };
        Ok(match self {
            Self::Threshold => Model::Threshold(ThresholdParams::default().check()?.fit(rows)?),
            Self::Zscore => Model::Zscore(ZscoreParams::default().check()?.fit(rows)?),
            Self::RobustZ => Model::RobustZ(RobustZParams {}.check()?.fit(rows)?),
            Self::Ewma => Model::Ewma(EwmaParams::default().check()?.fit(rows)?),
            Self::Cusum => Model::Cusum(CusumParams::default().check()?.fit(rows)?),
            Self::IsolationForest => Model::IsolationForest(forest.check()?.fit(rows)?),
            Self::T2 => Model::T2(T2Params::default().check()?.fit(rows)?),
            Self::Mewma => Model::Mewma(MewmaParams::default().check()?.fit(rows)?),
            Self::PcaQ => Model::PcaQ(PcaQParams::default().check()?.fit(rows)?),
            Self::Honest => Model::Honest(HonestParams::default().check()?.fit(rows)?),
            Self::Profile => Model::Profile(ProfileParams::default().check()?.fit(rows)?),
            Self::Ensemble => Model::Ensemble(Box::new(EnsembleParams { forest }.check()?.fit(rows)?)),
        })
    }
}

impl Model {
    /// The method's own model.
    pub fn detector(&self) -> &dyn Detector {
        match self {
            Self::Threshold(model) => model,
            Self::Zscore(model) => model,
            Self::RobustZ(model) => model,
            Self::Ewma(model) => model,
            Self::Cusum(model) => model,
            Self::IsolationForest(model) => model,
            Self::T2(model) => model,
            Self::Mewma(model) => model,
            Self::PcaQ(model) => model,
            Self::Honest(model) => model,
            Self::Profile(model) => model,
            Self::Ensemble(model) => &**model,
            Self::SlidingForest(model) => &**model,
            Self::Modes(model) => &**model,
        }
    }

    fn detector_mut(&mut self) -> &mut dyn Detector {
        match self {
            Self::Threshold(model) => model,
            Self::Zscore(model) => model,
            Self::RobustZ(model) => model,
            Self::Ewma(model) => model,
            Self::Cusum(model) => model,
            Self::IsolationForest(model) => model,
            Self::T2(model) => model,
            Self::Mewma(model) => model,
            Self::PcaQ(model) => model,
            Self::Honest(model) => model,
            Self::Profile(model) => model,
            Self::Ensemble(model) => &mut **model,
            Self::SlidingForest(model) => &mut **model,
            Self::Modes(model) => &mut **model,
        }
    }
}

impl Detector for Model {
    fn width(&self) -> usize {
        self.detector().width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        self.detector_mut().score(row)
    }

    fn shares(&self, row: &[f64], shares: &mut [f64]) {
        self.detector().shares(row, shares);
    }

    fn restart(&mut self) {
        self.detector_mut().restart();
    }

    fn memory(&self) -> Vec<f64> {
        self.detector().memory()
    }

    fn recall(&mut self, memory: &[f64]) {
        self.detector_mut().recall(memory);
    }

    fn score_all(&mut self, rows: Rows<'_>) -> Vec<f64> {
        self.detector_mut().score_all(rows)
    }
}
