use millrace_schemas::reading::SENSORS;

use super::constants::Constants;
use super::failure::Effects;
use super::random::{Random, Stream, Ziggurat};
use super::schedule::{Events, Key, MaintenancePlan, Schedule};
use super::tick::{Gains, Tick};

/// One machine: its constants, its noise and its state. At most 448 bytes, so a large fleet stays in cache.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub id: Box<str>,
    constants: Constants,
    schedule: Schedule,
    noise: Random,
    /// Correlated part of each sensor's noise, in standard deviations.
    drift: [f64; SENSORS],
    /// Load that the shift asks for, and the load's own wandering.
    shift: f64,
    wander: f64,
    /// 1 running, 0 standing.
    on: f64,
    wear: f64,
    run_in: f64,
    oil: f64,
    temperature: f64,
    bearing: f64,
    /// Severity as the machine feels it, five minutes behind.
    severity: f64,
}

/// Standard deviation of each sensor's noise, in its unit.
const SIGMA: [f64; SENSORS] = [0.7, 0.4, 0.10, 1.6, 0.45, 0.45, 0.7];
/// Below this severity a cleared failure is forgotten.
const FADED: f64 = 1e-6;

/// How far wear and oil go between two maintenances.
#[derive(Debug, Clone, Copy)]
struct Neglect {
    wear: f64,
    /// Percent.
    oil: f64,
}

impl Neglect {
    /// Without maintenance both stop where a neglected machine still runs in health.
    fn under(events: &Events) -> Self {
        match events.maintenance {
            MaintenancePlan::Never => Self { wear: 1.0, oil: 80.0 },
            MaintenancePlan::Own | MaintenancePlan::Every(_) => Self { wear: f64::INFINITY, oil: 0.0 },
        }
    }
}

impl Machine {
    pub fn new(id: &str, key: Key<'_>, events: &Events, first: &Tick) -> Self {
        let constants = Constants::draw(key.seed, id);
        let mut noise = Random::new(key.seed, id, Stream::Noise, 0);
        let drift = std::array::from_fn(|_| noise.normal(Ziggurat::tables()));
        Self {
            id: id.into(),
            schedule: Schedule::new(key, events),
            noise,
            drift,
            shift: first.shift,
            wander: 0.0,
            on: 1.0,
            wear: 0.3,
            run_in: 0.0,
            oil: constants.oil - 2.0,
            temperature: constants.temperature,
            bearing: constants.bearing,
            severity: 0.0,
            constants,
        }
    }

    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    pub fn schedule_mut(&mut self) -> &mut Schedule {
        &mut self.schedule
    }

    /// Lives through one sampling interval and reads the sensors, unrounded, in their units.
    pub fn sample(
        &mut self,
        tick: &Tick,
        gains: &Gains,
        events: &Events,
        key: (u64, i64),
        tables: &Ziggurat,
    ) -> [f64; SENSORS] {
        let key = Key { seed: key.0, machine_id: &self.id, start: key.1 };
        if self.schedule.advance(tick.timestamp, key, events).restarted {
            self.wear = 0.0;
            self.run_in = 1.0;
            self.oil = self.constants.oil;
        }
        let noise: [f64; SENSORS + 1] = std::array::from_fn(|_| self.noise.normal(tables));
        let load = self.load(tick, gains, noise[SENSORS]);
        let effects = self.effects(tick, gains);
        self.live(tick, gains, Neglect::under(events), load, &effects);
        let mut values = self.read(load, &effects);
        for ((value, drift), (noise, sigma)) in
            values.iter_mut().zip(&mut self.drift).zip(noise.iter().zip(SIGMA))
        {
            *drift = gains.drift.0 * *drift + gains.drift.1 * noise;
            *value += sigma * (0.8 * *drift + 0.45 * noise);
        }
        for sensor in [1, 2, 3, 4] {
            values[sensor] = values[sensor].max(0.0);
        }
        values
    }

    fn load(&mut self, tick: &Tick, gains: &Gains, noise: f64) -> f64 {
        self.shift += (tick.shift - self.shift) * gains.shift;
        self.wander = gains.wander.0 * self.wander + gains.wander.1 * noise;
        self.constants.shift * self.shift + self.wander
    }

