use serde::{Deserialize, Serialize};

use super::learner::{BLOCK, Learner};
use super::limits::Limits;
use super::model::{PATTERNS, ResidualModel};
use super::plant::{Failure, SENSORS, Sensors};
use super::{Follower, POWER, WEIGHT};
use crate::alarm::{Alarm, AlarmParams, Change};
use crate::refusal::Result;

/// One minute of one machine: averages of what its sensors showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Minute {
    /// Minutes since 1970, event time.
    pub minute: i64,
    /// Whether the machine says that it is being maintained.
    pub maintained: bool,
    /// The averages.
    pub sensors: Sensors,
}

impl Minute {
    /// Whether the machine stands still: it says so, or takes no power.
    pub fn is_stopped(&self) -> bool {
        self.maintained || self.sensors[POWER] < STOPPED_BELOW
    }
}

/// In how many stages a machine is learnt.
const STAGES: usize = 4;

/// How a machine is watched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WatchParams {
    /// The threshold from a number of healthy days on: (days, threshold), in order of days.
    pub stages: [(i64, f64); STAGES],
    /// Standard deviations along a failure's pattern that count as much as the last threshold of distance:
    /// less, because there is one way to be off instead of seven.
    pub along: f64,
    /// How far beyond the middle of its normal range a sensor's average may be, in halves of the range, whatever
    /// was learnt.
    pub beyond: f64,
    /// When alerts open and close.
    pub alarm: AlarmParams,
}

impl Default for WatchParams {
    fn default() -> Self {
        Self {
            stages: [(1, 14.0), (2, 8.0), (3, 7.0), (7, 6.1)],
            along: 5.0,
            beyond: 1.15,
            alarm: AlarmParams::default(),
        }
    }
}

/// What was found in a minute that was judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// How strange the minute is.
    pub score: f64,
    /// What the score is held against.
    pub threshold: f64,
    /// What the minute changed.
    pub change: Option<Change>,
    /// How far each sensor's averaged residual is off, in standard deviations.
    pub each: Sensors,
    /// The failure whose pattern fits best, and the cosine between the two.
    pub likely: (Failure, f64),
}

impl Finding {
    /// The sensor that is farthest off, among those of the likely failure where its pattern fits.
    pub fn sensor(&self) -> usize {
        let (failure, cosine) = self.likely;
        let known = |sensor: &usize| cosine < FITS || failure.sensors().contains(sensor);
        let among = (0..SENSORS).filter(known);
        among.max_by(|a, b| self.each[*a].total_cmp(&self.each[*b])).unwrap_or(0)
    }
}

/// From this cosine on, the pattern of a failure is taken to be it.
const FITS: f64 = 0.7;
/// Less power than this is a stop; minutes after a restart that are not judged; minutes that centre.
const STOPPED_BELOW: f64 = 25.0;
const RUNNING_IN: i64 = 180;
const CENTRING: u32 = 60;
const DAY: i64 = 1440;
/// How quickly the drift of the centre is learnt, a minute: in about two days.
const DRIFT: f64 = 2e-7;
/// Most standard deviations by which a minute moves the centre.
const STEP: f64 = 3.0;

/// Watches one machine of our plant: learns while it watches, from the first day on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Watch {
    params: WatchParams,
    follower: Follower,
    limits: Limits,
    learner: Option<Box<Learner>>,
    model: Option<ResidualModel>,
    /// The stages of learning that are over, each with a model.
    stage: usize,
    /// Where nothing could be learnt, so many healthy minutes are waited for before it is tried again.
    again: i64,
    running_since: Option<i64>,
    has_stopped: bool,
    centre: Sensors,
    /// What the centre moves by in a minute: oil is used up, bearings wear. It outlasts a restart.
    drift: Sensors,
    centred: u32,
    averages: Sensors,
    alarm: Alarm,
}

impl Watch {
    /// A machine of which nothing is known.
    ///
    /// # Errors
    /// If a parameter is out of range.
    pub fn new(params: WatchParams) -> Result<Self> {
        Ok(Self {
            params,
            follower: Follower::new(),
            limits: Limits::default(),
            learner: Some(Box::default()),
            model: None,
            stage: 0,
            again: 0,
            running_since: None,
            has_stopped: false,
            centre: [0.0; SENSORS],
            drift: [0.0; SENSORS],
            centred: 0,
            averages: [0.0; SENSORS],
            alarm: Alarm::new(params.alarm)?,
        })
    }

    /// A machine that a model was learnt of before.
    ///
    /// # Errors
    /// If a parameter is out of range.
    pub fn with_model(params: WatchParams, model: ResidualModel) -> Result<Self> {
        Ok(Self::new(params)?.taught(model))
    }

    /// The same with a model that was learnt before.
    #[must_use]
    pub fn taught(self, model: ResidualModel) -> Self {
        Self { learner: None, model: Some(model), stage: STAGES, ..self }
    }

    /// The model, once there is one.
    pub fn model(&self) -> Option<&ResidualModel> {
        self.model.as_ref()
    }

    /// Whether an alert is open.
    pub fn is_open(&self) -> bool {
        self.alarm.is_open()
    }

    /// Bytes of memory in use.
    pub fn size(&self) -> usize {
        let learner = self.learner.as_ref().map_or(0, |learner| learner.size());
        size_of::<Self>() + learner + self.model.as_ref().map_or(0, ResidualModel::size)
    }

