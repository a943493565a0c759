use super::act::{Cause, Course};
use super::constants::Constants;
use super::random::Random;

/// The five ways in which a machine fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Vibration and bearing temperature rise.
    BearingFailure,
    /// Pressure and flow fall, power rises.
    PumpFailure,
    /// Temperature and power rise.
    Overheating,
    /// Oil is lost, temperature rises.
    OilLeak,
    /// Power, vibration and temperature rise, the first two oscillating.
    MotorFailure,
}

impl FailureKind {
    /// All kinds, with their share of automatic failures.
    const SHARES: [(Self, f64); 5] = [
        (Self::BearingFailure, 0.30),
        (Self::PumpFailure, 0.25),
        (Self::Overheating, 0.20),
        (Self::OilLeak, 0.15),
        (Self::MotorFailure, 0.10),
    ];

    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::BearingFailure, Self::PumpFailure, Self::Overheating, Self::OilLeak, Self::MotorFailure];

    /// The name in labels and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BearingFailure => "bearing_failure",
            Self::PumpFailure => "pump_failure",
            Self::Overheating => "overheating",
            Self::OilLeak => "oil_leak",
            Self::MotorFailure => "motor_failure",
        }
    }

    fn draw(random: &mut Random) -> Self {
        Self::at_share(random.uniform(0.0, 1.0))
    }

    /// The kind at a place between 0 and 1, where each has its share of automatic failures.
    pub fn at_share(place: f64) -> Self {
        let mut rest = place;
        for (kind, share) in Self::SHARES {
            rest -= share;
            if rest < 0.0 {
                return kind;
            }
        }
        Self::MotorFailure
    }

    /// The shape that most failures of this kind have.
    const fn usual_shape(self) -> Shape {
        match self {
            Self::BearingFailure | Self::Overheating => Shape::Exponential,
            Self::PumpFailure | Self::OilLeak => Shape::Linear,
            Self::MotorFailure => Shape::Oscillating,
        }
    }

    fn draw_shape(self, random: &mut Random) -> Shape {
        let first = random.uniform(0.0, 1.0) < 0.6;
        match self {
            Self::BearingFailure | Self::Overheating if first => Shape::Exponential,
            Self::PumpFailure | Self::OilLeak if !first => Shape::Steps,
            Self::MotorFailure => Shape::Oscillating,
            _ => Shape::Linear,
        }
    }
}

/// How severity grows from 0 to 1 over an episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Evenly.
    Linear,
    /// Slowly at first: (e^4x - 1) / (e^4 - 1).
    Exponential,
    /// .2, .5, .8 in thirds, then 1.
    Steps,
    /// Evenly, with the machine's oscillation upon it.
    Oscillating,
    /// The same severity all the time. In percent, so that a failure takes 16 bytes.
    Steady {
        /// 1 to 100.
        percent: u8,
    },
}

impl Shape {
    /// Severity after a share `x` (0 and up) of the time to full severity.
    pub fn severity(self, x: f64) -> f64 {
        let x = x.clamp(0.0, 1.0);
        match self {
            Self::Linear | Self::Oscillating => x,
            Self::Steady { percent } => f64::from(percent) / 100.0,
            Self::Exponential => libm::expm1(4.0 * x) / libm::expm1(4.0),
            Self::Steps if x >= 1.0 => 1.0,
            Self::Steps => [0.2, 0.5, 0.8][(x * 3.0) as usize],
        }
    }
}

/// One episode of a failure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Failure {
    /// Which failure.
    pub kind: FailureKind,
    /// How its severity grows.
    pub shape: Shape,
    /// Event time at which it begins, milliseconds.
    pub start: i64,
    /// Time to full severity, milliseconds.
    pub growth: u32,
    /// Why it began.
    pub cause: Cause,
}

const HOUR: f64 = 3_600_000.0;

impl Failure {
    /// The automatic failure of one stream hour, if the hour has one: `rate` is its probability.
    pub fn draw(random: &mut Random, rate: f64, hour_start: i64) -> Option<Self> {
        if random.uniform(0.0, 1.0) >= rate {
            return None;
        }
        let start = hour_start + random.uniform(0.0, HOUR) as i64;
        let kind = FailureKind::draw(random);
        let growth = random.uniform(2.0 * HOUR, 24.0 * HOUR) as u32;
        let shape = kind.draw_shape(random);
        Some(Self { kind, shape, start, growth, cause: Cause::Automatic })
    }

