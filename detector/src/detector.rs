//! The seam of all methods: checked parameters, learning, a model, scores.

use crate::refusal::{Refusal, Result};
use crate::rows::Rows;

/// A model that has learnt what is normal and judges rows one after another.
pub trait Detector {
    /// How many columns a row has.
    fn width(&self) -> usize;

    /// How strange the next row is: 0 and up, higher is stranger, never NaN. A value that is NaN is missing
    /// and counts as expected. Panics if the row has another width than the rows learnt from.
    fn score(&mut self, row: &[f64]) -> f64;

    /// What each column adds to the score of `row`, which was the last one scored: 0 and up, in no
    /// particular unit.
    fn shares(&self, row: &[f64], shares: &mut [f64]);

    /// Forgets the rows scored so far, never what was learnt.
    fn restart(&mut self) {}

    /// What it remembers of the rows scored so far, beside what was learnt. Empty after [`restart`](Self::restart).
    fn memory(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Goes on from a memory of its own, to the last bit. Panics if the memory is of another model.
    fn recall(&mut self, _memory: &[f64]) {}

    /// Scores rows in order.
    fn score_all(&mut self, rows: Rows<'_>) -> Vec<f64> {
        rows.iter().map(|row| self.score(row)).collect()
    }
}

/// What one says to a method before it learns.
pub trait Params: Sized {
    /// What it becomes by learning.
    type Model: Detector;

    /// The first parameter that is out of range, in a sentence.
    fn problem(&self) -> Option<String>;

    /// Learns from rows, whose order counts for the methods that remember. Called through [`Valid::fit`].
    ///
    /// # Errors
    /// If the rows teach nothing.
    fn learn(params: &Valid<Self>, rows: Rows<'_>) -> Result<Self::Model>;

    /// Checks the parameters, once: only checked ones can learn.
    ///
    /// # Errors
    /// The first parameter that is out of range.
    fn check(self) -> Result<Valid<Self>> {
        match self.problem() {
            Some(sentence) => Err(Refusal::new(sentence)),
            None => Ok(Valid(self)),
        }
    }
}

/// Parameters that were checked.
#[derive(Debug, Clone)]
pub struct Valid<P>(P);

impl<P: Params> Valid<P> {
    /// Learns what is normal.
    ///
    /// # Errors
    /// If the rows teach nothing.
    pub fn fit(&self, rows: Rows<'_>) -> Result<P::Model> {
        P::learn(self, rows)
    }
}

impl<P> std::ops::Deref for Valid<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.0
    }
}

/// A sentence about `name`, unless its value lies in `low..=high`.
pub(crate) fn outside(name: &str, value: f64, low: f64, high: f64) -> Option<String> {
    let inside = (low..=high).contains(&value);
    (!inside).then(|| format!("{name} is {value}; it must be between {low} and {high}"))
}
