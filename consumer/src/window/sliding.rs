use std::cell::RefCell;
use std::collections::VecDeque;

use super::closing::Clock;
use super::extremes::Extremes;
use super::moments::Moments;
use super::row::Row;
use super::span::{MOST_SAMPLES, Span};
use super::sums::Sums;

/// Rows without a value among others that are kept before they are taken out.
const MOST_EMPTY: usize = 64;

/// What a window says of one sensor, in the sensor's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stats {
    /// Values in the window.
    pub count: u32,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, of a sample; `None` below two values.
    pub deviation: Option<f64>,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// The newest by event time.
    pub last: f64,
    /// From the oldest to the newest, per second of event time; `None` where both have the same time.
    pub rate: Option<f64>,
}

/// The part of [`Stats`] by which a value can be judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Values in the window.
    pub count: u32,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, of a sample; `None` below two values.
    pub deviation: Option<f64>,
}

/// A sliding window over `N` sensors of one machine.
///
/// A reading in its order costs constant time on average, and so do all statistics after each; a late one costs
/// as many steps as there are samples at most. A reading takes a row of 64 bytes (with up to seven sensors) as
/// long as one of its values is in the window, and 16 more for each sensor where extremes are asked for; there
/// are at most [`MOST_SAMPLES`] of each sensor.
///
/// A reading of more than a day ahead of the machine's others is believed when three in a row are, as for windows
/// that close ([`closing`](super::closing)). Until then it is set aside; it is forgotten when another one follows.
#[derive(Debug, Clone)]
pub struct Sliding<const N: usize> {
    pub(super) span: Span,
    pub(super) clock: Clock,
    pub(super) late: u64,
    /// Readings by their time, those of one time in the order of arrival.
    pub(super) rows: VecDeque<Row<N>>,
    pub(super) sums: Sums<N>,
    /// Readings whose time is not believed yet.
    pub(super) aside: Vec<Row<N>>,
    /// The place of the first row: how many have left before it.
    first: u64,
    /// With a number of values as the span: a place before which no value of the sensor is left.
    oldest: [u64; N],
    /// Rows among others of which no value is left.
    empty: usize,
    extremes: RefCell<Option<Box<Extremes<N>>>>,
}

impl<const N: usize> Sliding<N> {
    /// An empty window.
    pub fn new(span: Span) -> Self {
        Self {
            span,
            clock: Clock::default(),
            late: 0,
            rows: VecDeque::new(),
            sums: Sums::default(),
            aside: Vec::new(),
            first: 0,
            oldest: [0; N],
            empty: 0,
            extremes: RefCell::default(),
        }
    }

    /// Takes in a reading of this event time, in milliseconds; `None`, NaN and values beyond 1e150 are missing.
    /// Tells whether it is in the window now. Where that does not reach back to it, nothing changes but
    /// [`late`](Self::late).
    pub fn push(&mut self, time: i64, values: &[Option<f64>; N]) -> bool {
        let row = Row::new(time, values);
        if self.clock.is_ahead(time) {
            return self.doubt(row);
        }
        let before = self.clock.time();
        self.clock.observe(time);
        if self.clock.time() < before {
            self.forget();
        }
        self.aside.clear();
        self.take(row)
    }

    /// Looks at the row that leaves next, so that the processor has it at hand when it does.
    pub fn warm(&self) {
        std::hint::black_box(self.rows.front().map(|row| row.time));
    }

    /// Sets a reading aside, and takes in those that the clock believes then.
    fn doubt(&mut self, row: Row<N>) -> bool {
        self.clock.observe(row.time);
        self.aside.push(row);
        self.aside.sort_by_key(|row| row.time);
        let believed = self.aside.partition_point(|row| !self.clock.is_ahead(row.time));
        let believed: Vec<Row<N>> = self.aside.drain(..believed).collect();
        let mut is_in = false;
        for other in believed {
            is_in |= self.take(other) && other.time == row.time;
        }
        is_in
    }

    /// A first reading that was wrong is alone in the window.
    fn forget(&mut self) {
        *self = Self { clock: std::mem::take(&mut self.clock), late: self.late, ..Self::new(self.span) };
    }

    fn take(&mut self, row: Row<N>) -> bool {
        if !self.reaches(row.time) {
            self.late += 1;
            return false;
        }
        if !row.is_empty() {
            self.sums.add(&row.values);
            self.insert(row);
        }
        match self.span {
            Span::Time(span) => self.let_go_before(span),
            Span::Records(most) => self.let_go_beyond(most),
        }
        let rows = &self.rows;
        self.sums.mend(|sensor| rows.iter().filter_map(move |row| row.value(sensor)));
        true
    }

    fn reaches(&self, time: i64) -> bool {
        let newest = self.clock.time().unwrap_or(time);
        match self.span {
            _ if time >= newest => true,
            Span::Time(span) => time > newest.saturating_sub(span),
            Span::Records(most) => (0..N).any(|sensor| {
                let oldest = || self.oldest(sensor).is_none_or(|row| time >= row.time);
                self.sums.count(sensor) < most || oldest()
            }),
        }
    }

