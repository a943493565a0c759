use std::f64::consts::TAU;

use super::clock::Clock;

/// What all machines share at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tick {
    /// Event time, milliseconds.
    pub timestamp: i64,
    /// Load that the shift asks for.
    pub shift: f64,
    /// Daily part of the ambient temperature, degrees Celsius.
    daily: f64,
    /// Sine and cosine of the day of the year.
    season: (f64, f64),
}

impl Tick {
    pub fn at(timestamp: i64) -> Self {
        let days = timestamp as f64 / 86_400_000.0;
        let day = timestamp.div_euclid(86_400_000);
        let hour = timestamp.rem_euclid(86_400_000) as f64 / 3_600_000.0;
        // 1970-01-01 was a Thursday.
        let weekend = (day + 3).rem_euclid(7) >= 5;
        let shift = match hour {
            _ if weekend => -0.2,
            6.0..14.0 => 0.42,
            14.0..22.0 => 0.22,
            _ => -0.33,
        };
        let season = TAU * days / 365.0;
        Self {
            timestamp,
            shift,
            daily: libm::sin(TAU * (hour - 9.0) / 24.0),
            season: (libm::sin(season), libm::cos(season)),
        }
    }

    /// Ambient temperature's deviation for a machine whose seasonal phase has this sine and cosine,
    /// degrees Celsius. The sum formula spares a sine per machine.
    pub fn ambient(&self, phase: (f64, f64)) -> f64 {
        self.daily + 1.5 * (self.season.0 * phase.1 + self.season.1 * phase.0)
    }
}

/// Exact gains of every first-order lag for one sampling interval: 1 - exp(-dt/T).
#[derive(Debug, Clone, Copy)]
pub(super) struct Gains {
    pub shift: f64,
    pub on: f64,
    pub severity: f64,
    pub warming: f64,
    pub cooling: f64,
    pub bearing_warming: f64,
    pub bearing_cooling: f64,
    /// What remains of the run-in after the interval.
    pub run_in: f64,
    /// Wear in one interval.
    pub wear: f64,
    /// The interval in hours.
    pub hours: f64,
    /// Decay and innovation of the sensors' unit-variance noise, and of the load's wandering.
    pub drift: (f64, f64),
    pub wander: (f64, f64),
}

impl Gains {
    pub fn new(clock: &Clock) -> Self {
        let dt = clock.step_minutes();
        let gain = |t: f64| -libm::expm1(-dt / t);
        let noise = |t: f64, sd: f64| (libm::exp(-dt / t), sd * libm::sqrt(-libm::expm1(-2.0 * dt / t)));
        Self {
            shift: gain(10.0),
            on: gain(4.0),
            severity: gain(5.0),
            warming: gain(25.0),
            cooling: gain(60.0),
            bearing_warming: gain(15.0),
            bearing_cooling: gain(50.0),
            run_in: libm::exp(-dt / 60.0),
            wear: dt / (9.0 * 1440.0),
            hours: dt / 60.0,
            drift: noise(9.5, 1.0),
            wander: noise(90.0, 0.27),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-05T00:00:00Z, a Monday.
    const MONDAY: i64 = 1_767_571_200_000;
    const HOUR: i64 = 3_600_000;

    #[test]
    fn shifts_follow_the_clock_and_weekends_have_one_of_their_own() {
        let shift = |hours: i64| Tick::at(MONDAY + hours * HOUR).shift;
        assert_eq!([5, 6, 14, 22].map(shift), [-0.33, 0.42, 0.22, -0.33]);
        assert_eq!([4 * 24 + 23, 5 * 24, 7 * 24 - 1, 7 * 24].map(shift), [-0.33, -0.2, -0.2, -0.33]);
    }

    #[test]
    fn two_short_steps_gain_as_much_as_one_of_twice_the_length() {
        let short = Gains::new(&Clock { start: 0, rate: 1.0 });
        let long = Gains::new(&Clock { start: 0, rate: 0.5 });
        assert!(((1.0 - short.warming).powi(2) - (1.0 - long.warming)).abs() < 1e-12);
        assert!((short.drift.0.powi(2) - long.drift.0).abs() < 1e-12);
    }
}
