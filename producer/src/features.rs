//! Derives features: what follows from a reading alone, and rolling statistics.

use chrono::{DateTime, Datelike, Timelike};
use millrace_schemas::reading::SENSORS;
use millrace_schemas::{Features, Rolling, RollingStats, Sensor, SensorReading};

use crate::simulate::{hundredths, thousandths};

/// Attaches the guide's derived features, keeping the calendar of the last timestamp, which a tick shares.
pub struct FeatureDeriver {
    timestamp: i64,
    calendar: Features,
}

impl FeatureDeriver {
    /// A deriver that has seen nothing yet.
    pub fn new() -> Self {
        Self { timestamp: 0, calendar: calendar(0) }
    }

    /// Features of a reading whose sensors are already rounded.
    pub fn derive(&mut self, reading: &SensorReading<'_>) -> Features {
        if reading.timestamp != self.timestamp {
            self.timestamp = reading.timestamp;
            self.calendar = calendar(reading.timestamp);
        }
        let pressure = reading.sensor(Sensor::Pressure);
        let product = reading.sensor(Sensor::FlowRate).zip(pressure).map(|(f, p)| hundredths(f * p));
        Features {
            temp_pressure_ratio: ratio(reading.sensor(Sensor::Temperature), pressure),
            vibration_power_ratio: ratio(
                reading.sensor(Sensor::Vibration),
                reading.sensor(Sensor::PowerConsumption),
            ),
            flow_pressure_product: product,
            ..self.calendar
        }
    }
}

impl Default for FeatureDeriver {
    fn default() -> Self {
        Self::new()
    }
}

/// Three decimals; missing where either is, or where the divisor is 0, as on a stopped machine.
fn ratio(dividend: Option<f64>, divisor: Option<f64>) -> Option<f64> {
    dividend.zip(divisor).filter(|(_, divisor)| *divisor != 0.0).map(|(a, b)| thousandths(a / b))
}

fn calendar(timestamp: i64) -> Features {
    let Some(time) = DateTime::from_timestamp_millis(timestamp) else { return Features::default() };
    let hour = time.hour() as i32;
    let day_of_week = time.weekday().num_days_from_monday() as i32;
    Features {
        hour,
        day_of_week,
        month: time.month() as i32,
        is_weekend: i32::from(day_of_week >= 5),
        is_night_shift: i32::from(!(6..22).contains(&hour)),
        ..Features::default()
    }
}

/// How many samples rolling statistics look back, this one included.
pub const ROLLING_SAMPLES: usize = 60;

/// One machine's last samples. Values are whole hundredths, so sums are exact and never drift.
#[derive(Clone)]
pub struct RollingWindow {
    values: Box<[[Option<i32>; SENSORS]; ROLLING_SAMPLES]>,
    next: usize,
    sums: [Sums; SENSORS],
}

#[derive(Clone, Copy, Default)]
struct Sums {
    count: i64,
    sum: i64,
    squares: i64,
}

impl RollingWindow {
    /// A window that has seen nothing yet.
    pub fn new() -> Self {
        Self {
            values: Box::new([[None; SENSORS]; ROLLING_SAMPLES]),
            next: 0,
            sums: [Sums::default(); SENSORS],
        }
    }

    /// Takes in a reading and gives the statistics of the window that ends with it.
    pub fn push(&mut self, reading: &SensorReading<'_>) -> Rolling {
        let slot = &mut self.values[self.next];
        self.next = (self.next + 1) % ROLLING_SAMPLES;
        std::array::from_fn(|i| {
            let sums = &mut self.sums[i];
            let value = reading.sensors[i].and_then(whole_hundredths);
            sums.add(slot[i], -1);
            sums.add(value, 1);
            slot[i] = value;
            sums.stats(value)
        })
    }

    /// The statistics as if the reading taken in last had shown this instead; the window stays as it is.
    pub fn with_last(&self, shown: &SensorReading<'_>) -> Rolling {
        let last = &self.values[(self.next + ROLLING_SAMPLES - 1) % ROLLING_SAMPLES];
        std::array::from_fn(|i| {
            let mut sums = self.sums[i];
            let value = shown.sensors[i].and_then(whole_hundredths);
            sums.add(last[i], -1);
            sums.add(value, 1);
            sums.stats(value)
        })
    }
}

fn whole_hundredths(value: f64) -> Option<i32> {
    value.is_finite().then(|| (value * 100.0).round() as i32)
}

impl Default for RollingWindow {
    fn default() -> Self {
        Self::new()
    }
}

