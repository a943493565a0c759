//! The detector judged on files that the producer has written.

use std::path::Path;

use millrace_detector::evaluate::{Dataset, Figure, Method, Request, run};
use millrace_tests::produce;

/// Twelve days of two machines, a sample a minute.
const RUN: [&str; 15] = [
    "--mode",
    "file",
    "--seed",
    "5",
    "--start",
    "2026-01-01T00:00:00Z",
    "--machines",
    "2",
    "--rate",
    "0.016666666666666666",
    "--duration",
    "1036800",
    "--speed",
    "max",
    "--anomaly-rate=0.02",
];

fn made(folder: &Path, readings: &str, truth: &str) -> Vec<Figure> {
    let place = |name: &str| folder.join(name).display().to_string();
    let (output, truth) = (place(readings), place(truth));
    let flags = [&RUN[..], &["--output", &output, "--truth", &truth]].concat();
    produce(&flags).expect("a run");
    let methods = Method::all().filter(|method| ["residual", "robust_z"].contains(&method.name())).collect();
    run(&Request { dataset: Dataset::Plant, path: folder.to_owned(), methods, seeds: 1 })
        .expect("figures")
        .figures
}

fn figure(figures: &[Figure], metric: &str) -> f64 {
    let wanted = |figure: &&Figure| figure.algorithm == "residual" && figure.metric == metric;
    figures.iter().find(wanted).and_then(|figure| figure.value).expect("the figure")
}

#[test]
fn a_run_and_its_truth_are_judged_and_every_format_of_the_files_gives_the_same_figures() {
    let folder = || tempfile::tempdir().expect("a folder");
    let (csv, json, parquet) = (folder(), folder(), folder());
    let figures = made(csv.path(), "readings.csv", "truth.csv");
    assert!(figure(&figures, "episodes") >= 2.0, "the run has failures");
    assert_eq!(figure(&figures, "found"), 1.0);
    assert_eq!(figure(&figures, "event_precision"), 1.0);
    assert!(figure(&figures, "severity_median") < 0.25);
    assert_eq!(figures, made(json.path(), "readings.jsonl", "truth.jsonl"));
    assert_eq!(figures, made(parquet.path(), "readings.parquet", "truth.csv"));
}
