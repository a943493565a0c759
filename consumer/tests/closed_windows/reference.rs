//! Closed windows the slow, obvious way: everything is kept, and after each reading all machines and all windows
//! are gone through. It knows no leaps of clocks.

use std::collections::{BTreeMap, BTreeSet};

use millrace_schemas::reading::SENSORS;
use millrace_schemas::{Sensor, SensorStats, WindowStats};

use super::{Arrival, Outcome, Rule};

/// Five minutes.
const GRACE: i64 = 300_000;

pub struct Reference {
    rule: Rule,
    taken: Vec<Taken>,
    machines: BTreeMap<&'static str, Machine>,
    closed: Vec<WindowStats>,
}

/// A reading, the ends of its windows that were open when it came, and the machine's newest time then.
struct Taken {
    arrival: Arrival,
    ends: BTreeSet<i64>,
    newest: i64,
}

struct Machine {
    newest: i64,
    /// Windows that end here or before are closed.
    horizon: i64,
    /// The partition's clock when it sent last.
    seen: Option<i64>,
}

impl Reference {
    pub fn run(rule: Rule, arrivals: &[Arrival]) -> Outcome {
        let mut all = Self { rule, taken: Vec::new(), machines: BTreeMap::new(), closed: Vec::new() };
        let mut aside = Vec::new();
        for (place, arrival) in arrivals.iter().enumerate() {
            all.take(*arrival);
            if all.taken[place].ends.is_empty() {
                aside.push(place);
            }
        }
        (all.closed, aside)
    }

    /// From the third reading and the second machine on.
    fn clock(&self) -> Option<i64> {
        (self.machines.len() > 1 && self.taken.len() > 2)
            .then(|| self.machines.values().map(|machine| machine.newest).max())
            .flatten()
    }

    fn take(&mut self, arrival: Arrival) {
        let (name, time, _) = arrival;
        let had_clock = self.clock().is_some();
        let new = Machine { newest: time, horizon: i64::MIN, seen: None };
        let machine = self.machines.entry(name).or_insert(new);
        let is_first = !self.taken.iter().any(|taken| taken.arrival.0 == name);
        machine.newest = machine.newest.max(time);
        let newest = machine.newest;
        if !is_first {
            self.close(name, newest - self.rule.lateness);
        }
        let horizon = self.machines[name].horizon;
        let is_open = |end: &i64| (end - self.rule.size).rem_euclid(self.rule.hop) == 0 && *end > horizon;
        let ends = (time + 1..=time + self.rule.size).filter(is_open).collect();
        self.taken.push(Taken { arrival, ends, newest });
        self.see(name, had_clock);
    }

    fn see(&mut self, name: &str, had_clock: bool) {
        let Some(now) = self.clock() else { return };
        for (other, machine) in &mut self.machines {
            if *other == name || !had_clock {
                machine.seen = Some(now);
            }
        }
        let begin = self.closed.len();
        let names: Vec<&'static str> = self.machines.keys().copied().collect();
        for name in names {
            let is_idle = self.machines[name].seen.is_some_and(|seen| now >= seen + GRACE);
            let passed = |end: &i64| *end + self.rule.lateness + GRACE <= now;
            let last = self.open(name).into_iter().rfind(passed);
            if let Some(last) = last.filter(|_| is_idle) {
                self.close(name, last);
            }
        }
        self.closed[begin..].sort_by_key(|window| (window.window_end, window.machine_id.clone()));
    }

    /// Ends of windows of a machine that have readings and are not closed.
    fn open(&self, name: &str) -> BTreeSet<i64> {
        let own = self.taken.iter().filter(|taken| taken.arrival.0 == name);
        own.flat_map(|taken| &taken.ends).copied().filter(|end| *end > self.machines[name].horizon).collect()
    }

    fn close(&mut self, name: &'static str, horizon: i64) {
        for end in self.open(name).into_iter().filter(|end| *end <= horizon) {
            self.closed.push(self.window(name, end));
        }
        let machine = self.machines.get_mut(name).expect("it has sent");
        machine.horizon = machine.horizon.max(horizon);
    }

    fn window(&self, name: &str, end: i64) -> WindowStats {
        let own = self.taken.iter().filter(|taken| taken.arrival.0 == name && taken.ends.contains(&end));
        let own: Vec<&Taken> = own.collect();
        let mut samples: Vec<(i64, f64)> =
            own.iter().filter_map(|taken| Some((taken.arrival.1, taken.arrival.2?))).collect();
        samples.sort_by_key(|sample| sample.0);
        let mut sensors = [None; SENSORS];
        sensors[Sensor::Temperature as usize] = stats(&samples);
        WindowStats {
            machine_id: name.to_owned(),
            window_start: end - self.rule.size,
            window_end: end,
            count: own.len() as i64,
            late: own.iter().filter(|taken| end <= taken.newest).count() as i64,
            ..WindowStats::default()
        }
        .with_sensors(sensors)
    }
}

fn stats(samples: &[(i64, f64)]) -> Option<SensorStats> {
    let (first, last) = (samples.first()?, samples.last()?);
    let values = || samples.iter().map(|sample| sample.1);
    let count = samples.len() as f64;
    let mean = values().sum::<f64>() / count;
    let squares: f64 = values().map(|value| (value - mean).powi(2)).sum();
    let seconds = (last.0 - first.0) as f64 / 1000.0;
    Some(SensorStats {
        count: samples.len() as i64,
        mean,
        deviation: (samples.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
        min: values().fold(f64::INFINITY, f64::min),
        max: values().fold(f64::NEG_INFINITY, f64::max),
        first: first.1,
        last: last.1,
        rate: (seconds > 0.0).then(|| (last.1 - first.1) / seconds),
    })
}
