//! When scores become an alert: enough of the last ones above the threshold open it, long quiet closes it.

use serde::{Deserialize, Serialize};

use crate::detector::outside;
use crate::refusal::{Refusal, Result};

/// When an alert opens and closes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AlarmParams {
    /// So many exceedances open an alert...
    pub exceedances: u32,
    /// ...among so many scores, at most 64.
    pub among: u32,
    /// So many quiet scores in a row close it.
    pub quiet: u32,
    /// A score is quiet below this share of the threshold.
    pub quiet_below: f64,
}

impl AlarmParams {
    /// What is usual: five of eight open, half an hour of quiet minutes closes.
    pub const USUAL: Self = Self { exceedances: 5, among: 8, quiet: 30, quiet_below: 0.8 };
}

impl Default for AlarmParams {
    fn default() -> Self {
        Self::USUAL
    }
}

/// What a score changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An alert opened.
    Opened,
    /// The alert closed.
    Closed,
}

/// The alert of one machine, open or not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alarm {
    params: AlarmParams,
    /// The last scores, newest lowest: 1 is an exceedance.
    recent: u64,
    quiet: u32,
    open: bool,
}

impl Alarm {
    /// No alert yet.
    ///
    /// # Errors
    /// If the parameters are out of range.
    pub fn new(params: AlarmParams) -> Result<Self> {
        let problem = outside("the number of scores looked at", f64::from(params.among), 1.0, 64.0)
            .or_else(|| {
                let most = f64::from(params.among);
                outside("the number of exceedances", f64::from(params.exceedances), 1.0, most)
            })
            .or_else(|| outside("the quiet share of the threshold", params.quiet_below, 0.0, 1.0));
        match problem {
            Some(sentence) => Err(Refusal::new(sentence)),
            None => Ok(Self { params, recent: 0, quiet: 0, open: false }),
        }
    }

    /// Whether the alert is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Takes in the next score.
    pub fn judge(&mut self, score: f64, threshold: f64) -> Option<Change> {
        let mask = u64::MAX >> (64 - self.params.among);
        self.recent = (self.recent << 1 | u64::from(score > threshold)) & mask;
        if !self.open {
            let opens = self.recent.count_ones() >= self.params.exceedances;
            (self.open, self.quiet) = (opens, 0);
            return opens.then_some(Change::Opened);
        }
        self.quiet = if score < self.params.quiet_below * threshold { self.quiet + 1 } else { 0 };
        if self.quiet >= self.params.quiet { self.restart() } else { None }
    }

    /// Forgets the scores; an open alert closes, as when a machine is stopped.
    pub fn restart(&mut self) -> Option<Change> {
        let was_open = self.open;
        (self.open, self.recent, self.quiet) = (false, 0, 0);
        was_open.then_some(Change::Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(scores: &[f64]) -> Vec<(usize, Change)> {
        let mut alarm = Alarm::new(AlarmParams::default()).expect("valid");
        let judged = scores.iter().enumerate();
        judged.filter_map(|(at, score)| Some((at, alarm.judge(*score, 1.0)?))).collect()
    }

    #[test]
    fn five_exceedances_of_eight_open_and_thirty_quiet_scores_close() {
        let mut scores = vec![2.0, 2.0, 0.0, 2.0, 0.0, 2.0, 2.0];
        scores.extend([0.5; 40]);
        assert_eq!(changes(&scores), [(6, Change::Opened), (36, Change::Closed)]);
    }

    #[test]
    fn exceedances_too_far_apart_open_nothing_and_what_is_nearly_quiet_keeps_it_open() {
        assert_eq!(changes(&[2.0, 0.0].repeat(20)), []);
        let mut scores = vec![2.0; 5];
        scores.extend([0.9; 100]);
        assert_eq!(changes(&scores), [(4, Change::Opened)]);
    }

    #[test]
    fn more_exceedances_than_scores_are_refused() {
        assert!(Alarm::new(AlarmParams { exceedances: 9, ..AlarmParams::default() }).is_err());
    }
}
