use std::collections::VecDeque;

/// Which end of the values is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Lowest,
    Highest,
}

impl End {
    fn beats(self, one: f64, other: f64) -> bool {
        match self {
            Self::Lowest => one < other,
            Self::Highest => one > other,
        }
    }
}

/// The lowest or highest of a window's samples: those that no newer sample beats, by time. Each sample enters
/// and leaves once, so a step costs constant time on average (the monotone queue).
#[derive(Debug, Clone, Default)]
pub(super) struct Extremes(VecDeque<(i64, f64)>);

impl Extremes {
    pub fn add(&mut self, end: End, time: i64, value: f64) {
        if self.0.back().is_none_or(|newest| newest.0 <= time) {
            return self.add_newest(end, time, value);
        }
        let mut place = self.0.len();
        while place > 0 && self.0[place - 1].0 > time {
            place -= 1;
        }
        if self.0.get(place).is_some_and(|newer| end.beats(newer.1, value)) {
            return;
        }
        let mut kept = place;
        while kept > 0 && end.beats(value, self.0[kept - 1].1) {
            kept -= 1;
        }
        self.0.drain(kept..place);
        self.0.insert(kept, (time, value));
    }

    /// Most samples come in their order.
    fn add_newest(&mut self, end: End, time: i64, value: f64) {
        while self.0.back().is_some_and(|newest| end.beats(value, newest.1)) {
            self.0.pop_back();
        }
        self.0.push_back((time, value));
    }

    /// Lets go of the oldest sample. Samples of one time and value may stand for each other.
    pub fn remove(&mut self, time: i64, value: f64) {
        if self.0.front() == Some(&(time, value)) {
            self.0.pop_front();
        }
    }

    pub fn value(&self) -> Option<f64> {
        self.0.front().map(|sample| sample.1)
    }
}
