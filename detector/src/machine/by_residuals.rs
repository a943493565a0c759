//! A method for rows that is given residuals: of each sensor what load, neighbours and the machine's own past do not
//! explain, averaged, in standard deviations; then the farthest of them, and how far off they are together. Trees ask
//! for one column at a time, and a fault that moves one sensor of seven is hardly set apart by the other six. The
//! watch of our plant's own method makes the residuals; the method learns from them anew whenever the watch has
//! learnt more, at last from one minute in seven, so that a week is seen.

use serde::{Deserialize, Serialize};

use super::saved::SavedRows;
use crate::alarm::{Alarm, Change};
use crate::detector::Detector;
use crate::evaluate::threshold_of_residuals;
use crate::methods::residual::{Minute, Residuals, SENSORS, Sensors, Watch};
use crate::methods::{Model, Recipe};
use crate::refusal::{Refusal, Result};
use crate::rows::Rows;

const COLUMNS: usize = SENSORS + 2;
/// Of so many minutes one is learnt from, once the watch has learnt all.
const ONE_IN: i64 = 7;

/// One machine of our plant, judged by its residuals.
#[derive(Debug, Clone)]
pub struct ByResiduals {
    recipe: Recipe,
    watch: Box<Watch>,
    wanted: usize,
    /// Rows to learn from, since the watch learnt last.
    rows: Vec<f64>,
    learnt: Option<Learnt>,
    alarm: Alarm,
}

#[derive(Debug, Clone)]
struct Learnt {
    /// The stage of the watch whose residuals they are.
    stage: usize,
    rows: Vec<f64>,
    model: Box<Model>,
    threshold: f64,
}

/// What a minute that was judged showed.
#[derive(Debug, Clone, Copy)]
pub struct Verdict {
    /// How strange it is.
    pub score: f64,
    /// What the score is held against.
    pub threshold: f64,
    /// What it changed.
    pub change: Option<Change>,
    /// The residuals.
    pub residuals: Sensors,
}

impl Verdict {
    /// The sensor that is farthest off.
    pub fn sensor(&self) -> usize {
        let far = |sensor: &usize| self.residuals[*sensor].abs();
        (0..SENSORS).max_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(0)
    }
}

/// All of it as it is written down, but the model, which is learnt again from its rows.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    watch: Box<Watch>,
    rows: SavedRows,
    learnt: Option<SavedLearnt>,
    alarm: Alarm,
}

#[derive(Serialize, Deserialize)]
struct SavedLearnt {
    stage: usize,
    rows: SavedRows,
    memory: Vec<f64>,
    threshold: f64,
}

impl ByResiduals {
    /// A machine of which nothing is known; the method learns from so many minutes.
    pub fn new(recipe: Recipe, watch: Watch, wanted: usize, alarm: Alarm) -> Self {
        Self { recipe, watch: Box::new(watch), wanted, rows: Vec::new(), learnt: None, alarm }
    }

    /// The method.
    pub fn recipe(&self) -> Recipe {
        self.recipe
    }

    /// Whether it knows what is normal.
    pub fn is_learnt(&self) -> bool {
        self.learnt.is_some()
    }

    /// Bytes of memory in use, the model apart.
    pub fn size(&self) -> usize {
        let learnt = self.learnt.as_ref().map_or(0, |learnt| learnt.rows.capacity());
        size_of::<Self>() + self.watch.size() + (learnt + self.rows.capacity()) * size_of::<f64>()
    }

    /// Takes in the next minute, and learns from it. Err is the change that a stop brings; beside it, why rows taught
    /// nothing, where they did not: then others are waited for, and what was learnt before is kept.
    pub fn watch(
        &mut self,
        minute: &Minute,
    ) -> (std::result::Result<Option<Verdict>, Change>, Option<Refusal>) {
        let stage = self.watch.stage();
        let watched = self.watch.watch(minute);
        if minute.is_stopped() {
            if let Some(learnt) = &mut self.learnt {
                learnt.model.restart();
            }
            return (self.alarm.restart().map_or(Ok(None), Err), None);
        }
        if self.watch.stage() != stage {
            self.rows.clear();
        }
        let (Ok(Some(_)), Some(seen)) = (watched, self.watch.residuals()) else { return (Ok(None), None) };
        let residuals = seen.each;
        let row = row(&seen);
        let verdict = self.learnt.as_mut().map(|learnt| {
            let score = learnt.model.score(&row);
            let change = self.alarm.judge(score, learnt.threshold);
            Verdict { score, threshold: learnt.threshold, change, residuals }
        });
        let is_one = minute.minute % ONE_IN == 0 || !self.watch.is_learnt();
        let is_learnt_from = is_one && !self.watch.is_open();
        let refused = is_learnt_from.then(|| self.learn(&row).err()).flatten();
        (Ok(verdict), refused)
    }

    fn learn(&mut self, row: &[f64; COLUMNS]) -> Result<()> {
        let stage = self.watch.stage();
        if self.learnt.as_ref().is_some_and(|learnt| learnt.stage == stage) {
            return Ok(());
        }
        self.rows.extend(row);
        if self.rows.len() < self.wanted * COLUMNS {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        let mut model = self.recipe.fit(Rows::new(&rows, COLUMNS)?, 0)?;
        let threshold = threshold_of_residuals(self.recipe, &model, Rows::new(&rows, COLUMNS)?)?;
        model.restart();
        self.learnt = Some(Learnt { stage, rows, model: Box::new(model), threshold });
        Ok(())
    }

    pub(super) fn saved(&self) -> Saved {
        let learnt = self.learnt.as_ref().map(|learnt| SavedLearnt {
            stage: learnt.stage,
            rows: SavedRows::of(&learnt.rows),
            memory: learnt.model.memory(),
            threshold: learnt.threshold,
        });
        let (watch, alarm) = (self.watch.clone(), self.alarm.clone());
        Saved { watch, rows: SavedRows::of(&self.rows), learnt, alarm }
    }

    pub(super) fn restored(recipe: Recipe, wanted: usize, saved: Saved) -> Result<Self> {
        let Saved { watch, rows, learnt, alarm } = saved;
        let learnt = learnt.map(|SavedLearnt { stage, rows, memory, threshold }| {
            let rows = rows.into_rows();
            let mut model = Box::new(recipe.fit(Rows::new(&rows, COLUMNS)?, 0)?);
            model.recall(&memory);
            Ok(Learnt { stage, rows, model, threshold })
        });
        Ok(Self { recipe, watch, wanted, rows: rows.into_rows(), learnt: learnt.transpose()?, alarm })
    }
}

/// The columns, of the precision that is written down, so that who goes on learns the same.
fn row(seen: &Residuals) -> [f64; COLUMNS] {
    let farthest = seen.each.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    let mut row = [0.0; COLUMNS];
    row[..SENSORS].copy_from_slice(&seen.each);
    (row[SENSORS], row[SENSORS + 1]) = (farthest, seen.distance);
    row.map(|value| f64::from(value as f32))
}
