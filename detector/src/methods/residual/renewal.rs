use serde::{Deserialize, Serialize};

use super::WEARING;
use super::plant::Sensors;

type Levels = [f64; WEARING.len()];

/// Where the residuals of what wears lie right after maintenance, learnt from the restarts so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Renewal {
    levels: Levels,
    /// The restarts that they were learnt from.
    restarts: u32,
    /// What the present run showed, until it is known that no failure was in it.
    pending: Option<Levels>,
    /// Whether the present run was looked at.
    is_seen: bool,
}

/// Minutes after a restart from which a level is known well, at which it is too long ago, and at which a failure
/// that was in it has been found.
const KNOWN: i64 = 720;
const LONG_AGO: i64 = 2 * KNOWN;
const FOUND: i64 = 3 * KNOWN;
/// Restarts that the levels are the mean of, at first; later the newest counts for so much of them.
const MOST: u32 = 4;
/// Most standard deviations by which one restart counts as other than those before.
const STEP: f64 = 2.0;

impl Renewal {
    /// The levels, once there was a restart to learn them from.
    pub fn levels(&self) -> Option<Levels> {
        (self.restarts > 0).then_some(self.levels)
    }

    /// The levels now, of a machine that runs in health for so many minutes, with what they move by in a minute.
    pub fn note(&mut self, minutes: i64, level: &Sensors, drift: &Sensors) {
        if !self.is_seen && (KNOWN..LONG_AGO).contains(&minutes) {
            self.is_seen = true;
            self.pending = Some(WEARING.map(|sensor| level[sensor] - minutes as f64 * drift[sensor]));
        }
        if minutes >= FOUND {
            self.accept();
        }
    }

    /// What the present run showed was no health.
    pub fn reject(&mut self) {
        self.pending = None;
    }

    /// The machine is stopped.
    pub fn stop(&mut self) {
        self.accept();
        self.is_seen = false;
    }

    fn accept(&mut self) {
        let Some(new) = self.pending.take() else { return };
        if self.restarts == 0 {
            self.levels = new;
        }
        self.restarts = (self.restarts + 1).min(MOST);
        for (level, new) in self.levels.iter_mut().zip(new) {
            *level += (new - *level).clamp(-STEP, STEP) / f64::from(self.restarts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::residual::{OIL, SENSORS};

    /// A run with this level of oil after half a day, of which a tenth was lost since the restart.
    fn run(renewal: &mut Renewal, oil: f64) {
        let (mut level, mut drift) = ([0.0; SENSORS], [0.0; SENSORS]);
        (level[OIL], drift[OIL]) = (oil, -0.1 / KNOWN as f64);
        (0..KNOWN + 1).for_each(|minute| renewal.note(minute, &level, &drift));
    }

    #[test]
    fn a_level_is_told_as_of_the_restart_and_runs_with_a_failure_do_not_count() {
        let mut renewal = Renewal::default();
        assert_eq!(renewal.levels(), None);
        run(&mut renewal, 3.9);
        assert_eq!(renewal.levels(), None, "a failure may still be found");
        renewal.stop();
        let known = renewal.levels().expect("levels");
        assert!((known[1] - 4.0).abs() < 1e-9 && known[0] == 0.0, "{known:?}");
        run(&mut renewal, -3.0);
        renewal.reject();
        renewal.stop();
        assert_eq!(renewal.levels(), Some(known));
        run(&mut renewal, 2.9);
        renewal.stop();
        assert!((renewal.levels().expect("levels")[1] - 3.5).abs() < 1e-9);
    }
}
