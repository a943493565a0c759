//! Readings averaged to minutes of event time.

use serde::{Deserialize, Serialize};

use crate::methods::residual::{Minute, SENSORS, Sensors};

/// Averages one machine's readings, which come in order of time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Averager {
    minute: Option<i64>,
    maintained: bool,
    sums: Sensors,
    counts: [u32; SENSORS],
}

impl Averager {
    /// Takes in a reading of this time (milliseconds since 1970); gives the minute before once it is over. A
    /// reading older than its minute counts in the present one.
    pub fn add(&mut self, time: i64, maintained: bool, sensors: &Sensors) -> Option<Minute> {
        let minute = time.div_euclid(60_000);
        let done = if self.minute.is_some_and(|present| minute > present) { self.take() } else { None };
        self.minute.get_or_insert(minute);
        self.maintained |= maintained;
        for ((sum, count), value) in self.sums.iter_mut().zip(&mut self.counts).zip(sensors) {
            if value.is_finite() {
                *sum += value;
                *count += 1;
            }
        }
        done
    }

    /// Whether a reading of this time is of a minute that is over.
    pub fn is_over(&self, time: i64) -> bool {
        self.minute.is_some_and(|present| time.div_euclid(60_000) < present)
    }

    /// The minute in progress, at the end of the input.
    pub fn finish(mut self) -> Option<Minute> {
        self.take()
    }

    fn take(&mut self) -> Option<Minute> {
        let done = std::mem::take(self);
        // No value at all is 0 / 0: missing.
        let sensors = std::array::from_fn(|sensor| done.sums[sensor] / f64::from(done.counts[sensor]));
        Some(Minute { minute: done.minute?, maintained: done.maintained, sensors })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_the_mean_of_what_was_there_and_ends_with_the_next() {
        let mut averager = Averager::default();
        assert_eq!(averager.add(0, false, &[1.0; SENSORS]), None);
        let mut second = [3.0; SENSORS];
        second[1] = f64::NAN;
        second[2] = f64::INFINITY;
        assert_eq!(averager.add(30_000, false, &second), None);
        let minute = averager.add(180_000, true, &[f64::NAN; SENSORS]).expect("a minute");
        assert_eq!((minute.minute, minute.maintained), (0, false));
        assert_eq!(minute.sensors[..3], [2.0, 1.0, 1.0]);
        let last = averager.finish().expect("a minute");
        assert!(last.maintained && last.minute == 3 && last.sensors[0].is_nan());
    }
}
