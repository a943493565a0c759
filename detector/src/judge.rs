//! Readings in, alerts out: one course a machine.

use std::collections::{BTreeMap, VecDeque};

use millrace_core::{Error, Result};

use crate::Refusal;
use crate::alarm::{Alarm, AlarmParams, Change};
use crate::alert::{AnomalyAlert, Evidence, Moment, time};
use crate::detector::Detector;
use crate::evaluate::{Method, threshold};
use crate::input::Reading;
use crate::methods::residual::{Finding, Minute, SENSORS, Watch, WatchParams};
use crate::methods::{Model, Recipe};
use crate::minutes::Averager;
use crate::model_file::{Learnt, ModelFile};
use crate::rows::Rows;

/// Judges the readings of any number of machines, each by itself.
pub struct Judge {
    method: Method,
    names: Vec<String>,
    learn_rows: usize,
    taught: Option<ModelFile>,
    machines: BTreeMap<String, Course>,
}

/// What is known of one machine.
struct Course {
    kind: Kind,
    signs: Signs,
    opened: Option<i64>,
    readings: i64,
    has_time: bool,
}

enum Kind {
    Plant { averager: Averager, watch: Box<Watch> },
    Learning { recipe: Recipe, rows: Vec<f64> },
    Rows { model: Box<Model>, threshold: f64, alarm: Alarm },
}

/// The moments of the last scores, and whether they were above the threshold.
#[derive(Default)]
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

impl Judge {
    /// A judge by a method, which learns from each machine's first rows, or by a model that has learnt.
    ///
    /// # Errors
    /// If the method does not know these sensors.
    pub fn new(
        method: Method,
        names: &[String],
        learn_rows: usize,
        taught: Option<ModelFile>,
    ) -> Result<Self> {
        if let Some(model) = &taught {
            model.must_know(names)?;
        }
        let plant = millrace_schemas::Sensor::ALL.map(millrace_schemas::Sensor::name);
        if method == Method::Residual && names != plant {
            return Err(Error::usage(
                "--algorithm: `residual` knows the seven sensors of our plant, and the input has others; \
                 `honest` takes any",
            ));
        }
        Ok(Self { method, names: names.to_vec(), learn_rows, taught, machines: BTreeMap::new() })
    }

    /// Takes in a reading; gives the alert that it opens or closes.
    ///
    /// # Errors
    /// If what a machine was to be learnt from teaches nothing, or a time is missing where one is needed.
    pub fn judge(&mut self, reading: &Reading) -> Result<Option<AnomalyAlert>> {
        if !self.machines.contains_key(&reading.machine) {
            let course = self.begin(&reading.machine)?;
            self.machines.insert(reading.machine.clone(), course);
        }
        let Some(course) = self.machines.get_mut(&reading.machine) else { return Ok(None) };
        course.readings += 1;
        course.has_time = reading.time.is_some();
        let found = course.take(reading, self.learn_rows).map_err(|refusal| {
            let of =
                if reading.machine.is_empty() { String::new() } else { format!(" of `{}`", reading.machine) };
            Error::failed(format!("the readings{of} cannot be judged: {refusal}"))
        })?;
        Ok(found.map(|(moment, evidence)| self.alert(&reading.machine, moment, &evidence)))
    }

    /// What was learnt of each machine of our plant.
    pub fn learnt(&self) -> BTreeMap<String, crate::methods::residual::ResidualModel> {
        let model = |course: &Course| match &course.kind {
            Kind::Plant { watch, .. } => watch.model().cloned(),
            Kind::Learning { .. } | Kind::Rows { .. } => None,
        };
        self.machines.iter().filter_map(|(id, course)| Some((id.clone(), model(course)?))).collect()
    }

