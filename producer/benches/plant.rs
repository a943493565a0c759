//! What a record costs before it meets a sink: simulate, derive, encode.
//!
//! `cargo bench -p millrace-producer` prints records per second of one thread; on a machine that does
//! nothing else that is records per CPU second.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use millrace_producer::batch::{Machines, Part};
use millrace_producer::generate::{Encoding, Order, Shard};
use millrace_producer::settings::{self, Settings};

/// Flags of a case, besides seed and start.
const CASES: [(&str, usize, &[&str]); 5] = [
    ("healthy, 1,000 machines", 1_000, &["--no-anomalies"]),
    ("healthy, 100,000 machines", 100_000, &["--no-anomalies"]),
    ("every machine failing, 1,000 machines", 1_000, &["--anomaly-rate", "1", "--no-maintenance"]),
    ("rolling features, 1,000 machines", 1_000, &["--no-anomalies", "--features", "rolling"]),
    ("no derived features, 1,000 machines", 1_000, &["--no-anomalies", "--no-derived-features"]),
];

fn settings(machines: usize, flags: &[&str]) -> Settings {
    let machines = machines.to_string();
    // A sample a minute, so that two hundred warm-up ticks bring failures into every machine.
    let ours = ["producer", "--machines", &machines, "--seed", "1", "--rate", "0.0166666"];
    let args = ours.iter().chain(flags).map(Into::into);
    settings::read(args).expect("the flags are right").expect("no help was asked for")
}

fn shard(settings: &Settings) -> Shard {
    let machines = Machines { ids: settings.machines.clone(), partitions: Vec::new() };
    Shard::new(settings, machines, Encoding::Avro(1))
}

fn order(ticks: usize) -> Order {
    Order { ticks, ..Order::default() }
}

fn plant(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulate, derive, encode");
    for (name, machines, flags) in CASES {
        let settings = settings(machines, flags);
        let mut shard = shard(&settings);
        let mut part = Part::default();
        shard.fill(&order(200_000_usize.div_ceil(machines).max(2)), &mut part);
        let order = order((10_000 / machines).max(1));
        group.throughput(Throughput::Elements((order.ticks * machines) as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(|| (), |()| shard.fill(&order, &mut part), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, plant);
criterion_main!(benches);
