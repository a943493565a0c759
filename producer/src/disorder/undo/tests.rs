use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::OsString;

use millrace_schemas::text::Layout;
use proptest::prelude::*;

use super::*;
use crate::batch::{Lane, Machines, Part};
use crate::disorder::{Disorder, Kind, stage};
use crate::generate::{Encoding, LineEnd, Order, Shard};
use crate::settings::{self, Settings, TextFormat};

const MACHINES: usize = 6;
const LAYOUT: Layout =
    Layout { milliseconds: false, sequence: false, labels: false, features: true, rolling: true };
const ROWS: Encoding = Encoding::Text(TextFormat::Csv, LAYOUT, LineEnd::Newline);
/// 2026-01-01T05:59:30Z, shortly before a shift begins.
const START: i64 = 1_767_247_170_000;
const EVERYTHING: &str = "late=0.1:1s..40s,duplicate=0.1,drop=0.1,stuck=0.01:20s,spike=0.1,corrupt=0.1,\
                          skew=MACHINE_003:-2h,null=0.1";

/// A record as a topic keeps it.
type Record = (String, Vec<u8>, i64);

#[derive(Debug, Default, PartialEq)]
struct Run {
    /// In the order in which they were written.
    records: Vec<Record>,
    ledger: Vec<String>,
}

fn settings(disorder: Option<&str>) -> Settings {
    let machines = MACHINES.to_string();
    let mut args =
        vec!["producer", "--seed", "7", "--start", "2026-01-01T05:59:30Z", "--features", "rolling"];
    args.extend(["--machines", &machines, "--anomaly-rate", "0.5"]);
    args.extend(["--mode", "kafka"]);
    args.extend(disorder.iter().flat_map(|text| ["--disorder", text, "--ledger", "topic:"]));
    settings::read(args.into_iter().map(OsString::from)).expect("right").expect("a run")
}

/// What `settings` gives in `ticks` ticks, made by shards of `each` machines in orders of `at_once` ticks.
fn run(settings: &Settings, encoding: Encoding, ticks: usize, each: usize, at_once: usize) -> Run {
    let mut shards: Vec<Shard> = settings
        .machines
        .chunks(each)
        .enumerate()
        .map(|(i, ids)| {
            let rows = stage::Rows { first: i * each, machines: settings.machines.len() };
            Shard::new(settings, Machines { ids: ids.to_vec(), partitions: Vec::new() }, encoding)
                .with_rows(rows)
        })
        .collect();
    let mut parts: Vec<Part> = shards.iter().map(|_| Part::default()).collect();
    let mut run = Run::default();
    for _ in 0..ticks / at_once {
        run.take(&mut shards, &mut parts, &Order { ticks: at_once, ..Order::default() });
    }
    run.take(&mut shards, &mut parts, &Order { is_last: true, ..Order::default() });
    run
}

impl Run {
    /// Tick by tick, and within a tick part by part, as a file has them.
    fn take(&mut self, shards: &mut [Shard], parts: &mut [Part], order: &Order) {
        shards.iter_mut().zip(&mut *parts).for_each(|(shard, part)| shard.fill(order, part));
        for tick in 0..=parts[0].readings.ticks.len() {
            for part in &*parts {
                let records = of_tick(&part.readings, tick).map(|(record, bytes)| {
                    (part.machines.ids[record.machine].clone(), bytes.to_vec(), record.timestamp)
                });
                self.records.extend(records);
                let entries =
                    of_tick(&part.ledger, tick).map(|(_, bytes)| String::from_utf8_lossy(bytes).into());
                self.ledger.extend(entries);
            }
        }
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.ledger.iter().map(|line| serde_json::from_str(line).expect("an entry"))
    }

    fn by_machine(&self) -> BTreeMap<&str, Vec<&Record>> {
        let mut machines: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
        self.records.iter().for_each(|record| machines.entry(&record.0).or_default().push(record));
        machines
    }

    /// The records with the ledger applied, as those of a topic.
    fn undone(&self) -> (Run, Found) {
        let mut undo = Records::default();
        self.entries().for_each(|entry| undo.learn(&entry));
        let mut clean = Run::default();
        let mut take = |key: &str, value: &[u8], timestamp| {
            clean.records.push((key.to_owned(), value.to_vec(), timestamp));
            Ok::<(), Infallible>(())
        };
        for (key, value, timestamp) in &self.records {
            let Ok(()) = undo.next(key, value, *timestamp, &mut take);
        }
        let Ok(found) = undo.finish(&mut take);
        (clean, found)
    }
}

