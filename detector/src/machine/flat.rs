use serde::{Deserialize, Serialize};

use super::course::{Episode, Found};
use super::gate::Passage;
use super::judging::FLAT_LINE;
use crate::alert::Evidence;
use crate::methods::residual::{Minute, SENSORS, Sensors};

/// Minutes in a row without any change that make a sensor of a running machine stuck: its noise alone moves it.
const STUCK: u32 = 30;

/// Watches for sensors that show the same value for ever: a flat line is an alert of its own, whatever the method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Flat {
    last: Sensors,
    /// Whether the sensor has moved in the present minute.
    moved: [bool; SENSORS],
    /// Whether it has shown a value in it.
    shown: [bool; SENSORS],
    /// Minutes in a row without a change.
    still: [u32; SENSORS],
    since: [i64; SENSORS],
    episode: Option<Episode>,
}

impl Default for Flat {
    fn default() -> Self {
        Self {
            last: [f64::NAN; SENSORS],
            moved: [false; SENSORS],
            shown: [false; SENSORS],
            still: [0; SENSORS],
            since: [0; SENSORS],
            episode: None,
        }
    }
}

impl Flat {
    /// Takes in a reading of the present minute; a missing value says nothing.
    pub fn note(&mut self, sensors: &Sensors) {
        for (sensor, value) in sensors.iter().enumerate().filter(|(_, value)| value.is_finite()) {
            self.moved[sensor] |= self.last[sensor] != *value;
            self.shown[sensor] = true;
            self.last[sensor] = *value;
        }
    }

    /// Judges a minute that is over. A machine that stands still may well show the same.
    pub fn judge(&mut self, minute: &Minute, passage: Passage) -> Option<Found> {
        let (moved, shown) = (std::mem::take(&mut self.moved), std::mem::take(&mut self.shown));
        for sensor in 0..SENSORS {
            if moved[sensor] || passage == Passage::Closed {
                self.still[sensor] = 0;
            } else if shown[sensor] {
                self.since[sensor] = if self.still[sensor] == 0 { minute.minute } else { self.since[sensor] };
                self.still[sensor] += 1;
            }
        }
        const MILLISECONDS: i64 = 60_000;
        let moment = minute.minute * MILLISECONDS;
        let stuck = (0..SENSORS).filter(|sensor| self.still[*sensor] >= STUCK);
        match (stuck.max_by_key(|sensor| self.still[*sensor]), &self.episode) {
            (Some(sensor), None) => {
                let from = self.since[sensor] * MILLISECONDS;
                let mut shares = vec![0.0; SENSORS];
                shares[sensor] = 1.0;
                let score = f64::from(self.still[sensor]) / f64::from(STUCK);
                let evidence =
                    Evidence { score, threshold: 1.0, shares, sensor, failure: None, severity: None };
                Some(Episode::open(&mut self.episode, FLAT_LINE, moment, from, evidence))
            }
            (None, Some(_)) => Episode::close(&mut self.episode, FLAT_LINE, moment),
            _ => None,
        }
    }

    pub fn episodes(&self) -> impl Iterator<Item = &Episode> {
        self.episode.iter()
    }
}
