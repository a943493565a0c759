//! What learning and judging cost: the forest on 49,097 rows of 9 columns, as scikit-learn is measured on, and
//! the method of our plant minute by minute.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millrace_detector::methods::residual::{Minute, SENSORS, Watch, WatchParams};
use millrace_detector::methods::{HonestParams, IsolationForestParams};
use millrace_detector::{Detector, Params, Rows};

/// Numbers that look like noise, the same each time.
fn noise(count: usize) -> Vec<f64> {
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 24)
    };
    (0..count).map(|_| next() + next() + next()).collect()
}

const ROWS: usize = 49_097;
const COLUMNS: usize = 9;

fn forest(c: &mut Criterion) {
    let values = noise(ROWS * COLUMNS);
    let rows = Rows::new(&values, COLUMNS).expect("rows");
    let params = IsolationForestParams::default().check().expect("valid");
    let mut forest = params.fit(rows).expect("a forest");
    let mut group = c.benchmark_group("isolation_forest");
    group.bench_function("fit", |b| b.iter(|| params.fit(black_box(rows))));
    group.bench_function("one_row", |b| b.iter(|| forest.score(black_box(rows.row(7)))));
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("all_rows", |b| b.iter(|| forest.score_rows(black_box(rows))));
    group.finish();
}

fn honest(c: &mut Criterion) {
    let values = noise(4_000 * 8);
    let rows = Rows::new(&values, 8).expect("rows");
    let mut model = HonestParams::default().check().expect("valid").fit(rows.slice(0, 400)).expect("a model");
    let mut group = c.benchmark_group("honest");
    group.throughput(Throughput::Elements(rows.len() as u64));
    group.bench_function("all_rows", |b| b.iter(|| model.score_all(black_box(rows))));
    group.finish();
}

fn residual(c: &mut Criterion) {
    const MINUTES: usize = 14 * 1440;
    let values = noise(MINUTES * SENSORS);
    let usual = [72.0, 4.4, 5.6, 200.0, 50.0, 88.0, 80.0];
    let minute = |at: usize| Minute {
        minute: at as i64,
        maintained: false,
        sensors: std::array::from_fn(|sensor| usual[sensor] * (0.97 + 0.02 * values[at * SENSORS + sensor])),
    };
    let minutes: Vec<Minute> = (0..MINUTES).map(minute).collect();
    let mut group = c.benchmark_group("residual");
    group.throughput(Throughput::Elements(MINUTES as u64));
    group.bench_function("a_week_of_learning_and_one_of_judging", |b| {
        b.iter(|| {
            let mut watch = Watch::new(WatchParams::default()).expect("valid");
            minutes.iter().filter(|minute| watch.watch(black_box(minute)).is_ok()).count()
        });
    });
    group.finish();
}

criterion_group!(benches, forest, honest, residual);
criterion_main!(benches);