    /// One that is made to happen.
    pub(super) fn injected(kind: FailureKind, course: Course, start: i64, cause: Cause) -> Self {
        let (shape, growth) = match course {
            Course::Growing { hours } => (kind.usual_shape(), (hours * HOUR) as u32),
            Course::Fixed { severity } => {
                (Shape::Steady { percent: (severity * 100.0).round().clamp(1.0, 100.0) as u8 }, 0)
            }
        };
        Self { kind, shape, start, growth: growth.max(1), cause }
    }

    /// Severity at an event time, from 0 to 1, where it stays.
    pub fn severity(&self, now: i64) -> f64 {
        if now < self.start {
            0.0
        } else {
            self.shape.severity((now - self.start) as f64 / f64::from(self.growth))
        }
    }

    /// What the failure adds at smoothed severity `q`, where oil would stand at `oil` percent.
    pub(super) fn effects(&self, c: &Constants, q: f64, oil: f64, now: i64) -> Effects {
        const G: f64 = 1.10;
        let mut e = Effects::default();
        match self.kind {
            FailureKind::BearingFailure => {
                e.vibration = G * (11.85 - c.vibration) * q;
                e.bearing = G * (105.0 - c.bearing) * q;
            }
            FailureKind::PumpFailure => {
                e.power = G * (65.0 - c.power) * q;
                e.flow = -0.19 * q;
                e.head = -2.9 * q;
            }
            FailureKind::Overheating => {
                e.temperature = G * (95.0 - c.temperature) * q;
                e.power = 9.0 * q;
            }
            FailureKind::OilLeak => {
                e.oil = -G * (oil.max(62.0) - 60.0) * q;
                e.temperature = 10.0 * q;
            }
            FailureKind::MotorFailure => {
                let minutes = (now - self.start) as f64 / 60_000.0;
                let osc = libm::sin(std::f64::consts::TAU * minutes / c.oscillation);
                e.power = (10.0 + 5.75 * osc) * q;
                e.vibration = (5.0 + 2.9 * osc) * q;
                e.temperature = 15.0 * q;
            }
        }
        e
    }
}

/// What a failure adds to a running machine.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Effects {
    /// Degrees Celsius.
    pub temperature: f64,
    /// Millimetres a second.
    pub vibration: f64,
    /// Bar, on the pump's head.
    pub head: f64,
    /// A share of the flow.
    pub flow: f64,
    /// Kilowatts.
    pub power: f64,
    /// Percent of the oil.
    pub oil: f64,
    /// Degrees Celsius.
    pub bearing: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::random::Stream;

    #[test]
    fn every_shape_grows_from_its_start_to_full_severity_and_stays() {
        for shape in [Shape::Linear, Shape::Exponential, Shape::Steps, Shape::Oscillating] {
            let values: Vec<f64> = (0..=120).map(|i| shape.severity(f64::from(i) / 100.0)).collect();
            assert!(values.windows(2).all(|pair| pair[0] <= pair[1]), "{shape:?} falls");
            assert_eq!(values[100..], [1.0; 21], "{shape:?}");
        }
        assert_eq!([0.0, 0.34, 0.67].map(|x| Shape::Steps.severity(x)), [0.2, 0.5, 0.8]);
    }

    #[test]
    fn automatic_failures_have_the_documented_rate_shares_and_growth() {
        let hours = 200_000;
        let drawn: Vec<Failure> = (0..hours)
            .filter_map(|h| {
                let mut random = Random::new(3, "MACHINE_001", Stream::Failures, h);
                Failure::draw(&mut random, 0.1, 0)
            })
            .collect();
        let share = |count: usize, of: usize| count as f64 / of as f64;
        assert!((share(drawn.len(), hours as usize) - 0.1).abs() < 0.004);
        for (kind, expected) in FailureKind::SHARES {
            let of_kind = drawn.iter().filter(|f| f.kind == kind).count();
            assert!((share(of_kind, drawn.len()) - expected).abs() < 0.015, "{kind:?}");
        }
        assert!(drawn.iter().all(|f| (2.0 * HOUR..24.0 * HOUR).contains(&f64::from(f.growth))));
        assert!(drawn.iter().all(|f| (0..3_600_000).contains(&f.start)));
    }
}