    fn effects(&mut self, tick: &Tick, gains: &Gains) -> Effects {
        let now = tick.timestamp;
        let Some(failure) = self.schedule.showing().copied() else { return Effects::default() };
        let target = self.schedule.in_progress().map_or(0.0, |f| f.severity(now));
        self.severity += (target - self.severity) * gains.severity;
        if target == 0.0 && self.severity < FADED {
            self.severity = 0.0;
            self.schedule.forget_faded();
        }
        failure.effects(&self.constants, self.severity, self.oil, now)
    }

    fn live(&mut self, tick: &Tick, gains: &Gains, neglect: Neglect, load: f64, effects: &Effects) {
        let c = &self.constants;
        let ambient = tick.ambient(c.season);
        let running = !self.schedule.in_maintenance();
        self.on += (f64::from(u8::from(running)) - self.on) * gains.on;
        if running {
            self.run_in *= gains.run_in;
            self.wear = (self.wear + gains.wear).min(neglect.wear);
            self.oil = (self.oil - c.drain * gains.hours * (1.0 + 0.3 * load)).max(neglect.oil);
            let warm = c.temperature + c.load_temperature * load + ambient + effects.temperature;
            self.temperature += (warm - self.temperature) * gains.warming;
            let bearing = c.bearing
                + 0.6 * (self.temperature - c.temperature)
                + c.load_bearing * load
                + effects.bearing;
            self.bearing += (bearing - self.bearing) * gains.bearing_warming;
        } else {
            self.temperature += (22.0 + ambient - self.temperature) * gains.cooling;
            self.bearing += (22.0 + ambient - self.bearing) * gains.bearing_cooling;
        }
    }

    /// What the sensors would show without noise.
    fn read(&self, load: f64, effects: &Effects) -> [f64; SENSORS] {
        let c = &self.constants;
        let on = self.on;
        let flow = on * (c.flow + c.load_flow * load) * (1.0 + effects.flow);
        let pressure = on * on * (c.head + effects.head) - 7.5e-5 * flow * flow;
        let power = 0.5 + on * (c.power - 0.5 + c.load_power * load + effects.power);
        let shaking = c.vibration - 0.2 + c.load_vibration * load + 0.5 * self.wear + 0.8 * self.run_in;
        let vibration = 0.2 + on * (shaking + effects.vibration);
        let oil = self.oil - 0.5 * load * on + effects.oil;
        [self.temperature, vibration, pressure, flow, power, oil, self.bearing]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Clock;

    #[test]
    fn a_machine_takes_at_most_448_bytes() {
        assert!(size_of::<Machine>() + 64 <= 448, "{}", size_of::<Machine>());
    }

    #[test]
    fn severity_always_fades_while_no_failure_is_in_progress() {
        let events = Events::new(1.0, MaintenancePlan::Every(7200.0));
        let clock = Clock { start: 0, rate: 1.0 / 60.0 };
        let key = Key { seed: 4, machine_id: "MACHINE_001", start: 0 };
        let mut machine = Machine::new("MACHINE_001", key, &events, &Tick::at(0));
        let gains = Gains::new(&clock);
        let mut faded = 0;
        for tick in 0..20 * 1440 {
            let before = machine.severity;
            machine.sample(&Tick::at(clock.timestamp(tick)), &gains, &events, (4, 0), Ziggurat::tables());
            if machine.schedule.in_progress().is_none() {
                assert!(machine.severity <= before * (1.0 - gains.severity) + 1e-12, "{before} at {tick}");
                faded += 1;
            }
        }
        assert!(faded > 1000, "{faded}");
    }

    #[test]
    fn wear_and_oil_stop_only_where_there_is_no_maintenance() {
        let after_30_days = |maintenance| {
            let events = Events::new(0.0, maintenance);
            let clock = Clock { start: 0, rate: 1.0 / 60.0 };
            let key = Key { seed: 4, machine_id: "MACHINE_001", start: 0 };
            let mut machine = Machine::new("MACHINE_001", key, &events, &Tick::at(0));
            for tick in 0..30 * 1440 {
                let tick = Tick::at(clock.timestamp(tick));
                machine.sample(&tick, &Gains::new(&clock), &events, (4, 0), Ziggurat::tables());
            }
            (machine.wear, machine.oil)
        };
        assert_eq!(after_30_days(MaintenancePlan::Never), (1.0, 80.0));
        let (wear, oil) = after_30_days(MaintenancePlan::Every(1e7));
        assert!(wear > 3.0 && (40.0..75.0).contains(&oil), "{wear} {oil}");
    }
}