    /// A warning of machines that the input ended before they were learnt, so that their silence is not taken
    /// for health. Others were learnt; such a machine may have been faulty from its first day on.
    ///
    /// # Errors
    /// If there was no reading, or no machine was judged by what is normal for it.
    pub fn unlearnt(&self) -> Result<Option<String>> {
        let mut unlearnt = self.machines.iter().filter(|(_, course)| !course.is_learnt());
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
            (machine, others) => format!(" of `{machine}` and {others} more"),
        };
        let (seen, wanted) = (course.readings, self.learn_rows);
        let said = match course.kind {
            Kind::Plant { .. } => format!(
                "the input ended before a healthy running day{of} was seen, so only the plant's normal ranges \
                 were watched; give more readings, or a --model"
            ),
            Kind::Learning { .. } | Kind::Rows { .. } => format!(
                "the input ended after {seen} of the {wanted} rows{of} to learn from, so nothing was judged; \
                 give more readings, fewer --learn-rows, or a --model"
            ),
        };
        if others + 1 == self.machines.len() { Err(Error::failed(said)) } else { Ok(Some(said)) }
    }

    fn begin(&self, machine: &str) -> Result<Course> {
        let kind = match (&self.taught, self.method) {
            (Some(ModelFile { learnt: Learnt::Rows { model, threshold }, .. }), _) => {
                Kind::Rows { model: model.clone(), threshold: *threshold, alarm: alarm()? }
            }
            (Some(ModelFile { learnt: Learnt::Machines(machines), .. }), _)
                if machines.contains_key(machine) =>
            {
                let watch = Watch::with_model(WatchParams::default(), machines[machine].clone());
                Kind::Plant { averager: Averager::default(), watch: Box::new(watch.map_err(refused)?) }
            }
            (_, Method::Residual) => {
                let watch = Watch::new(WatchParams::default()).map_err(refused)?;
                Kind::Plant { averager: Averager::default(), watch: Box::new(watch) }
            }
            (_, Method::Rows(recipe)) => Kind::Learning { recipe, rows: Vec::new() },
        };
        Ok(Course { kind, signs: Signs::default(), opened: None, readings: 0, has_time: false })
    }

    fn alert(&mut self, machine: &str, moment: i64, evidence: &Evidence) -> AnomalyAlert {
        let version = self.taught.as_ref().map_or("self-taught", |model| model.sha256.as_str());
        let course = self.machines.get_mut(machine);
        let (opened, from, has_time) = course.map_or((moment, moment, false), |course| {
            if evidence.change == Change::Opened {
                course.opened = Some(moment);
            }
            (course.opened.unwrap_or(moment), course.signs.first(moment), course.has_time)
        });
        let text = |moment: i64| if has_time { time(moment) } else { format!("row {moment}") };
        let at = Moment { machine, now: text(moment), opened: text(opened), evidence_from: text(from) };
        AnomalyAlert::new(self.method.name(), version, &self.names, &at, evidence)
    }
}

fn alarm() -> Result<Alarm> {
    Alarm::new(AlarmParams::default()).map_err(refused)
}

fn refused(refusal: Refusal) -> Error {
    Error::failed(refusal.to_string())
}

type Found = Option<(i64, Evidence)>;

impl Course {
    fn is_learnt(&self) -> bool {
        match &self.kind {
            Kind::Plant { watch, .. } => watch.model().is_some(),
            Kind::Learning { .. } => false,
            Kind::Rows { .. } => true,
        }
    }

    fn take(&mut self, reading: &Reading, learn_rows: usize) -> std::result::Result<Found, Refusal> {
        match &mut self.kind {
            Kind::Plant { averager, watch } => {
                let time = reading.time.ok_or_else(|| {
                    Refusal::new("`residual` needs a column `timestamp`, since what it learns is in minutes")
                })?;
                let sensors: [f64; SENSORS] = std::array::from_fn(|sensor| reading.values[sensor]);
                let minute = averager.add(time, reading.maintained, &sensors);
                Ok(minute.and_then(|minute| watched(watch, &minute, &mut self.signs)))
            }
            Kind::Learning { recipe, rows } => {
                rows.extend_from_slice(&reading.values);
                if rows.len() == learn_rows * reading.values.len() {
                    let rows = Rows::new(rows, reading.values.len())?;
                    let mut model = recipe.fit(rows, 0)?;
                    let threshold = threshold(*recipe, &model, rows, 0)?;
                    model.restart();
                    let alarm = Alarm::new(AlarmParams::default())?;
                    self.kind = Kind::Rows { model: Box::new(model), threshold, alarm };
                }
                Ok(None)
            }
            Kind::Rows { model, threshold, alarm } => {
                let moment = reading.time.unwrap_or(self.readings);
                let score = model.score(&reading.values);
                self.signs.note(moment, score > *threshold);
                let change = alarm.judge(score, *threshold);
                Ok(change.map(|change| (moment, of_row(change, score, *threshold, model, &reading.values))))
            }
        }
    }
}

fn watched(watch: &mut Watch, minute: &Minute, signs: &mut Signs) -> Found {
    const MILLISECONDS: i64 = 60_000;
    let moment = minute.minute * MILLISECONDS;
    match watch.watch(minute) {
        Ok(None) => None,
        Ok(Some(finding)) => {
            signs.note(moment, finding.score > finding.threshold);
            finding.change.map(|change| (moment, of_finding(change, &finding)))
        }
        Err(change) => {
            let (shares, sensor) = (vec![0.0; SENSORS], 0);
            Some((moment, Evidence { change, score: 0.0, threshold: 0.0, shares, sensor, failure: None }))
        }
    }
}

fn of_finding(change: Change, finding: &Finding) -> Evidence {
    Evidence {
        change,
        score: finding.score,
        threshold: finding.threshold,
        shares: finding.each.to_vec(),
        sensor: finding.sensor(),
        failure: Some((finding.likely.0.name(), finding.likely.1)),
    }
}

fn of_row(change: Change, score: f64, threshold: f64, model: &Model, row: &[f64]) -> Evidence {
    let mut shares = vec![0.0; row.len()];
    model.shares(row, &mut shares);
    let sensor = (0..row.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b])).unwrap_or(0);
    Evidence { change, score, threshold, shares, sensor, failure: None }
}
