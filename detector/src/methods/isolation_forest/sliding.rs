use std::collections::VecDeque;

use super::{IsolationForest, IsolationForestParams};
use crate::detector::{Detector, Params, Valid, outside};
use crate::refusal::Result;
use crate::rows::Rows;

/// A forest that grows anew from the latest rows while it judges (after Ding and Fei 2013, "An anomaly
/// detection approach based on isolation forest algorithm for streaming data using sliding window").
#[derive(Debug, Clone, Copy)]
pub struct SlidingForestParams {
    /// How each forest is grown.
    pub forest: IsolationForestParams,
    /// Rows that a forest learns from.
    pub window: usize,
    /// Rows after which it grows anew.
    pub every: usize,
}

impl Default for SlidingForestParams {
    fn default() -> Self {
        Self { forest: IsolationForestParams::default(), window: 4096, every: 1024 }
    }
}

/// Scores are those of the forest that stands when the row comes.
#[derive(Debug, Clone)]
pub struct SlidingForest {
    params: Valid<IsolationForestParams>,
    window: usize,
    every: usize,
    forest: IsolationForest,
    rows: VecDeque<f64>,
    since: usize,
    grown: u64,
}

impl Params for SlidingForestParams {
    type Model = SlidingForest;

    fn problem(&self) -> Option<String> {
        outside("the window", self.window as f64, 16.0, 1e7)
            .or_else(|| outside("the rows between two forests", self.every as f64, 1.0, self.window as f64))
            .or_else(|| self.forest.problem())
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<SlidingForest> {
        let (window, every, forest) = (params.window, params.every, params.forest.check()?);
        let kept = rows.slice(rows.len().saturating_sub(window), rows.len());
        let grown = forest.fit(kept)?;
        let rows = kept.values().iter().copied().collect();
        Ok(SlidingForest { params: forest, window, every, forest: grown, rows, since: 0, grown: 0 })
    }
}

impl SlidingForest {
    fn grow(&mut self) {
        let mut params = *self.params;
        self.grown += 1;
        // Another seed each time, or the same cuts would fall for ever.
        params.seed = params.seed.wrapping_add(self.grown.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let width = self.forest.width();
        let rows = Rows::new(self.rows.make_contiguous(), width);
        // A window that became constant teaches nothing: the forest that stands is the best there is.
        if let Ok(forest) = rows.and_then(|rows| params.check()?.fit(rows)) {
            self.forest = forest;
        }
        self.since = 0;
    }
}

impl Detector for SlidingForest {
    fn width(&self) -> usize {
        self.forest.width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        let score = self.forest.score(row);
        if self.rows.len() == self.window * row.len() {
            self.rows.drain(..row.len());
        }
        self.rows.extend(row);
        self.since += 1;
        if self.since == self.every {
            self.grow();
        }
        score
    }

    fn shares(&self, row: &[f64], shares: &mut [f64]) {
        self.forest.shares(row, shares);
    }
}
