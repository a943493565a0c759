use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::by_residuals::{ByResiduals, Verdict};
use super::gate::Passage;
use super::{Judging, Word};
use crate::alarm::{Alarm, AlarmParams, Change};
use crate::alert::{AlertState, Evidence};
use crate::detector::Detector;
use crate::evaluate::{Method, threshold};
use crate::methods::residual::{Finding, Minute, ResidualModel, Watch};
use crate::methods::{Model, Recipe};
use crate::model_file::{Learnt, ModelFile};
use crate::refusal::Result;
use crate::rows::Rows;

/// An alert is told of again when it has become so many times worse.
const WORSE: f64 = 2.0;
const MILLISECONDS: i64 = 60_000;

/// What was found by a method.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The method.
    pub detector: &'static str,
    /// What became of the alert.
    pub state: AlertState,
    /// When: event time in milliseconds, or a row's number where there are no times.
    pub moment: i64,
    /// When the alert opened.
    pub opened: i64,
    /// The first reading that it rests on.
    pub from: i64,
    /// What shows it.
    pub evidence: Evidence,
}

/// An alert that stands open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    opened: i64,
    from: i64,
    /// What was told last.
    told: Evidence,
}

impl Episode {
    pub(super) fn open(
        episode: &mut Option<Self>,
        detector: &'static str,
        moment: i64,
        from: i64,
        evidence: Evidence,
    ) -> Found {
        *episode = Some(Self { opened: moment, from, told: evidence.clone() });
        Found { detector, state: AlertState::Opened, moment, opened: moment, from, evidence }
    }

    /// It is told once more where it has become much worse.
    fn go_on(&mut self, detector: &'static str, moment: i64, evidence: Evidence) -> Option<Found> {
        if evidence.score < WORSE * self.told.score {
            return None;
        }
        self.told = evidence.clone();
        let (opened, from) = (self.opened, self.from);
        Some(Found { detector, state: AlertState::Updated, moment, opened, from, evidence })
    }

    /// Its last word repeats what it was about.
    pub(super) fn close(episode: &mut Option<Self>, detector: &'static str, moment: i64) -> Option<Found> {
        let Self { opened, from, told } = episode.take()?;
        Some(Found { detector, state: AlertState::Closed, moment, opened, from, evidence: told })
    }
}

/// One machine's way through one method.
#[derive(Debug, Clone)]
pub(super) struct Course {
    pub kind: Kind,
    pub memory: Memory,
}

/// What is remembered beside the method.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory {
    signs: Signs,
    episode: Option<Episode>,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Plant(Box<Watch>),
    Residuals(Box<ByResiduals>),
    Learning(Recipe),
    /// What others learn from teaches it nothing.
    Unfit(Recipe),
    Rows {
        recipe: Recipe,
        model: Box<Model>,
        threshold: f64,
        alarm: Alarm,
    },
}

/// The moments of the last scores, and whether they were above the threshold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Signs(VecDeque<(i64, bool)>);

impl Signs {
    fn note(&mut self, moment: i64, above: bool) {
        if self.0.len() == AlarmParams::default().among as usize {
            self.0.pop_front();
        }
        self.0.push_back((moment, above));
    }

    fn first(&self, now: i64) -> i64 {
        self.0.iter().find(|sign| sign.1).map_or(now, |sign| sign.0)
    }
}

impl Course {
    pub fn begin(judging: &Judging, method: Method, machine: &str) -> Self {
        let kind = match (&judging.taught, method) {
            (Some(ModelFile { learnt: Learnt::Rows { model, threshold }, .. }), Method::Rows(recipe)) => {
                let (model, alarm) = (model.clone(), judging.alarm.clone());
                Kind::Rows { recipe, model, threshold: *threshold, alarm }
            }
            (Some(ModelFile { learnt: Learnt::Machines(machines), .. }), Method::Residual)
                if machines.contains_key(machine) =>
            {
                Kind::Plant(Box::new(judging.watch.clone().taught(machines[machine].clone())))
            }
            (_, Method::Residual) => Kind::Plant(Box::new(judging.watch.clone())),
            (None, Method::Rows(recipe)) if judging.is_plant && recipe.sees_residuals() => {
                let (watch, alarm) = (judging.watch.clone(), judging.alarm.clone());
                Kind::Residuals(Box::new(ByResiduals::new(recipe, watch, judging.learn_rows, alarm)))
            }
            (_, Method::Rows(recipe)) => Kind::Learning(recipe),
        };
        Self { kind, memory: Memory::default() }
    }

    /// Bytes of memory in use, models for rows apart.
    pub fn size(&self) -> usize {
        let kind = match &self.kind {
            Kind::Plant(watch) => watch.size(),
            Kind::Residuals(by) => by.size(),
            Kind::Learning(_) | Kind::Unfit(_) | Kind::Rows { .. } => 0,
        };
        size_of::<Self>() + kind
    }