    /// Takes in the next minute. Err is the change that a stop brings: an open alert closes.
    pub fn watch(&mut self, minute: &Minute) -> std::result::Result<Option<Finding>, Change> {
        if minute.is_stopped() {
            return self.stop();
        }
        let Some(features) = self.follower.follow(&minute.sensors) else { return Ok(None) };
        // What runs at the beginning has been running for long.
        let before = if self.has_stopped { minute.minute } else { i64::MIN / 2 };
        let since = *self.running_since.get_or_insert(before);
        if minute.minute - since < RUNNING_IN {
            return Ok(None);
        }
        self.pass_stages();
        self.limits.follow(&minute.sensors);
        let finding = match self.model.as_ref().map(|model| model.residuals(&features)) {
            Some(residuals) => self.judge(&minute.sensors, residuals),
            None => Some(self.find_without_model()),
        };
        if !self.alarm.is_open()
            && let Some(learner) = &mut self.learner
        {
            learner.learn(&features);
        }
        Ok(finding)
    }

    fn stop(&mut self) -> std::result::Result<Option<Finding>, Change> {
        self.running_since = None;
        self.has_stopped = true;
        self.follower.restart();
        self.limits.restart();
        if let Some(learner) = &mut self.learner {
            learner.restart();
        }
        self.begin_centring();
        self.alarm.restart().map_or(Ok(None), Err)
    }

    fn begin_centring(&mut self) {
        (self.centre, self.centred, self.averages) = ([0.0; SENSORS], 0, [0.0; SENSORS]);
    }

    /// At the end of a stage the model is learnt anew, from all healthy minutes so far.
    fn pass_stages(&mut self) {
        let Some(learner) = &self.learner else { return };
        let learnt = learner.minutes();
        let due = self.params.stages.iter().filter(|(days, _)| learnt >= days * DAY).count();
        if due <= self.stage || learnt < self.again || self.alarm.is_open() {
            return;
        }
        let Ok(model) = learner.model() else {
            self.again = learnt + BLOCK;
            return;
        };
        (self.model, self.stage) = (Some(model), due);
        if due == STAGES {
            self.learner = None;
        }
        self.begin_centring();
    }

    fn judge(&mut self, sensors: &Sensors, residuals: Sensors) -> Option<Finding> {
        self.centred += 1;
        if self.centred <= CENTRING {
            let gain = 1.0 / f64::from(self.centred);
            self.centre
                .iter_mut()
                .zip(residuals)
                .for_each(|(centre, residual)| *centre += gain * (residual - *centre));
            return None;
        }
        for sensor in 0..SENSORS {
            // A missing value says nothing: its average fades.
            let off = residuals[sensor] - self.centre[sensor];
            let off = if sensors[sensor].is_finite() { off } else { 0.0 };
            self.averages[sensor] += WEIGHT * (off - self.averages[sensor]);
            self.centre[sensor] += self.drift[sensor];
            if !self.alarm.is_open() {
                let gain = (1.0 / f64::from(self.centred)).max(1.0 / DAY as f64);
                self.centre[sensor] += gain * off.clamp(-STEP, STEP);
                self.drift[sensor] += DRIFT * off.clamp(-STEP, STEP);
            }
        }
        self.find()
    }

    fn find(&mut self) -> Option<Finding> {
        let model = self.model.as_ref()?;
        let threshold = self.params.stages[self.stage.max(1) - 1].1;
        let (distance, along) = (model.distance(&self.averages), model.along(&self.averages));
        let best = (0..along.len()).max_by(|a, b| plausible(*a, &along).total_cmp(&plausible(*b, &along)))?;
        let farthest = along.iter().copied().fold(0.0, f64::max);
        let by_pattern = farthest * self.params.stages[STAGES - 1].1 / self.params.along;
        let cosine = if distance > 0.0 { (along[best] / distance).clamp(0.0, 1.0) } else { 0.0 };
        let by_limits = self.beyond() * threshold;
        let score = distance.max(by_pattern);
        if by_limits > score.max(threshold) {
            let (each, likely) = (self.limits.each(), self.limits.likely());
            return Some(self.finding(by_limits, threshold, each, likely));
        }
        let each = model.each(&self.averages);
        Some(self.finding(score, threshold, each, (PATTERNS[best].0, cosine)))
    }

    fn find_without_model(&mut self) -> Finding {
        let (each, likely) = (self.limits.each(), self.limits.likely());
        self.finding(self.beyond(), 1.0, each, likely)
    }

    /// How far beyond its normal range the farthest sensor is: 1 is as far as it may be.
    fn beyond(&self) -> f64 {
        self.limits.each().into_iter().fold(0.0, f64::max) / self.params.beyond
    }

    fn finding(&mut self, score: f64, threshold: f64, each: Sensors, likely: (Failure, f64)) -> Finding {
        Finding { score, threshold, change: self.alarm.judge(score, threshold), each, likely }
    }
}

/// Logarithm of how plausible a pattern is, up to what is the same for all: its fit, and how often such
/// failures happen.
fn plausible(pattern: usize, along: &[f64; PATTERNS.len()]) -> f64 {
    0.5 * along[pattern].max(0.0).powi(2) + PATTERNS[pattern].0.share().ln()
}
