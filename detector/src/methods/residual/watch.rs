use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::centre::Centre;
use super::finding::Finding;
use super::learner::{BLOCK, DAY, Learner};
use super::limits::Limits;
use super::measure::InDoubt;
use super::model::{PATTERNS, ResidualModel};
use super::plant::{Failure, SENSORS, Sensors};
use super::warming::{Seen, Warming};
use super::{Follower, POWER, VIBRATION, WEIGHT};
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

/// What load and neighbours do not explain of a minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residuals {
    /// Averages of each sensor, in standard deviations that count how well their centre is known.
    pub each: Sensors,
    /// How far off they are together: the root of T-squared.
    pub distance: f64,
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
            stages: [(1, 14.0), (2, 8.0), (3, 7.0), (7, 6.3)],
            along: 4.8,
            beyond: 1.15,
            alarm: AlarmParams::default(),
        }
    }
}

/// Less power than this is a stop.
const STOPPED_BELOW: f64 = 25.0;
/// Minutes after a restart until a machine has come up to speed; until it is judged; until it is learnt from.
const STARTING: i64 = 30;
const RUNNING_IN: i64 = 60;
const WARM: i64 = 180;

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
    warming: Warming,
    centre: Centre,
    in_doubt: Option<InDoubt>,
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
            warming: Warming::default(),
            centre: Centre::new([0.0; SENSORS]),
            in_doubt: None,
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
        let centre = Centre::new(model.drift());
        Self { learner: None, model: Some(model), stage: STAGES, centre, ..self }
    }

    /// The model, once there is one.
    pub fn model(&self) -> Option<&ResidualModel> {
        self.model.as_ref()
    }

    /// Whether an alert is open.
    pub fn is_open(&self) -> bool {
        self.alarm.is_open()
    }

    /// The stages of learning that are over.
    pub fn stage(&self) -> usize {
        self.stage
    }

    /// Whether the last stage is over.
    pub fn is_learnt(&self) -> bool {
        self.stage == STAGES
    }

    /// What the last minute left over, of a machine that is judged by a model.
    pub fn residuals(&self) -> Option<Residuals> {
        let model = self.model.as_ref()?;
        let measure = self.in_doubt.as_ref().map_or(model.measure(), |known| &known.measure);
        let each = model.standardised(&self.averages, self.centre.doubt());
        Some(Residuals { each, distance: measure.distance(&self.averages) })
    }

    /// Bytes of memory in use.
    pub fn size(&self) -> usize {
        let learner = self.learner.as_ref().map_or(0, |learner| learner.size());
        let in_doubt = self.in_doubt.as_ref().map_or(0, |known| known.measure.size());
        size_of::<Self>() + learner + in_doubt + self.model.as_ref().map_or(0, ResidualModel::size)
    }

    /// Takes in the next minute. Err is the change that a stop brings: an open alert closes.
    pub fn watch(&mut self, minute: &Minute) -> std::result::Result<Option<Finding>, Change> {
        if minute.is_stopped() {
            return self.stop();
        }
        // What runs at the beginning has been running for long.
        let before = if self.has_stopped { minute.minute } else { i64::MIN / 2 };
        let running = minute.minute.saturating_sub(*self.running_since.get_or_insert(before));
        if running < STARTING {
            return Ok(None);
        }
        let Some(features) = self.follower.follow(&minute.sensors) else { return Ok(None) };
        if running >= WARM {
            self.pass_stages();
        }
        if running >= RUNNING_IN {
            self.limits.follow(&minute.sensors);
        }
        let finding = match self.model.as_ref().map(|model| model.residuals(&features)) {
            Some(residuals) => self.judge(running, &Seen { sensors: &minute.sensors, residuals: &residuals }),
            None => (running >= RUNNING_IN).then(|| self.find_without_model()),
        };
        if running >= WARM
            && !self.alarm.is_open()
            && let Some(learner) = &mut self.learner
        {
            learner.learn(&features);
        }
        Ok(finding)
    }

    fn stop(&mut self) -> std::result::Result<Option<Finding>, Change> {
        if self.running_since.take().is_some() {
            self.centre.stop();
        }
        self.has_stopped = true;
        self.follower.restart();
        self.limits.restart();
        if let Some(learner) = &mut self.learner {
            learner.restart();
        }
        (self.warming, self.averages) = (Warming::default(), [0.0; SENSORS]);
        self.alarm.restart().map_or(Ok(None), Err)
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
        // In the residuals of another model everything lies elsewhere.
        (self.centre, self.averages) = (Centre::new(model.drift()), [0.0; SENSORS]);
        self.in_doubt = None;
        (self.model, self.stage) = (Some(model), due);
        if due == STAGES {
            self.learner = None;
        }
    }

    fn judge(&mut self, running: i64, seen: &Seen<'_>) -> Option<Finding> {
        let vibration = self.model.as_ref()?.unit(VIBRATION);
        let residuals = self.warming.take_out(running as f64, vibration, self.centre.level(), seen);
        if running < RUNNING_IN {
            return None;
        }
        let was_open = self.alarm.is_open();
        let off = self.centre.follow(seen.sensors, &residuals, was_open);
        for (average, off) in self.averages.iter_mut().zip(off) {
            *average += WEIGHT * (off - *average);
        }
        if !was_open {
            self.centre.note(running);
        }
        let finding = self.find();
        if !was_open && self.alarm.is_open() {
            self.centre.take_back();
        }
        finding
    }

    fn find(&mut self) -> Option<Finding> {
        let model = self.model.as_ref()?;
        let threshold = self.params.stages[self.stage.max(1) - 1].1;
        match self.centre.doubt() {
            None => self.in_doubt = None,
            Some(doubt) if self.in_doubt.as_ref().is_some_and(|known| known.holds(doubt)) => {}
            Some(doubt) => {
                self.in_doubt = model.measure_in_doubt(doubt).map(|measure| InDoubt::new(doubt, measure));
            }
        }
        let measure = self.in_doubt.as_ref().map_or(model.measure(), |known| &known.measure);
        let distance = measure.distance(&self.averages);
        let along: [f64; PATTERNS.len()] = measure.along(&self.averages);
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
        let severity = Some(model.severity(best, &self.averages));
        let finding = self.finding(score, threshold, each, (PATTERNS[best].0, cosine));
        Some(Finding { severity, ..finding })
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
        Finding { score, threshold, change: self.alarm.judge(score, threshold), each, likely, severity: None }
    }
}

/// Logarithms of how often the failure of each pattern happens.
static SHARES: LazyLock<[f64; PATTERNS.len()]> = LazyLock::new(|| PATTERNS.map(|of| of.0.share().ln()));

/// Logarithm of how plausible a pattern is, up to what is the same for all: its fit, and how often such
/// failures happen.
fn plausible(pattern: usize, along: &[f64; PATTERNS.len()]) -> f64 {
    0.5 * along[pattern].max(0.0).powi(2) + SHARES[pattern]
}
