//! Whatever comes in, nothing panics and no score is less than a number.
//!
//! Two seconds for each target, or as long as MILLRACE_FUZZ_SECONDS says for all of them together:
//! `MILLRACE_FUZZ_SECONDS=600 cargo test -p millrace-detector --release --test fuzz`.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use millrace_detector::evaluate::{Dataset, Method, Request, run};
use millrace_detector::input::Input;
use millrace_detector::judge::Judge;
use millrace_detector::machine::Judging;
use millrace_detector::methods::residual::{Minute, Watch, WatchParams};
use millrace_detector::methods::{Algorithm, Clustering, Clusters, Recipe, Refit};
use millrace_detector::model_file::{Learnt, ModelFile};
use millrace_detector::{Detector, Rows};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// How many targets share the time.
const TARGETS: u32 = 5;

/// Runs cases until the time is up; a case that fails is shrunk and shown.
fn fuzz<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let seconds = std::env::var("MILLRACE_FUZZ_SECONDS").ok();
    let seconds =
        seconds.map(|text| text.parse::<u32>().expect("MILLRACE_FUZZ_SECONDS is a number of seconds"));
    let time = seconds.map_or(Duration::from_secs(2), |all| Duration::from_secs(all.into()) / TARGETS);
    let until = Instant::now() + time;
    let cases = Cell::new(0u64);
    let counted = |value| {
        cases.set(cases.get() + 1);
        test(value)
    };
    while Instant::now() < until {
        // A runner stops for good once it has had its cases.
        let config = ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() };
        let ran = TestRunner::new(config).run(strategy, counted);
        ran.unwrap_or_else(|failure| panic!("after {} cases: {failure}", cases.get()));
    }
    eprintln!("{} cases in {time:?}", cases.get());
}

/// A value as a broken sensor might send it.
fn hostile() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => -1e3f64..1e3,
        2 => (0u8..3).prop_map(f64::from),
        2 => Just(f64::NAN),
        1 => any::<f64>(),
    ]
}

/// Columns, then the rows that are learnt and judged.
fn rows() -> impl Strategy<Value = (usize, Vec<f64>, Vec<f64>)> {
    (1usize..7).prop_flat_map(|width| {
        let some = |rows: usize| {
            (0..rows).prop_flat_map(move |rows| proptest::collection::vec(hostile(), rows * width))
        };
        (Just(width), some(150), some(30))
    })
}

/// Any method, now and then with the stages around it.
fn recipe() -> impl Strategy<Value = Recipe> {
    let modes = (2usize..5, proptest::sample::select(vec![Clustering::KMeans, Clustering::Gmm]));
    let clusters = proptest::option::of(modes.prop_map(|(count, by)| Clusters { count, by }));
    let refit = proptest::option::of((1usize..20).prop_map(|every| Refit { every, window: 20 }));
    (proptest::sample::select(Algorithm::ALL.to_vec()), clusters, refit).prop_map(
        |(algorithm, clusters, refit)| {
            let grows = algorithm == Algorithm::IsolationForest;
            Recipe { clusters, refit: refit.filter(|_| grows), ..algorithm.into() }
        },
    )
}

#[test]
fn methods_learn_or_refuse_and_score() {
    fuzz(&(recipe(), rows()), |(recipe, (width, learnt, judged))| {
        let Ok(mut model) = recipe.fit(Rows::new(&learnt, width).expect("rows"), 1) else { return Ok(()) };
        let mut shares = vec![0.0; width];
        for row in judged.chunks_exact(width) {
            let score = model.score(row);
            prop_assert!(score >= 0.0, "{} scores {score}", recipe.name());
            model.shares(row, &mut shares);
            prop_assert!(shares.iter().all(|share| *share >= 0.0), "{} {shares:?}", recipe.name());
        }
        Ok(())
    });
}

