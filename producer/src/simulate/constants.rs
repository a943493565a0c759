use super::random::{Random, Stream};

/// What makes a machine itself: drawn once from its seed and id.
#[derive(Debug, Clone)]
pub(super) struct Constants {
    /// Degrees Celsius, at rest load.
    pub temperature: f64,
    /// Millimetres a second.
    pub vibration: f64,
    /// Bar, the pump's head without flow.
    pub head: f64,
    /// Litres a minute.
    pub flow: f64,
    /// Kilowatts.
    pub power: f64,
    /// Percent, after a refill.
    pub oil: f64,
    /// Degrees Celsius.
    pub bearing: f64,
    /// Degrees Celsius, mm/s, L/min, kW and degrees Celsius per unit of load.
    pub load_temperature: f64,
    pub load_vibration: f64,
    pub load_flow: f64,
    pub load_power: f64,
    pub load_bearing: f64,
    /// Percent of oil lost in a running hour.
    pub drain: f64,
    /// How strongly shifts are felt.
    pub shift: f64,
    /// Sine and cosine of the seasonal phase.
    pub season: (f64, f64),
    /// Period of a motor failure's oscillation, minutes.
    pub oscillation: f64,
}

impl Constants {
    pub fn draw(seed: u64, machine_id: &str) -> Self {
        let mut random = Random::new(seed, machine_id, Stream::Constants, 0);
        let mut around = |middle: f64, spread: f64| random.uniform(middle - spread, middle + spread);
        let mut constants = Self {
            temperature: around(72.5, 3.0),
            vibration: around(4.4, 0.7),
            head: around(8.5, 0.25),
            flow: around(200.0, 4.0),
            power: around(50.0, 1.0),
            oil: around(92.0, 1.0),
            bearing: around(80.0, 2.5),
            load_temperature: 5.0 * around(1.0, 0.15),
            load_vibration: 0.8 * around(1.0, 0.15),
            load_flow: 11.0 * around(1.0, 0.15),
            load_power: 3.0 * around(1.0, 0.15),
            load_bearing: 1.2 * around(1.0, 0.15),
            drain: 0.045 * around(1.0, 0.2),
            shift: around(1.0, 0.2),
            season: (0.0, 1.0),
            oscillation: around(40.0, 20.0),
        };
        let phase = random.uniform(0.0, std::f64::consts::TAU);
        constants.season = (libm::sin(phase), libm::cos(phase));
        constants
    }
}
