//! What every method learns from: rows of numbers, one column a sensor.

use std::num::NonZeroUsize;

use crate::refusal::{Refusal, Result};

/// Rows of equal width, row by row in one slice. NaN means missing; an infinity counts as missing too.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    values: &'a [f64],
    width: usize,
}

impl<'a> Rows<'a> {
    /// Rows of `width` columns.
    ///
    /// # Errors
    /// If there is no column, or the values do not fill their last row.
    pub fn new(values: &'a [f64], width: usize) -> Result<Self> {
        if width == 0 {
            return Err(Refusal::new("there is no column to judge"));
        }
        if !values.len().is_multiple_of(width) {
            let over = values.len() % width;
            return Err(Refusal::new(format!("the last row has {over} values where {width} are expected")));
        }
        Ok(Self { values, width })
    }

    /// Rows of values that are known to fill them; what does not fill a last row is left out.
    pub(crate) fn whole(values: &'a [f64], width: NonZeroUsize) -> Self {
        let width = width.get();
        Self { values: &values[..values.len() - values.len() % width], width }
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, row by row.
    pub fn values(&self) -> &'a [f64] {
        self.values
    }

    /// One row; panics beyond the last.
    pub fn row(&self, index: usize) -> &'a [f64] {
        &self.values[index * self.width..][..self.width]
    }

    /// The rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [f64]> + use<'a> {
        self.values.chunks_exact(self.width)
    }

    /// The rows `from..to`; panics beyond the last.
    pub fn slice(&self, from: usize, to: usize) -> Self {
        Self { values: &self.values[from * self.width..to * self.width], width: self.width }
    }

    /// The values of one column that are there.
    pub fn column(&self, column: usize) -> impl Iterator<Item = f64> + use<'a> {
        self.iter().map(move |row| row[column]).filter(|value| value.is_finite())
    }

    /// The same rows, if a method that needs `least` of them can learn something from them.
    ///
    /// # Errors
    /// If there are too few rows, or no column ever changes.
    pub fn worth_learning(self, least: usize) -> Result<Self> {
        let count = self.len();
        if count < least {
            return Err(Refusal::new(format!(
                "there are too few rows to learn from: {count}, where this method needs at least {least}"
            )));
        }
        if !(0..self.width).any(|column| self.varies(column)) {
            return Err(Refusal::new(
                "nothing can be learnt where every column is constant or missing; give rows in which a sensor moves",
            ));
        }
        Ok(self)
    }

    fn varies(&self, column: usize) -> bool {
        let mut values = self.column(column);
        let first = values.next();
        values.any(|value| Some(value) != first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_teach_nothing_are_refused_with_the_reason() {
        let refusal = |values: &[f64]| {
            Rows::new(values, 2).and_then(|rows| rows.worth_learning(2)).expect_err("refused").to_string()
        };
        assert!(refusal(&[]).starts_with("there are too few rows to learn from: 0"));
        assert!(refusal(&[1.0, 2.0]).starts_with("there are too few rows to learn from: 1"));
        assert!(refusal(&[1.0, 2.0, 1.0, f64::NAN]).starts_with("nothing can be learnt"));
        assert!(refusal(&[1.0, 2.0, 3.0]).starts_with("the last row has 1 values"));
    }
}
