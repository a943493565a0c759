use std::process::Command;

use millrace_core::{Error, Result};
use millrace_producer::report::grouped;

use super::round::{Round, measure, median};

/// One contestant's rounds.
pub(super) struct Contestant {
    name: &'static str,
    /// Its rate in what it prints.
    rate: fn(&str) -> Option<f64>,
    rates: Vec<f64>,
    cpu: Vec<f64>,
    wall: Vec<f64>,
    peak: Vec<f64>,
}

impl Contestant {
    pub fn new(name: &'static str, rate: fn(&str) -> Option<f64>) -> Self {
        Self { name, rate, rates: Vec::new(), cpu: Vec::new(), wall: Vec::new(), peak: Vec::new() }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs a round, and notes it unless it is round 0, which warms the broker up.
    pub fn race(&mut self, round: usize, records: u64, command: Command) -> Result<()> {
        let measured = measure(command)?;
        if round > 0 { self.note(round, records, &measured) } else { Ok(()) }
    }

    fn note(&mut self, round: usize, records: u64, measured: &Round) -> Result<()> {
        let rate = (self.rate)(&measured.printed)
            .ok_or_else(|| Error::failed(format!("{} printed no rate: {}", self.name, measured.printed)))?;
        let cpu = measured.cpu.as_nanos() as f64 / records as f64;
        println!(
            "round {round}  {:<26} {:>11} records/s  {cpu:>6.0} ns CPU a record",
            self.name,
            grouped(rate as u64)
        );
        self.rates.push(rate);
        self.cpu.push(cpu);
        self.wall.push(measured.wall.as_secs_f64());
        self.peak.extend(measured.peak);
        Ok(())
    }
}

/// Prints the medians of both, and of the rounds' ratios, which are called `ratio`.
pub(super) fn table(ours: &Contestant, theirs: &Contestant, ratio_name: &str) {
    rows(&[ours, theirs]);
    ratios(ours, theirs, ratio_name);
}

/// Prints the medians of each, and the most memory that was resident in any of its rounds.
pub(super) fn rows(all: &[&Contestant]) {
    println!(
        "\n{:<26} {:>12} {:>14} {:>11} {:>9}",
        "median", "records/s", "CPU ns/record", "process s", "peak MiB"
    );
    for one in all {
        let (rate, cpu, wall) =
            (median(one.rates.clone()), median(one.cpu.clone()), median(one.wall.clone()));
        let peak =
            one.peak.iter().copied().reduce(f64::max).map_or("-".to_owned(), |peak| format!("{peak:.0}"));
        println!("{:<26} {:>12} {cpu:>14.0} {wall:>11.2} {peak:>9}", one.name, grouped(rate as u64));
    }
}

/// Prints the medians of the rounds' ratios, which are called `ratio_name`.
pub(super) fn ratios(ours: &Contestant, theirs: &Contestant, ratio_name: &str) {
    let ratio = |a: &[f64], b: &[f64]| median(a.iter().zip(b).map(|(a, b)| a / b));
    println!(
        "{ratio_name}, median of the rounds: {:.2} times the records per second, {:.2} times the client CPU",
        ratio(&ours.rates, &theirs.rates),
        ratio(&ours.cpu, &theirs.cpu)
    );
}