impl Sums {
    fn add(&mut self, value: Option<i32>, times: i64) {
        let Some(value) = value.map(i64::from) else { return };
        self.count += times;
        self.sum += times * value;
        self.squares += times * value * value;
    }

    fn stats(&self, value: Option<i32>) -> RollingStats {
        if self.count == 0 {
            return RollingStats::default();
        }
        let (n, mean) = (self.count as f64, self.sum as f64 / self.count as f64);
        // n * squares - sum^2 is exact in whole numbers: no cancellation.
        let spread = (self.count * self.squares - self.sum * self.sum) as f64;
        let std = (self.count > 1).then(|| (spread / (n * (n - 1.0))).sqrt());
        RollingStats {
            mean: Some(thousandths(mean / 100.0)),
            std: std.map(|std| thousandths(std / 100.0)),
            zscore: value
                .zip(std)
                .filter(|(_, std)| *std > 0.0)
                .map(|(value, std)| thousandths((f64::from(value) - mean) / std)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(temperature: Option<f64>) -> SensorReading<'static> {
        let mut sensors = [4.2, 4.2, 5.8, 195.3, 48.7, 87.2, 78.9].map(Some);
        sensors[0] = temperature;
        // 2024-01-15T10:30:00Z, the guide's example.
        SensorReading { timestamp: 1_705_314_600_000, sensors, ..SensorReading::default() }
    }

    #[test]
    fn features_are_those_of_the_guides_example() {
        let features = FeatureDeriver::new().derive(&reading(Some(72.5)));
        let expected = Features {
            hour: 10,
            day_of_week: 0,
            month: 1,
            is_weekend: 0,
            is_night_shift: 0,
            temp_pressure_ratio: Some(12.5),
            vibration_power_ratio: Some(0.086),
            flow_pressure_product: Some(1132.74),
        };
        assert_eq!(features, expected);
    }

    #[test]
    fn nights_and_weekends_are_marked_in_utc() {
        // 2026-01-03T22:00:00Z is a Saturday.
        let night = calendar(1_767_477_600_000);
        assert_eq!((night.day_of_week, night.is_weekend, night.is_night_shift), (5, 1, 1));
        let morning = calendar(1_767_477_600_000 + 8 * 3_600_000);
        assert_eq!((morning.hour, morning.day_of_week, morning.is_night_shift), (6, 6, 0));
    }

    #[test]
    fn a_ratio_with_nothing_below_it_is_missing() {
        assert_eq!(ratio(Some(1.0), Some(0.0)), None);
        assert_eq!(ratio(None, Some(2.0)), None);
    }

    #[test]
    fn rolling_statistics_are_those_of_the_last_60_values() {
        let mut window = RollingWindow::new();
        let values: Vec<f64> = (0..200).map(|i| f64::from((i * 37) % 101) / 100.0 + 70.0).collect();
        for (i, value) in values.iter().enumerate() {
            let got = window.push(&reading(Some(*value)))[0];
            let last = &values[(i + 1).saturating_sub(60)..=i];
            let n = last.len() as f64;
            let mean = last.iter().sum::<f64>() / n;
            let std = (last.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
            assert!((got.mean.expect("a mean") - mean).abs() < 6e-4);
            if i > 0 {
                assert!((got.std.expect("a deviation") - std).abs() < 6e-4);
                assert!((got.zscore.expect("a z-score") - (value - mean) / std).abs() < 6e-4);
            }
        }
    }

    #[test]
    fn what_is_shown_instead_of_the_last_value_counts_once_and_is_not_kept() {
        let (mut window, mut other) = (RollingWindow::new(), RollingWindow::new());
        for i in 0..75 {
            let value = 70.0 + f64::from((i * 37) % 101) / 100.0;
            window.push(&reading(Some(value)));
            let instead = reading(Some(500.0));
            assert_eq!(window.with_last(&instead), other.clone().push(&instead));
            assert_eq!(window.with_last(&reading(None))[0].zscore, None);
            assert_eq!(window.with_last(&reading(Some(value))), other.push(&reading(Some(value))));
        }
    }

    #[test]
    fn missing_values_are_left_out_of_the_window() {
        let mut window = RollingWindow::new();
        assert_eq!(window.push(&reading(None))[0], RollingStats::default());
        assert_eq!(window.push(&reading(Some(70.0)))[0].mean, Some(70.0));
        let third = window.push(&reading(Some(f64::NAN)))[0];
        assert_eq!((third.mean, third.std, third.zscore), (Some(70.0), None, None));
    }
}
