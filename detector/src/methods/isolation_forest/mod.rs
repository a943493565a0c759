//! Isolation forest (Liu, Ting and Zhou 2008, "Isolation Forest"): what random cuts separate from the rest
//! quickly is strange.

mod grow;
mod sliding;
mod walk;

use serde::{Deserialize, Serialize};

use crate::detector::{Detector, Params, Valid, outside};
use crate::exact;
use crate::maths::quantile::median;
use crate::refusal::Result;
use crate::rows::Rows;

pub use sliding::{SlidingForest, SlidingForestParams};

/// How a forest is grown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IsolationForestParams {
    /// How many trees, 1 to 10,000.
    pub trees: usize,
    /// How many rows each tree sees, 2 to 65,536; all rows where there are fewer.
    pub sample: usize,
    /// The same seed and rows give the same forest.
    pub seed: u64,
}

impl Default for IsolationForestParams {
    fn default() -> Self {
        Self { trees: 100, sample: 256, seed: 0 }
    }
}

/// Trees as full heaps in flat arrays: node i has the children 2i and 2i + 1, the root is 1, the leaves are
/// numbered from 0. A branch that ended early is padded with nodes that lead to equal leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IsolationForest {
    width: usize,
    /// Nodes a tree, and leaves: 2 to the depth.
    size: usize,
    /// Which column a node asks for.
    #[serde(with = "exact")]
    column: Vec<u32>,
    /// A row goes right if its value is at least this.
    #[serde(with = "exact")]
    threshold: Vec<f32>,
    /// Path length in a leaf, with what the rows left in it would add on average.
    #[serde(with = "exact")]
    length: Vec<f32>,
    /// What takes the place of a missing value: the column's median.
    #[serde(with = "exact")]
    usual: Vec<f32>,
    /// Average path length of the whole sample, by which lengths are measured.
    #[serde(with = "exact::one")]
    average: f32,
}

impl Params for IsolationForestParams {
    type Model = IsolationForest;

    fn problem(&self) -> Option<String> {
        outside("the number of trees", self.trees as f64, 1.0, 10_000.0)
            .or_else(|| outside("the sample of a tree", self.sample as f64, 2.0, 65_536.0))
    }

    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<IsolationForest> {
        Ok(grow::forest(params, rows.worth_learning(2)?))
    }
}

impl IsolationForest {
    /// Scores rows in blocks, faster than one by one and to the same last bit.
    pub fn score_rows(&self, rows: Rows<'_>) -> Vec<f64> {
        assert_eq!(rows.width(), self.width, "a row has as many columns as were learnt from");
        let mut scores = vec![0.0; rows.len()];
        if self.width <= NARROW {
            self.in_blocks(rows, &mut scores, |row| self.fixed::<NARROW>(row));
        } else if self.width <= MIDDLING {
            self.in_blocks(rows, &mut scores, |row| self.fixed::<MIDDLING>(row));
        } else {
            self.in_blocks(rows, &mut scores, |row| self.wide(row));
        }
        scores.iter_mut().for_each(|length| *length = self.strangeness(*length));
        scores
    }

    fn in_blocks<R: walk::Row>(&self, rows: Rows<'_>, lengths: &mut [f64], convert: impl Fn(&[f64]) -> R) {
        let mut block = Vec::with_capacity(walk::BLOCK);
        for (place, lengths) in lengths.chunks_mut(walk::BLOCK).enumerate() {
            let from = place * walk::BLOCK;
            block.clear();
            block.extend(rows.slice(from, from + lengths.len()).iter().map(&convert));
            walk::block(self, &block, lengths);
        }
    }

    fn score_one(&self, row: &[f64]) -> f64 {
        assert_eq!(row.len(), self.width, "a row has as many columns as were learnt from");
        let length = if self.width <= NARROW {
            walk::one(self, &self.fixed::<NARROW>(row))
        } else if self.width <= MIDDLING {
            walk::one(self, &self.fixed::<MIDDLING>(row))
        } else {
            walk::one(self, &self.wide(row))
        };
        self.strangeness(length)
    }

    /// Single precision, with what is usual where a value is missing.
    fn known(&self, row: &[f64]) -> impl Iterator<Item = f32> {
        row.iter().zip(&self.usual).map(|(value, usual)| {
            let value = *value as f32;
            if value.is_finite() { value } else { *usual }
        })
    }

    fn fixed<const N: usize>(&self, row: &[f64]) -> [f32; N] {
        let mut fixed = [0.0; N];
        fixed.iter_mut().zip(self.known(row)).for_each(|(to, value)| *to = value);
        fixed
    }

    fn wide(&self, row: &[f64]) -> Vec<f32> {
        self.known(row).collect()
    }

    /// 2 to the minus mean length over average length: 1 is strangest, .5 is as expected.
    fn strangeness(&self, total_length: f64) -> f64 {
        let trees = self.column.len() / self.size;
        (-total_length / (trees as f64 * f64::from(self.average))).exp2()
    }
}

impl Detector for IsolationForest {
    fn width(&self) -> usize {
        self.width
    }

    fn score(&mut self, row: &[f64]) -> f64 {
        self.score_one(row)
    }

    /// By how much the row would be less strange if the column had its usual value.
    fn shares(&self, row: &[f64], shares: &mut [f64]) {
        let strange = self.score_one(row);
        let mut changed = row.to_vec();
        for (column, share) in shares.iter_mut().enumerate() {
            changed[column] = f64::from(self.usual[column]);
            *share = (strange - self.score_one(&changed)).max(0.0);
            changed[column] = row[column];
        }
    }

    fn score_all(&mut self, rows: Rows<'_>) -> Vec<f64> {
        self.score_rows(rows)
    }
}

/// Most columns of a row that is held in an array of this size: powers of two.
const NARROW: usize = 16;
const MIDDLING: usize = 64;

/// Average path length of an unsuccessful search among `count` rows, c(n) of the paper.
fn average_length(count: usize) -> f32 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    match count {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let others = (count - 1) as f64;
            (2.0 * (others.ln() + EULER) - 2.0 * others / count as f64) as f32
        }
    }
}

fn usual_values(rows: Rows<'_>) -> Vec<f32> {
    // The middle of up to a thousand rows evenly spread over all is near enough.
    let stride = rows.len().div_ceil(1024);
    let usual = |column: usize| {
        let mut values: Vec<f64> = rows.iter().step_by(stride).map(|row| row[column]).collect();
        median(&mut values) as f32
    };
    (0..rows.width()).map(usual).collect()
}

#[cfg(test)]
mod tests;
