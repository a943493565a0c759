//! Readings of a file or a pipe in, alerts out.

use std::collections::BTreeMap;

use millrace_core::{Error, Result};

use crate::Refusal;
use crate::alert::AnomalyAlert;
use crate::input::Reading;
use crate::machine::{Judging, Machine, Row, Word};
use crate::methods::residual::ResidualModel;

/// Judges the readings of any number of machines, each by itself.
pub struct Judge {
    judging: Judging,
    machines: BTreeMap<String, Machine>,
    words: Vec<Word>,
}

/// What is said of a reading.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// An alert opened, grew worse or closed.
    Alert(Box<AnomalyAlert>),
    /// A method learnt nothing, while others did.
    Warning(String),
}

impl Judge {
    /// A judge of machines of which nothing is known but what a model was taught.
    pub fn new(judging: Judging) -> Self {
        Self { judging, machines: BTreeMap::new(), words: Vec::new() }
    }

    /// Takes in a reading and adds what is to be said.
    ///
    /// # Errors
    /// If what a machine was to be learnt from teaches nothing, or a time is missing where one is needed.
    pub fn judge(&mut self, reading: &Reading, out: &mut Vec<Said>) -> Result<()> {
        let name = &reading.machine;
        if !self.machines.contains_key(name) {
            self.machines.insert(name.clone(), Machine::new(&self.judging, name));
        }
        let Some(machine) = self.machines.get_mut(name) else { return Ok(()) };
        let row = Row { time: reading.time, maintained: reading.maintained, values: &reading.values };
        machine.take(&self.judging, &row, &mut self.words).map_err(|refusal| of(name, &refusal))?;
        let is_learning = machine.is_learning();
        for word in self.words.drain(..) {
            out.push(match word {
                Word::Found(found) => {
                    let (version, names) = (self.judging.version(), self.judging.names());
                    Said::Alert(Box::new(found.alert(name, version, names, reading.time.is_some())))
                }
                Word::Refused { why, .. } if is_learning => return Err(of(name, &why)),
                Word::Refused { method, why } => {
                    Said::Warning(format!("`{method}` learns nothing{} and is left out: {why}", whose(name)))
                }
            });
        }
        Ok(())
    }

    /// What was learnt of each machine of our plant.
    pub fn learnt(&self) -> BTreeMap<String, ResidualModel> {
        self.machines
            .iter()
            .filter_map(|(id, machine)| Some((id.clone(), machine.residual()?.clone())))
            .collect()
    }

    /// A warning of machines that the input ended before they were learnt, so that their silence is not taken
    /// for health. Others were learnt; such a machine may have been faulty from its first day on.
    ///
    /// # Errors
    /// If there was no reading, or no machine was judged by what is normal for it.
    pub fn unlearnt(&self) -> Result<Option<String>> {
        let mut unlearnt = self.machines.iter().filter(|(_, machine)| !machine.is_learnt());
        let Some((machine, course)) = unlearnt.next() else {
            if self.machines.is_empty() {
                return Err(Error::failed("the input has no reading, so there was nothing to judge"));
            }
            return Ok(None);
        };
        let others = unlearnt.count();
        let of = match (machine.as_str(), others) {
            ("", _) => String::new(),
            (machine, 0) => format!(" of `{machine}`"),
            (machine, others) => format!(" of `{machine}` and {others} more machines"),
        };
        let (seen, wanted) = (course.learning_rows(&self.judging), self.judging.learn_rows());
        let rows = if self.judging.is_plant() { "running minutes" } else { "rows" };
        let said = if course.is_learning() {
            format!(
                "the input ended after {seen} of the {wanted} {rows}{of} to learn from, so nothing was judged; \
                 give more readings, fewer --learn-rows, or a --model"
            )
        } else if self.judging.sees_residuals() {
            format!(
                "the input ended before a healthy running day{of} and {wanted} minutes more were seen, so not all was \
                 judged; give more readings, or fewer --learn-rows"
            )
        } else {
            format!(
                "the input ended before a healthy running day{of} was seen, so only the plant's normal ranges \
                 were watched; give more readings, or a --model"
            )
        };
        if others + 1 == self.machines.len() { Err(Error::failed(said)) } else { Ok(Some(said)) }
    }
}

fn whose(machine: &str) -> String {
    if machine.is_empty() { String::new() } else { format!(" of `{machine}`") }
}

fn of(machine: &str, refusal: &Refusal) -> Error {
    Error::failed(format!("the readings{} cannot be judged: {refusal}", whose(machine)))
}
