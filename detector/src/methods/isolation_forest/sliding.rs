use serde::{Deserialize, Serialize};

use super::{IsolationForest, IsolationForestParams};
use crate::detector::{Detector, Params, Valid, outside};
use crate::exact;
use crate::refusal::Result;
use crate::rows::Rows;

/// A forest that grows anew from the latest rows while it judges (after Ding and Fei 2013, "An anomaly
/// detection approach based on isolation forest algorithm for streaming data using sliding window"). It follows
/// what changes slowly; a fault that lasts for a window becomes normal.
#[derive(Debug, Clone, Copy)]
pub struct SlidingForestParams {
    /// How each forest is grown.
    pub forest: IsolationForestParams,
    /// Rows that a forest learns from, 16 to 10 million.
    pub window: usize,
    /// Rows after which it grows anew, at most the window.
    pub every: usize,
}

impl Default for SlidingForestParams {
    fn default() -> Self {
        Self { forest: IsolationForestParams::default(), window: 4096, every: 1024 }
    }
}

/// Scores are those of the forest that stands when the row comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlidingForest {
    trees: usize,
    sample: usize,
    seed: u64,
    window: usize,
    every: usize,
    /// The forest that was learnt, from which every run begins.
    forest: IsolationForest,
    /// The latest rows learnt from, at most a window, row by row.
    #[serde(with = "exact")]
    rows: Vec<f64>,
    #[serde(skip)]
    run: Option<Run>,
}

/// What the rows judged so far made of what was learnt.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    forest: IsolationForest,
    /// The window that the forest grew from, or would have, and the rows since.
    rows: Vec<f64>,
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
        let (window, every) = (params.window, params.every);
        let IsolationForestParams { trees, sample, seed } = params.forest;
        let kept = rows.slice(rows.len().saturating_sub(window), rows.len());
        let forest = params.forest.check()?.fit(kept)?;
        Ok(SlidingForest {
            trees,
            sample,
            seed,
            window,
            every,
            forest,
            rows: kept.values().to_vec(),
            run: None,
        })
    }
}

impl SlidingForest {
    /// How many rows a forest learns from, and after how many it grows anew.
    pub fn description(&self) -> String {
        format!("every {} rows, from the latest {}", self.every, self.window)
    }

    fn begin(&self) -> Run {
        Run { forest: self.forest.clone(), rows: self.rows.clone(), since: 0, grown: 0 }
    }

    /// The forest that grows from the latest window of these rows. A window that became constant teaches nothing:
    /// then what was learnt first stands again.
    fn grow(&self, rows: &[f64], grown: u64) -> IsolationForest {
        let from = rows.len().saturating_sub(self.window * self.width());
        let rows = Rows::new(&rows[from..], self.width());
        let grown = rows.and_then(|rows| self.params(grown).check()?.fit(rows));
        grown.unwrap_or_else(|_| self.forest.clone())
    }

    fn params(&self, grown: u64) -> IsolationForestParams {
        // Another seed each time, or the same cuts would fall for ever.
        let seed = self.seed.wrapping_add(grown.wrapping_mul(0x2545_F491_4F6C_DD1D));
        IsolationForestParams { trees: self.trees, sample: self.sample, seed }
    }
}

impl Detector for SlidingForest {
    fn width(&self) -> usize {
        self.forest.width()
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        let mut run = self.run.take().unwrap_or_else(|| self.begin());
        let score = run.forest.score(row);
        run.rows.extend(row);
        run.since += 1;
        if run.since == self.every {
            run.grown += 1;
            run.since = 0;
            run.rows.drain(..run.rows.len().saturating_sub(self.window * row.len()));
            run.forest = self.grow(&run.rows, run.grown);
        }
        self.run = Some(run);
        score
    }

    fn shares(&self, row: &[f64], shares: &mut [f64]) {
        self.run.as_ref().map_or(&self.forest, |run| &run.forest).shares(row, shares);
    }

    fn restart(&mut self) {
        self.run = None;
    }

    fn memory(&self) -> Vec<f64> {
        let Some(run) = &self.run else { return Vec::new() };
        [&[run.since as f64, run.grown as f64], &run.rows[..]].concat()
    }

    fn recall(&mut self, memory: &[f64]) {
        self.run = None;
        let [since, grown, rows @ ..] = memory else { return };
        let (since, grown, rows) = (*since as usize, *grown as u64, rows.to_vec());
        let before = rows.len().saturating_sub(since * self.width());
        let forest = if grown == 0 { self.forest.clone() } else { self.grow(&rows[..before], grown) };
        self.run = Some(Run { forest, rows, since, grown });
    }
}
