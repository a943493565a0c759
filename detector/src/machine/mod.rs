//! One machine: its readings in, what is found out. Files, pipes and streams share it.
//!
//! Readings of our plant become minutes, whatever the method; where the machine stands still or was started lately,
//! nothing is judged. Readings of other sensors are rows as they come. Each method has a course of its own, and its
//! own alerts; a sensor that is stuck is an alert too.

mod by_residuals;
mod course;
mod flat;
mod gate;
mod judging;
mod saved;

use millrace_consumer::state::Known;
use millrace_consumer::window::closing::Clock;

use crate::methods::residual::{Minute, Sensors};
use crate::minutes::Averager;
use crate::refusal::{Refusal, Result};
use course::Course;
use flat::Flat;
use gate::{Gate, Passage};

pub use by_residuals::ByResiduals;
pub use course::{Episode, Found};
pub use gate::judged;
pub use judging::{FLAT_LINE, Judging, MINUTES, is_plant};

/// What a machine showed at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Event time, milliseconds since 1970; None where there is none.
    pub time: Option<i64>,
    /// Whether the machine says that it is being maintained.
    pub maintained: bool,
    /// One value a sensor; NaN is missing.
    pub values: &'a [f64],
}

/// Why a reading of our plant without a time cannot be taken in.
pub fn timeless() -> Refusal {
    Refusal::new("readings of our plant need a column `timestamp`, since they are judged by minutes")
}

/// What came of a reading.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// An alert opened, grew worse or closed.
    Found(Found),
    /// What was to be learnt from teaches a method nothing. Where it teaches none, they go on with other rows.
    Refused {
        /// The method.
        method: &'static str,
        /// Why.
        why: Refusal,
    },
}

/// What is known of one machine.
#[derive(Debug, Clone)]
pub struct Machine {
    readings: i64,
    /// The time that is believed, against single readings from far ahead.
    clock: Clock,
    averager: Averager,
    gate: Gate,
    flat: Flat,
    /// What methods for rows learn from, and learnt from.
    rows: Vec<f64>,
    courses: Vec<Course>,
}

impl Machine {
    /// A machine of which nothing is known but what a model was taught.
    pub fn new(judging: &Judging, name: &str) -> Self {
        Self {
            readings: 0,
            clock: Clock::default(),
            averager: Averager::default(),
            gate: Gate::default(),
            flat: Flat::default(),
            rows: Vec::new(),
            courses: judging.methods.iter().map(|method| Course::begin(judging, *method, name)).collect(),
        }
    }

    /// Takes in a reading and adds what came of it; `false` where it is left out, being of a minute that is over or
    /// alone from far ahead.
    ///
    /// # Errors
    /// If a reading of our plant has no time.
    pub fn take(&mut self, judging: &Judging, row: &Row<'_>, out: &mut Vec<Word>) -> Result<bool> {
        self.readings += 1;
        if !judging.is_plant {
            self.judge_row(judging, row.time.unwrap_or(self.readings), row.values, out);
            return Ok(true);
        }
        let time = row.time.ok_or_else(timeless)?;
        let before = self.clock.time();
        self.clock.observe(time);
        if self.clock.time() < before {
            // The first reading was from far ahead, and is all that was taken in.
            (self.averager, self.flat) = (Averager::default(), Flat::default());
        }
        if self.clock.is_ahead(time) || self.averager.is_over(time) {
            return Ok(false);
        }
        let sensors: Sensors = std::array::from_fn(|sensor| row.values[sensor]);
        if let Some(minute) = self.averager.add(time, row.maintained, &sensors) {
            self.judge_minute(judging, &minute, out);
        }
        self.flat.note(&sensors);
        Ok(true)
    }

    fn judge_minute(&mut self, judging: &Judging, minute: &Minute, out: &mut Vec<Word>) {
        let passage = self.gate.pass(minute);
        out.extend(self.flat.judge(minute, passage).map(Word::Found));
        for course in &mut self.courses {
            course.watch(minute, passage, out);
        }
        if passage != Passage::Closed {
            // Of the precision that is written down, so that who goes on learns the same.
            let sensors = minute.sensors.map(|value| f64::from(value as f32));
            self.learn(judging, &sensors, out);
        }
    }

    fn judge_row(&mut self, judging: &Judging, moment: i64, values: &[f64], out: &mut Vec<Word>) {
        for course in &mut self.courses {
            out.extend(course.judge(moment, values).map(Word::Found));
        }
        self.learn(judging, values, out);
    }

    fn learn(&mut self, judging: &Judging, values: &[f64], out: &mut Vec<Word>) {
        if !self.courses.iter().any(Course::is_learning) {
            return;
        }
        self.rows.extend_from_slice(values);
        if self.rows.len() < judging.learn_rows * values.len() {
            return;
        }
        let mut has_taught = false;
        for course in self.courses.iter_mut().filter(|course| course.is_learning()) {
            match course.learn(judging, &self.rows, values.len()) {
                Ok(()) => has_taught = true,
                Err(why) => out.push(Word::Refused { method: course.name(), why }),
            }
        }
        if has_taught {
            self.courses.iter_mut().for_each(Course::give_up);
        } else {
            self.rows.clear();
        }
    }

    /// Whether every method knows what is normal.
    pub fn is_learnt(&self) -> bool {
        self.courses.iter().all(Course::is_learnt)
    }

    /// Whether a method waits for more rows to learn from.
    pub fn is_learning(&self) -> bool {
        self.courses.iter().any(Course::is_learning)
    }

    /// How many rows methods for rows learn from, or have so far.
    pub fn learning_rows(&self, judging: &Judging) -> usize {
        self.rows.len() / judging.names.len().max(1)
    }

    /// The model of our plant's method, once there is one.
    pub fn residual(&self) -> Option<&crate::methods::residual::ResidualModel> {
        self.courses.iter().find_map(Course::residual)
    }

    /// Bytes of memory in use, roughly; models for rows apart, which are learnt again from their rows.
    pub fn size(&self) -> usize {
        let courses: usize = self.courses.iter().map(Course::size).sum();
        size_of::<Self>() + self.rows.capacity() * size_of::<f64>() + courses
    }

    /// Alerts that stand open.
    pub fn open(&self) -> impl Iterator<Item = &Episode> {
        self.courses.iter().filter_map(Course::episode).chain(self.flat.episodes())
    }
}

impl Known for Machine {}

#[cfg(test)]
mod tests;