#[test]
fn machines_of_our_plant_are_watched() {
    let sensors = proptest::array::uniform7(hostile());
    let stretch = (1i64..3000, any::<bool>(), sensors, 1usize..2000);
    fuzz(&proptest::collection::vec(stretch, 1..12), |stretches| {
        let mut watch = Watch::new(WatchParams::default()).expect("valid");
        let mut minute = 0;
        for (gap, maintained, sensors, length) in stretches {
            minute += gap;
            for _ in 0..length {
                minute += 1;
                if let Ok(Some(finding)) = watch.watch(&Minute { minute, maintained, sensors }) {
                    prop_assert!(finding.score >= 0.0 && finding.sensor() < 7, "{finding:?}");
                }
            }
        }
        Ok(())
    });
}

/// Text that is nearly a file: cells and separators in any order.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => proptest::sample::select(vec![
            ",", ";", "\n", "1", "2.5", "-1e308", "NaN", "inf", "", "a", "b", "\"", "{", "}", "{\"a\":1}\n", "[",
            "timestamp", "2026-01-01T00:00:00", "machine_id", "label", "anomaly", "temperature", "null", "\r", "\u{feff}",
        ])
        .prop_map(str::to_owned),
        1 => ".{0,4}",
    ];
    (any::<bool>(), proptest::collection::vec(piece, 0..120)).prop_map(|(header, pieces)| {
        (if header { "timestamp,machine_id,a,b\n" } else { "" }).to_owned() + &pieces.concat()
    })
}

fn in_file(text: &str, name: &str, test: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, text).expect("written");
    test(&path);
}

#[test]
fn any_text_is_judged_or_refused() {
    fuzz(&(text(), recipe()), |(text, recipe)| {
        in_file(&text, "input", |path| {
            let Ok(mut input) = Input::open(path, None) else { return };
            let Ok(judging) = Judging::new(&[Method::Rows(recipe)], input.columns(), 8, None) else { return };
            let (mut judge, mut said) = (Judge::new(judging), Vec::new());
            while let Ok(Some(reading)) = input.reading() {
                if judge.judge(&reading, &mut said).is_err() {
                    break;
                }
            }
        });
        Ok(())
    });
}

#[test]
fn any_folder_is_evaluated_or_refused() {
    let names = [
        "a.csv",
        "windows.json",
        "d01_te.csv",
        "valve1/0.csv",
        "readings.csv",
        "readings.jsonl",
        "readings.parquet",
    ];
    let sets = [
        Dataset::Adbench,
        Dataset::Nab,
        Dataset::Tep,
        Dataset::Skab,
        Dataset::Plant,
        Dataset::Plant,
        Dataset::Plant,
    ];
    fuzz(&(text(), 0..names.len()), |(text, which)| {
        in_file(&text, names[which], |path| {
            let folder = if which == 3 { path.parent().and_then(Path::parent) } else { path.parent() };
            let path = folder.expect("a folder").to_owned();
            let methods = Method::all().take(3).collect();
            let _ = run(&Request { dataset: sets[which], path, methods, seeds: 1 });
        });
        Ok(())
    });
}

#[test]
fn a_damaged_model_is_refused() {
    let values: Vec<f64> = (0..400).map(|place| f64::from(place * 7919 % 101)).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.json");
    let model = Algorithm::T2.fit(Rows::new(&values, 2).expect("rows"), 0).expect("a model");
    let learnt = Learnt::Rows { model: Box::new(model), threshold: 3.0 };
    ModelFile::new("t2", &["a".to_owned(), "b".to_owned()], 0, learnt).save(&path).expect("written");
    let good = std::fs::read(&path).expect("a model");
    fuzz(&(0..good.len(), any::<u8>(), any::<bool>()), |(place, byte, cut)| {
        let mut bad = good.clone();
        bad[place] = byte;
        bad.truncate(if cut { place } else { bad.len() });
        let path = folder.path().join("bad.json");
        std::fs::write(&path, &bad).expect("written");
        let same = |model: ModelFile| serde_json::to_value(model).ok() == serde_json::from_slice(&good).ok();
        prop_assert!(
            ModelFile::load(&path).map_or(true, same),
            "a changed model is taken for the one that was learnt"
        );
        Ok(())
    });
}
