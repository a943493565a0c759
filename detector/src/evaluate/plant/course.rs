use super::read::Machine;
use crate::alarm::{Alarm, AlarmParams, Change};
use crate::detector::Detector;
use crate::evaluate::baseline::Baseline;
use crate::evaluate::threshold;
use crate::machine::{ByResiduals, MINUTES, judged as judged_minutes};
use crate::methods::Recipe;
use crate::methods::residual::{Failure, Minute, SENSORS, Watch, WatchParams};
use crate::refusal::Result;
use crate::rows::Rows;

/// What a method said of one machine.
#[derive(Debug, Default)]
pub(super) struct Course {
    pub alerts: Vec<Alert>,
    /// Minutes that were judged, with their scores in thresholds.
    pub scores: Vec<(i64, f64)>,
}

/// One alert, in minutes since 1970.
#[derive(Debug, Clone)]
pub(super) struct Alert {
    pub opened: i64,
    pub closed: i64,
    pub sensor: usize,
    pub failure: Option<Failure>,
}

impl Course {
    /// Whether an alert stands open, minute by minute that was judged.
    pub fn open(&self) -> impl Iterator<Item = bool> {
        self.scores.iter().map(|(minute, _)| {
            let before = self.alerts.partition_point(|alert| alert.opened <= *minute);
            before.checked_sub(1).is_some_and(|last| *minute < self.alerts[last].closed)
        })
    }

    fn note(&mut self, minute: i64, change: Option<Change>, sensor: usize, failure: Option<Failure>) {
        match change {
            Some(Change::Opened) => {
                self.alerts.push(Alert { opened: minute, closed: i64::MAX, sensor, failure });
            }
            Some(Change::Closed) => {
                if let Some(alert) = self.alerts.last_mut() {
                    alert.closed = minute;
                }
            }
            None => {}
        }
    }
}

/// The method of our plant, which knows nothing at the start.
pub(super) fn watched(machine: &Machine) -> Result<Course> {
    let mut watch = Watch::new(WatchParams::default())?;
    let mut course = Course::default();
    for minute in &machine.minutes {
        match watch.watch(minute) {
            Ok(None) => {}
            Ok(Some(finding)) => {
                course.scores.push((minute.minute, finding.score / finding.threshold));
                course.note(minute.minute, finding.change, finding.sensor(), Some(finding.likely.0));
            }
            Err(change) => course.note(minute.minute, Some(change), 0, None),
        }
    }
    Ok(course)
}

/// A method for any sensors that is given residuals; it knows nothing at the start.
pub(super) fn by_residuals(machine: &Machine, recipe: Recipe) -> Result<Course> {
    let watch = Watch::new(WatchParams::default())?;
    let mut by = ByResiduals::new(recipe, watch, MINUTES, Alarm::new(AlarmParams::default())?);
    let mut course = Course::default();
    for minute in &machine.minutes {
        let (watched, refused) = by.watch(minute);
        if let Some(refusal) = refused {
            return Err(refusal);
        }
        match watched {
            Ok(None) => {}
            Ok(Some(verdict)) => {
                course.scores.push((minute.minute, verdict.score / verdict.threshold));
                course.note(minute.minute, verdict.change, verdict.sensor(), None);
            }
            Err(change) => course.note(minute.minute, Some(change), 0, None),
        }
    }
    Ok(course)
}

/// A method for any sensors: learns from the first week's running minutes, a threshold without labels.
pub(super) fn judged(machine: &Machine, recipe: Recipe) -> Result<Course> {
    const WEEK: i64 = 7 * 1440;
    let first = machine.minutes.first().map_or(0, |minute| minute.minute);
    let running: Vec<&Minute> = judged_minutes(&machine.minutes);
    let week = running.partition_point(|minute| minute.minute < first + WEEK);
    let learnt: Vec<f64> = running[..week].iter().flat_map(|minute| minute.sensors).collect();
    let rows = Rows::new(&learnt, SENSORS)?;
    let mut model = recipe.fit(rows, 0)?;
    let threshold = threshold(recipe, &model, rows, 0)?;
    let mut alarm = Alarm::new(AlarmParams::default())?;
    let mut course = Course::default();
    let mut before = None;
    let mut shares = [0.0; SENSORS];
    for minute in &running[week..] {
        if before.is_some_and(|before| minute.minute > before + 60) {
            course.note(minute.minute, alarm.restart(), 0, None);
            model.restart();
        }
        before = Some(minute.minute);
        let score = model.score(&minute.sensors);
        course.scores.push((minute.minute, score / threshold));
        let change = alarm.judge(score, threshold);
        if change == Some(Change::Opened) {
            model.shares(&minute.sensors, &mut shares);
        }
        let sensor = (0..SENSORS).max_by(|a, b| shares[*a].total_cmp(&shares[*b])).unwrap_or(0);
        course.note(minute.minute, change, sensor, None);
    }
    Ok(course)
}

/// A method that does not look: its alerts open and close by the usual rule, it names the sensors in turn.
pub(super) fn by_chance(machine: &Machine, baseline: Baseline, part: u64) -> Result<Course> {
    let running = judged_minutes(&machine.minutes);
    let mut alarm = Alarm::new(AlarmParams::default())?;
    let mut course = Course::default();
    for (minute, score) in running.iter().zip(baseline.scores(running.len(), part)) {
        course.scores.push((minute.minute, score));
        let sensor = course.alerts.len() % SENSORS;
        course.note(minute.minute, alarm.judge(score, 1.0), sensor, None);
    }
    Ok(course)
}