fn of_tick(lane: &Lane, tick: usize) -> impl Iterator<Item = (&crate::batch::Record, &[u8])> {
    let begin = tick.checked_sub(1).map_or(0, |before| lane.ticks[before]);
    let end = lane.ticks.get(tick).copied().unwrap_or(lane.records.len());
    lane.iter().take(end).skip(begin)
}

fn json_value() -> Encoding {
    Encoding::Text(TextFormat::Json, Layout { sequence: true, ..LAYOUT }, LineEnd::None)
}

#[test]
fn every_kind_happens_and_the_ledger_gives_every_record_back() {
    for encoding in [Encoding::Avro(7), json_value()] {
        let clean = run(&settings(None), encoding, 400, MACHINES, 10);
        let disordered = run(&settings(Some(EVERYTHING)), encoding, 400, MACHINES, 10);
        assert!(clean.ledger.is_empty());
        for kind in Kind::ALL {
            let acts = disordered.entries().filter(|entry| entry.kind == kind).count();
            assert!(acts > 50, "{kind:?}: {acts}");
        }
        let (undone, found) = disordered.undone();
        assert!(undone.by_machine() == clean.by_machine());
        assert_eq!(found, Found { acts: disordered.ledger.len() as u64, missing: 0 });
    }
}

#[test]
fn a_file_is_given_back_row_by_row() {
    let text = |run: &Run| run.records.iter().flat_map(|record| record.1.clone()).collect::<Vec<u8>>();
    let clean = text(&run(&settings(None), ROWS, 400, 4, 20));
    let disordered = run(&settings(Some(EVERYTHING)), ROWS, 400, 4, 20);
    let mut undo = Rows::default();
    assert!(disordered.entries().all(|entry| undo.learn(&entry)));
    let mut undone: Vec<u8> = Vec::new();
    let mut take = |row: &[u8]| {
        undone.extend_from_slice(row);
        undone.push(b'\n');
        Ok::<(), Infallible>(())
    };
    let file = text(&disordered);
    for row in file.strip_suffix(b"\n").expect("whole rows").split(|byte| *byte == b'\n') {
        let Ok(()) = undo.next(row, &mut take);
    }
    let Ok(found) = undo.finish(&mut take);
    assert!(String::from_utf8_lossy(&undone) == String::from_utf8_lossy(&clean), "the same file");
    assert_eq!(found, Found { acts: disordered.ledger.len() as u64, missing: 0 });
}

#[test]
fn what_becomes_of_a_machine_does_not_depend_on_shards_batches_or_other_machines() {
    let disorder = settings(Some(EVERYTHING));
    let one = run(&disorder, Encoding::Avro(7), 200, MACHINES, 200);
    let other = run(&disorder, Encoding::Avro(7), 200, 2, 1);
    assert!(one.by_machine() == other.by_machine());
    let sorted = |run: &Run| {
        let mut ledger = run.ledger.clone();
        ledger.sort();
        ledger
    };
    assert_eq!(sorted(&one), sorted(&other));
    let mut alone = disorder.clone();
    alone.machines = vec!["MACHINE_002".to_owned()];
    let alone = run(&alone, Encoding::Avro(7), 200, 1, 50);
    assert_eq!(alone.by_machine()["MACHINE_002"], one.by_machine()["MACHINE_002"]);
}

#[test]
fn a_kinds_probability_does_not_move_the_acts_of_another() {
    let spikes = |text: &str| -> Vec<String> {
        let run = run(&settings(Some(text)), Encoding::Avro(7), 500, MACHINES, 500);
        run.ledger.into_iter().filter(|line| line.contains("\"kind\":\"spike\"")).collect()
    };
    let alone = spikes("spike=0.05");
    let beside = spikes("spike=0.05,duplicate=0.2");
    assert!(alone.len() > 100 && beside.len() < alone.len());
    assert!(beside.iter().all(|spike| alone.contains(spike)));
}

#[test]
fn a_late_record_keeps_its_time_and_comes_behind_later_ones() {
    let run = run(&settings(Some("late=0.2:5s..60s")), json_value(), 300, MACHINES, 300);
    // Behind the last ones nothing is left that they could be later than.
    for entry in run.entries().filter(|entry| entry.sequence < 290) {
        let actual = entry.actual.expect("a time");
        assert!((5000..=60_000).contains(&(actual - entry.planned)));
        let records = &run.by_machine()[&*entry.key];
        let place = records.iter().position(|record| record.1 == *entry.original).expect("written");
        let newest = records[..place].iter().map(|record| record.2).max().expect("later ones");
        assert_eq!(records[place].2, entry.planned);
        // The newest of the moment may be late itself.
        let due = actual.min(START + 299_000);
        assert!(newest > entry.planned && newest > due - 10_000, "{} of {}", entry.sequence, entry.key);
    }
}

