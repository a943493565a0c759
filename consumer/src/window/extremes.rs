use std::collections::VecDeque;

use super::row::Row;
use super::sums::larger;

/// The lowest and the highest value of each sensor in some rows.
#[derive(Debug, Clone, Copy)]
struct Range<const N: usize> {
    low: [f64; N],
    high: [f64; N],
}

impl<const N: usize> Range<N> {
    const NONE: Self = Self { low: [f64::INFINITY; N], high: [f64::NEG_INFINITY; N] };

    /// A missing value is neither lower nor higher than another.
    fn take(&mut self, values: &[f64; N]) {
        for (sensor, value) in values.iter().enumerate() {
            self.low[sensor] = smaller(self.low[sensor], *value);
            self.high[sensor] = larger(self.high[sensor], *value);
        }
    }
}

fn smaller(one: f64, other: f64) -> f64 {
    if other < one { other } else { one }
}

/// The extremes of a window, caught up with it when they are asked for (the two stacks of a queue).
///
/// A row is looked at once when it has come and once more when the rows behind it are ranged anew, so questions
/// cost a constant time for each row on average, and nothing while nobody asks. Rows are known by their places:
/// how many rows came to stand before them since the window began.
#[derive(Debug, Clone)]
pub(super) struct Extremes<const N: usize> {
    /// The place of the first of `older`.
    begin: u64,
    /// Of each row from `begin` on, the range of it and of those up to the last one here.
    older: Vec<Range<N>>,
    /// The range of the rows behind these.
    newer: Range<N>,
    /// The place of the first row that was not looked at.
    next: u64,
}

impl<const N: usize> Extremes<N> {
    /// Of a window whose rows begin at a place, none of which was looked at.
    pub fn new(first: u64) -> Self {
        Self { begin: first, older: Vec::new(), newer: Range::NONE, next: first }
    }

    /// The extremes of a sensor from the row at `oldest` on, of the rows that begin at `first`.
    pub fn of(&mut self, sensor: usize, oldest: u64, rows: &VecDeque<Row<N>>, first: u64) -> (f64, f64) {
        if oldest < self.begin + self.older.len() as u64 {
            let seen = (self.next - first) as usize;
            rows.range(seen..).for_each(|row| self.newer.take(&row.values));
            self.next += (rows.len() - seen) as u64;
        } else {
            self.range_anew(rows, first);
        }
        let range = &self.older[(oldest - self.begin) as usize];
        let low = smaller(range.low[sensor], self.newer.low[sensor]);
        (low, larger(range.high[sensor], self.newer.high[sensor]))
    }

    fn range_anew(&mut self, rows: &VecDeque<Row<N>>, first: u64) {
        (self.begin, self.next, self.newer) = (first, first + rows.len() as u64, Range::NONE);
        self.older.clear();
        self.older.resize(rows.len(), Range::NONE);
        let mut range = Range::NONE;
        for (older, row) in self.older.iter_mut().zip(rows).rev() {
            range.take(&row.values);
            *older = range;
        }
    }

    /// Notes a row that came late, and stands at this place now.
    pub fn insert(&mut self, place: u64, values: &[f64; N]) {
        if place >= self.next {
            return;
        }
        self.next += 1;
        let place = (place - self.begin) as usize;
        match self.older.get(place).copied() {
            None => self.newer.take(values),
            Some(range) => {
                self.older.insert(place, range);
                self.older[..=place].iter_mut().for_each(|range| range.take(values));
            }
        }
    }
}