    fn insert(&mut self, row: Row<N>) {
        let newer = self.rows.iter().rev().take_while(|other| other.time > row.time).count();
        if newer == 0 {
            return self.rows.push_back(row);
        }
        let index = self.rows.len() - newer;
        self.rows.insert(index, row);
        let place = self.first + index as u64;
        for oldest in &mut self.oldest {
            *oldest = place.min(*oldest);
        }
        if let Some(extremes) = self.extremes.get_mut() {
            extremes.insert(place, &row.values);
        }
    }

    /// Lets go of the rows that the newest time has left behind.
    fn let_go_before(&mut self, span: i64) {
        let Some(newest) = self.clock.time() else { return };
        let begin = newest.saturating_sub(span);
        while let Some(row) = self.rows.front()
            && (row.time <= begin && row.time < newest || self.rows.len() > MOST_SAMPLES)
        {
            self.sums.remove(&row.values);
            self.pop();
        }
    }

    fn pop(&mut self) {
        self.rows.pop_front();
        self.first += 1;
    }

    /// Lets go of the oldest value of each sensor that has too many.
    fn let_go_beyond(&mut self, most: usize) {
        let is_beyond = |sums: &Sums<N>, sensor| sums.count(sensor) > most;
        let Some(row) = self.rows.front().filter(|row| row.is_full()) else {
            return self.let_go_singly(most);
        };
        // Nearly always, all of them have a value in each row.
        if (0..N).all(|sensor| is_beyond(&self.sums, sensor)) {
            self.sums.remove(&row.values);
            self.pop();
        } else if (0..N).any(|sensor| is_beyond(&self.sums, sensor)) {
            self.let_go_singly(most);
        }
    }

    fn let_go_singly(&mut self, most: usize) {
        for sensor in 0..N {
            if self.sums.count(sensor) > most
                && let Some(index) = self.index_of_oldest(sensor)
            {
                let row = &mut self.rows[index];
                let value = std::mem::replace(&mut row.values[sensor], f64::NAN);
                self.empty += usize::from(row.is_empty());
                self.sums.remove_one(sensor, value);
                self.oldest[sensor] = self.first + index as u64 + 1;
            }
        }
        while self.rows.front().is_some_and(Row::is_empty) {
            self.pop();
            self.empty -= 1;
        }
        if self.empty > MOST_EMPTY.max(self.rows.len() / 2) {
            self.close_ranks();
        }
    }

    /// Rows of which no value is left stand between those of a sensor that has long been silent and the others.
    fn close_ranks(&mut self) {
        self.rows.retain(|row| !row.is_empty());
        (self.empty, self.oldest) = (0, [self.first; N]);
        *self.extremes.get_mut() = None;
    }

    fn index_of_oldest(&self, sensor: usize) -> Option<usize> {
        let from = self.oldest[sensor].saturating_sub(self.first) as usize;
        let found = self.rows.range(from..).position(|row| !row.values[sensor].is_nan())?;
        Some(from + found)
    }

    fn oldest(&self, sensor: usize) -> Option<&Row<N>> {
        self.rows.get(self.index_of_oldest(sensor)?)
    }

    fn moments(&self, sensor: usize) -> Option<Moments> {
        (sensor < N && self.sums.count(sensor) > 0).then(|| self.sums.of(sensor))
    }

    /// What the window says of a sensor; `None` while it has no value.
    pub fn stats(&self, sensor: usize) -> Option<Stats> {
        let Spread { count, mean, deviation } = self.spread(sensor)?;
        let index = self.index_of_oldest(sensor)?;
        let first = &self.rows[index];
        let last = self.rows.iter().rev().find(|row| !row.values[sensor].is_nan())?;
        let seconds = last.time.saturating_sub(first.time) as f64 / 1000.0;
        let (last, first) = (last.values[sensor], first.values[sensor]);
        let mut extremes = self.extremes.borrow_mut();
        let extremes = extremes.get_or_insert_with(|| Box::new(Extremes::new(self.first)));
        let (min, max) = extremes.of(sensor, self.first + index as u64, &self.rows, self.first);
        let rate = (seconds > 0.0).then(|| (last - first) / seconds);
        Some(Stats { count, mean, deviation, min, max, last, rate })
    }

    /// Count, mean and deviation alone, which cost less than the rest.
    pub fn spread(&self, sensor: usize) -> Option<Spread> {
        let moments = self.moments(sensor)?;
        Some(Spread { count: moments.count(), mean: moments.mean(), deviation: moments.deviation() })
    }

    /// Readings of which it holds a value.
    pub fn samples(&self) -> usize {
        self.rows.len() - self.empty
    }

    /// Event time of the newest reading that is believed, in milliseconds; `None` before the first.
    pub fn newest(&self) -> Option<i64> {
        self.clock.time()
    }

    /// Readings that came too late for the window.
    pub fn late(&self) -> u64 {
        self.late
    }
}