#[test]
fn a_stuck_sensor_shows_its_last_value_for_as_long_as_was_said() {
    let text = "stuck=0.01:20s";
    let clean = run(&settings(None), json_value(), 500, MACHINES, 500);
    let disordered = run(&settings(Some(text)), json_value(), 500, MACHINES, 500);
    let read = |value: &[u8]| serde_json::from_slice::<serde_json::Value>(value).expect("JSON");
    let mut runs: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for entry in disordered.entries() {
        let records = &clean.by_machine()[&*entry.key];
        let shown = read(entry.written.as_deref().expect("what was shown"));
        let first = runs.entry(entry.key.to_string()).or_default();
        if first.last().is_none_or(|begin| entry.sequence >= begin + 20) {
            first.push(entry.sequence);
        }
        let frozen = first.last().expect("a beginning") - 1;
        let sensor = entry.detail.as_deref().filter(|d| *d != "all").unwrap_or("oil_level");
        assert_eq!(shown[sensor], read(&records[frozen as usize].1)[sensor], "{}", entry.sequence);
    }
    assert!(runs.values().map(Vec::len).sum::<usize>() > 10);
}

#[test]
fn features_follow_what_a_record_shows_and_touch_no_other() {
    let run = run(&settings(Some("spike=0.4")), json_value(), 100, MACHINES, 100);
    let read = |value: &[u8]| serde_json::from_slice::<serde_json::Value>(value).expect("JSON");
    let mut seen = 0;
    for entry in run.entries().filter(|entry| entry.detail.as_deref() == Some("pressure")) {
        let (original, shown) = (read(&entry.original), read(entry.written.as_deref().expect("shown")));
        assert_ne!(original["flow_pressure_product"], shown["flow_pressure_product"]);
        assert_eq!(original["vibration_power_ratio"], shown["vibration_power_ratio"]);
        assert_ne!(original["pressure_rolling_mean"], shown["pressure_rolling_mean"]);
        seen += 1;
    }
    assert!(seen > 5);
}

#[test]
fn a_ledger_of_another_run_is_noticed() {
    let mut run = run(&settings(Some("drop=0.1,spike=0.1")), Encoding::Avro(7), 100, MACHINES, 100);
    let spikes = run.entries().filter(|entry| entry.kind == Kind::Spike).count() as u64;
    let written: Vec<Vec<u8>> = run.entries().filter_map(|e| e.written.map(|bytes| bytes.to_vec())).collect();
    run.records.retain(|record| !written.contains(&record.1));
    assert_eq!(run.undone().1.missing, spikes);
}

fn any_disorder() -> impl Strategy<Value = Disorder> {
    let p = || proptest::option::of(0.0..0.6_f64);
    let late = proptest::option::of((0.0..0.6_f64, 1..5000_i64, 0..60_000_i64));
    let stuck = proptest::option::of((0.0..0.2_f64, 1..30_000_i64));
    let skew = proptest::option::of((1..=MACHINES, -5..5_i64));
    (late, p(), p(), stuck, p(), p(), skew, p()).prop_map(
        |(late, duplicate, drop, stuck, spike, corrupt, skew, null)| Disorder {
            late: late.map(|(p, least, more)| (p, least, least + more)),
            skew: skew.map(|(m, s)| (format!("MACHINE_{m:03}"), s * 1000)).into_iter().collect(),
            duplicate,
            drop,
            stuck,
            spike,
            corrupt,
            null,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_disorder_the_ledger_undoes_it(disorder in any_disorder(), seed in any::<u64>()) {
        let clean = Settings { seed, ..settings(None) };
        let wrong = Settings { seed, disorder: Some(disorder.into()), ..settings(Some("drop=0")) };
        let (undone, found) = run(&wrong, Encoding::Avro(7), 60, 4, 20).undone();
        let clean = run(&clean, Encoding::Avro(7), 60, 4, 20);
        prop_assert!(undone.by_machine() == clean.by_machine());
        prop_assert_eq!(found.missing, 0);
    }
}
