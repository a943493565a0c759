//! What a reading costs a machine's window.
//!
//! `cargo bench -p millrace-consumer --bench window` prints readings per second of one thread.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millrace_consumer::window::{MachineWindow, Span};

const SENSORS: usize = millrace_schemas::reading::SENSORS;
/// Readings that each machine sends in a sample.
const TICKS: u64 = 10;

/// Windows that are full, and the time of their newest reading.
struct Plant {
    windows: Vec<MachineWindow>,
    now: i64,
    /// Where the values come from.
    turn: u64,
}

impl Plant {
    fn new(machines: usize, span: Span) -> Self {
        let mut plant = Self { windows: vec![MachineWindow::new(span); machines], now: 0, turn: 1 };
        for _ in 0..100 {
            plant.tick();
        }
        plant
    }

    /// A reading of each machine. Values have two decimals, as the plant's.
    fn tick(&mut self) {
        self.now += 1000;
        for window in &mut self.windows {
            let mut values = [None; SENSORS];
            for value in &mut values {
                self.turn = self.turn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *value = Some(70.0 + ((self.turn >> 40) % 500) as f64 / 100.0);
            }
            window.push(self.now, &values);
        }
    }

    /// All statistics of all sensors and machines, as one number.
    fn ask(&self) -> f64 {
        let all = |window: &MachineWindow| {
            (0..SENSORS).filter_map(|sensor| window.stats(sensor)).map(|stats| stats.max).sum::<f64>()
        };
        self.windows.iter().map(all).sum()
    }
}

fn window(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("window");
    for (machines, span, is_asked) in [
        (1, "60s", false),
        (1_000, "60s", false),
        (1_000, "60r", false),
        (1_000, "60s", true),
        (100_000, "60s", false),
    ] {
        let asked = if is_asked { ", asked after each reading" } else { "" };
        let mut plant = Plant::new(machines, span.parse().expect("a span"));
        group.sample_size(10).throughput(Throughput::Elements(TICKS * machines as u64));
        group.bench_function(format!("{span} of {machines} machines{asked}"), |bencher| {
            bencher.iter(|| {
                let tick = |sum, _| {
                    plant.tick();
                    sum + if is_asked { plant.ask() } else { 0.0 }
                };
                (0..TICKS).fold(0.0, tick)
            });
        });
    }
}

criterion_group!(benches, window);
criterion_main!(benches);
