use std::collections::VecDeque;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::extremes::{End, Extremes};
use super::moments::Moments;
use super::packed::{pack, unpack};

/// Beyond this a square overflows; such a value counts as missing, as NaN does.
const LARGEST: f64 = 1e150;

/// What a window says of one sensor, in the sensor's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stats {
    /// Values in the window.
    pub count: u32,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, of a sample; `None` below two values.
    pub deviation: Option<f64>,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// The newest by event time.
    pub last: f64,
    /// From the oldest to the newest, per second of event time; `None` where both have the same time.
    pub rate: Option<f64>,
}

/// The samples of one sensor in a window, by time, and what follows from them.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    samples: VecDeque<(i64, f64)>,
    lowest: Extremes,
    highest: Extremes,
    moments: Moments,
}

/// A series as it is kept: the extremes follow from the samples, the sums do not to the last bit.
#[derive(Serialize, Deserialize)]
struct Saved {
    samples: Vec<u8>,
    moments: Moments,
}

impl Serialize for Series {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Saved { samples: pack(&self.samples), moments: self.moments.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Series {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Saved { samples, moments } = Saved::deserialize(deserializer)?;
        let samples = unpack(&samples).ok_or_else(|| serde::de::Error::custom("its samples are damaged"))?;
        if moments.count() as usize != samples.len() {
            return Err(serde::de::Error::custom("its sums are of another number of samples"));
        }
        let mut series = Self { moments, ..Self::default() };
        for (time, value) in &samples {
            series.lowest.add(End::Lowest, *time, *value);
            series.highest.add(End::Highest, *time, *value);
        }
        series.samples = samples;
        Ok(series)
    }
}

impl Series {
    pub fn counts(value: f64) -> bool {
        value.abs() <= LARGEST
    }

    /// A late sample costs as many steps as there are newer ones.
    pub fn add(&mut self, time: i64, value: f64) {
        let newer = self.samples.iter().rev().take_while(|sample| sample.0 > time).count();
        match newer {
            0 => self.samples.push_back((time, value)),
            _ => self.samples.insert(self.samples.len() - newer, (time, value)),
        }
        self.lowest.add(End::Lowest, time, value);
        self.highest.add(End::Highest, time, value);
        self.moments.add(value);
        self.mend();
    }

    pub fn remove_oldest(&mut self) {
        let Some((time, value)) = self.samples.pop_front() else { return };
        self.lowest.remove(time, value);
        self.highest.remove(time, value);
        self.moments.remove(value);
        self.mend();
    }

    fn mend(&mut self) {
        if !self.moments.is_sound() {
            self.moments = Moments::of(self.samples.iter().map(|sample| sample.1));
        }
    }

    pub fn len(&self) -> usize {
        self.samples.len()
    }

    pub fn oldest(&self) -> Option<i64> {
        self.samples.front().map(|sample| sample.0)
    }

    pub fn stats(&self) -> Option<Stats> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let seconds = last.0.saturating_sub(first.0) as f64 / 1000.0;
        Some(Stats {
            count: self.moments.count(),
            mean: self.moments.mean(),
            deviation: self.moments.deviation(),
            min: self.lowest.value()?,
            max: self.highest.value()?,
            last: last.1,
            rate: (seconds > 0.0).then(|| (last.1 - first.1) / seconds),
        })
    }
}