    pub fn name(&self) -> &'static str {
        match &self.kind {
            Kind::Plant(_) => Method::Residual.name(),
            Kind::Residuals(by) => by.recipe().name(),
            Kind::Learning(recipe) | Kind::Unfit(recipe) | Kind::Rows { recipe, .. } => recipe.name(),
        }
    }

    pub fn is_learning(&self) -> bool {
        matches!(self.kind, Kind::Learning(_))
    }

    pub fn is_learnt(&self) -> bool {
        match &self.kind {
            Kind::Plant(watch) => watch.model().is_some(),
            Kind::Residuals(by) => by.is_learnt(),
            Kind::Learning(_) | Kind::Unfit(_) => false,
            Kind::Rows { .. } => true,
        }
    }

    pub fn residual(&self) -> Option<&ResidualModel> {
        match &self.kind {
            Kind::Plant(watch) => watch.model(),
            Kind::Residuals(_) | Kind::Learning(_) | Kind::Unfit(_) | Kind::Rows { .. } => None,
        }
    }

    pub fn episode(&self) -> Option<&Episode> {
        self.memory.episode.as_ref()
    }

    /// Learns from rows of this width.
    pub fn learn(&mut self, judging: &Judging, rows: &[f64], width: usize) -> Result<()> {
        let Kind::Learning(recipe) = self.kind else { return Ok(()) };
        let rows = Rows::new(rows, width)?;
        let mut model = recipe.fit(rows, 0)?;
        let threshold = threshold(recipe, &model, rows, 0)?;
        model.restart();
        self.kind = Kind::Rows { recipe, model: Box::new(model), threshold, alarm: judging.alarm.clone() };
        Ok(())
    }

    /// Gives up learning, where others have learnt from what it cannot learn from.
    pub fn give_up(&mut self) {
        if let Kind::Learning(recipe) = self.kind {
            self.kind = Kind::Unfit(recipe);
        }
    }

    /// Takes in a minute of our plant, and whether methods that know nothing of stops may see it.
    pub fn watch(&mut self, minute: &Minute, passage: Passage, out: &mut Vec<Word>) {
        let moment = minute.minute * MILLISECONDS;
        let found = match &mut self.kind {
            Kind::Plant(watch) => match watch.watch(minute) {
                Ok(finding) => finding.and_then(|finding| {
                    let is_above = finding.score > finding.threshold;
                    self.find(moment, is_above, finding.change, || of_finding(&finding))
                }),
                Err(_) => self.close(moment),
            },
            Kind::Residuals(by) => {
                let (method, (watched, refused)) = (by.recipe().name(), by.watch(minute));
                out.extend(refused.map(|why| Word::Refused { method, why }));
                match watched {
                    Ok(verdict) => verdict.and_then(|verdict| {
                        let is_above = verdict.score > verdict.threshold;
                        self.find(moment, is_above, verdict.change, || of_verdict(&verdict))
                    }),
                    Err(_) => self.close(moment),
                }
            }
            Kind::Learning(_) | Kind::Unfit(_) | Kind::Rows { .. } => match passage {
                Passage::Closed => self.stop(moment),
                Passage::Anew => self.stop(moment).or_else(|| self.judge(moment, &minute.sensors)),
                Passage::Open => self.judge(moment, &minute.sensors),
            },
        };
        out.extend(found.map(Word::Found));
    }

    /// What was remembered says nothing of what comes: an open alert closes.
    fn stop(&mut self, moment: i64) -> Option<Found> {
        let Kind::Rows { model, alarm, .. } = &mut self.kind else { return None };
        model.restart();
        alarm.restart();
        self.memory.signs = Signs::default();
        self.close(moment)
    }

    /// Takes in a row.
    pub fn judge(&mut self, moment: i64, values: &[f64]) -> Option<Found> {
        let Kind::Rows { model, threshold, alarm, .. } = &mut self.kind else { return None };
        let (score, threshold) = (model.score(values), *threshold);
        let change = alarm.judge(score, threshold);
        let evidence = if alarm.is_open() { Some(of_row(score, threshold, model, values)) } else { None };
        let evidence = || evidence.unwrap_or_default();
        self.find(moment, score > threshold, change, evidence)
    }

    fn find(
        &mut self,
        moment: i64,
        is_above: bool,
        change: Option<Change>,
        evidence: impl FnOnce() -> Evidence,
    ) -> Option<Found> {
        let name = self.name();
        let Memory { signs, episode } = &mut self.memory;
        signs.note(moment, is_above);
        match (change, episode.as_mut()) {
            (Some(Change::Opened), _) => {
                Some(Episode::open(episode, name, moment, signs.first(moment), evidence()))
            }
            (Some(Change::Closed), _) => self.close(moment),
            (None, Some(episode)) => episode.go_on(name, moment, evidence()),
            (None, None) => None,
        }
    }

    fn close(&mut self, moment: i64) -> Option<Found> {
        let name = self.name();
        Episode::close(&mut self.memory.episode, name, moment)
    }
}

fn of_finding(finding: &Finding) -> Evidence {
    Evidence {
        score: finding.score,
        threshold: finding.threshold,
        shares: finding.each.to_vec(),
        sensor: finding.sensor(),
        failure: Some(finding.likely),
        severity: finding.severity,
    }
}

fn of_verdict(verdict: &Verdict) -> Evidence {
    Evidence {
        score: verdict.score,
        threshold: verdict.threshold,
        shares: verdict.residuals.map(f64::abs).to_vec(),
        sensor: verdict.sensor(),
        ..Evidence::default()
    }
}

fn of_row(score: f64, threshold: f64, model: &Model, row: &[f64]) -> Evidence {
    let mut shares = vec![0.0; row.len()];
    model.shares(row, &mut shares);
    let sensor = (0..row.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b])).unwrap_or(0);
    Evidence { score, threshold, shares, sensor, failure: None, severity: None }
}
