use millrace_consumer::window::closing::Clock;
use serde::{Deserialize, Serialize};

use super::by_residuals::{self, ByResiduals};
use super::course::{Course, Kind, Memory};
use super::flat::Flat;
use super::gate::Gate;
use super::{Judging, Machine};
use crate::alarm::Alarm;
use crate::detector::Detector;
use crate::evaluate::Method;
use crate::methods::residual::Watch;
use crate::minutes::Averager;
use crate::model_file::{Learnt, ModelFile};
use crate::refusal::{Refusal, Result};
use crate::rows::Rows;

/// A machine as it is written down. Models for rows are not in it: they are learnt again from the rows, which
/// gives the same to the last bit and is a tenth of a forest's size.
#[derive(Serialize, Deserialize)]
struct Saved {
    readings: i64,
    clock: Clock,
    averager: Averager,
    gate: Gate,
    flat: Flat,
    rows: SavedRows,
    courses: Vec<(SavedKind, Memory)>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum SavedRows {
    /// All of them have no more digits than this.
    Short(Vec<f32>),
    Long(Vec<f64>),
}

#[derive(Serialize, Deserialize)]
enum SavedKind {
    Plant(Box<Watch>),
    Residuals(Box<by_residuals::Saved>),
    Learning,
    Unfit,
    Rows { memory: Vec<f64>, threshold: f64, alarm: Alarm },
}

impl SavedRows {
    pub fn of(rows: &[f64]) -> Self {
        let is_short = |value: &f64| value.is_nan() || f64::from(*value as f32) == *value;
        if rows.iter().all(is_short) {
            return Self::Short(rows.iter().map(|value| *value as f32).collect());
        }
        Self::Long(rows.to_vec())
    }

    pub fn into_rows(self) -> Vec<f64> {
        match self {
            Self::Short(rows) => rows.into_iter().map(f64::from).collect(),
            Self::Long(rows) => rows,
        }
    }
}

impl Machine {
    /// All that is known, to go on with by [`from_bytes`](Self::from_bytes).
    pub fn to_bytes(&self) -> Vec<u8> {
        let saved = Saved {
            readings: self.readings,
            clock: self.clock.clone(),
            averager: self.averager.clone(),
            gate: self.gate.clone(),
            flat: self.flat.clone(),
            rows: SavedRows::of(&self.rows),
            courses: self.courses.iter().map(saved).collect(),
        };
        // Into a growing buffer nothing of these types can fail.
        postcard::to_stdvec(&saved).unwrap_or_default()
    }

    /// Goes on, to the last bit, with what was written down under the same judging.
    ///
    /// # Errors
    /// If the bytes are not of such a machine.
    pub fn from_bytes(judging: &Judging, bytes: &[u8]) -> Result<Self> {
        let saved: Saved = postcard::from_bytes(bytes).map_err(|e| Refusal::new(e.to_string()))?;
        if saved.courses.len() != judging.methods.len() {
            return Err(Refusal::new("it is of other methods"));
        }
        let rows = saved.rows.into_rows();
        let courses = saved.courses.into_iter().zip(&judging.methods);
        let courses = courses.map(|((kind, memory), method)| {
            Ok(Course { kind: restored(judging, *method, kind, &rows)?, memory })
        });
        Ok(Self {
            courses: courses.collect::<Result<_>>()?,
            readings: saved.readings,
            clock: saved.clock,
            averager: saved.averager,
            gate: saved.gate,
            flat: saved.flat,
            rows,
        })
    }
}

fn saved(course: &Course) -> (SavedKind, Memory) {
    let kind = match &course.kind {
        Kind::Plant(watch) => SavedKind::Plant(watch.clone()),
        Kind::Residuals(by) => SavedKind::Residuals(Box::new(by.saved())),
        Kind::Learning(_) => SavedKind::Learning,
        Kind::Unfit(_) => SavedKind::Unfit,
        Kind::Rows { model, threshold, alarm, .. } => {
            SavedKind::Rows { memory: model.memory(), threshold: *threshold, alarm: alarm.clone() }
        }
    };
    (kind, course.memory.clone())
}

fn restored(judging: &Judging, method: Method, kind: SavedKind, rows: &[f64]) -> Result<Kind> {
    Ok(match (kind, method) {
        (SavedKind::Plant(watch), Method::Residual) => Kind::Plant(watch),
        (SavedKind::Residuals(saved), Method::Rows(recipe)) => {
            Kind::Residuals(Box::new(ByResiduals::restored(recipe, judging.learn_rows, *saved)?))
        }
        (SavedKind::Learning, Method::Rows(recipe)) => Kind::Learning(recipe),
        (SavedKind::Unfit, Method::Rows(recipe)) => Kind::Unfit(recipe),
        (SavedKind::Rows { memory, threshold, alarm }, Method::Rows(recipe)) => {
            let mut model = match &judging.taught {
                Some(ModelFile { learnt: Learnt::Rows { model, .. }, .. }) => model.clone(),
                _ => Box::new(recipe.fit(Rows::new(rows, judging.names.len())?, 0)?),
            };
            model.recall(&memory);
            Kind::Rows { recipe, model, threshold, alarm }
        }
        _ => return Err(Refusal::new("it is of other methods")),
    })
}
