//! The program as a user meets it: what it refuses and how, and the figures it prints.

mod program;

use std::path::{Path, PathBuf};

use program::{detector, write_plant};

/// Real data that is kept beside the project; tests that need it say so where it is not there.
fn data(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(folder);
    let beside_worktree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(folder);
    let found = [path, beside_worktree].into_iter().find(|path| path.is_dir());
    if found.is_none() {
        eprintln!("not tested: the data set `{folder}` is not beside the project in ../shared/data");
    }
    found
}

/// Command lines, each wrong in one way.
const WRONG: [&[&str]; 20] = [
    &[],
    &["evalute"],
    &["evaluate"],
    &["evaluate", "--dataset", "skab"],
    &["evaluate", "--dataset", "skap", "--path", "."],
    &["evaluate", "--dataset", "skab", "--path", "no/such/folder"],
    &["evaluate", "--dataset", "skab", "--path", ".", "--algorithm", "isolation_forrest"],
    &["evaluate", "--dataset", "skab", "--path", ".", "--algorithm", "magic"],
    &["evaluate", "--dataset", "skab", "--path", ".", "--seeds", "0"],
    &["evaluate", "--dataset", "skab", "--path", ".", "--seeds", "2"],
    &["evaluate", "--dataset", "skab", "--path", ".", "--output-format", "xml"],
    &["evaluate", "--dataset", "all", "--path", ".", "--output", "report.pdf"],
    &["bench", "--python", "python3"],
    &["bench", "--rows", "3"],
    &["evaluate", "--dataset", "skab", "--path", ".", "--modes", "1"],
    &["evaluate", "--dataset", "skab", "--path", ".", "--mode-method", "gmm"],
    &["evaluate", "--dataset", "plant", "--path", ".", "--algorithm", "residual", "--modes", "2"],
    &["evaluate", "--dataset", "skab", "--path", ".", "--refit", "100"],
    &["evaluate", "--dataset", "skab", "--path", ".", "--algorithm", "isolation_forest", "--refit", "5000"],
    &["--input", "-", "--model", "model.json", "--modes", "2"],
];

#[test]
fn what_is_said_wrongly_is_answered_in_one_sentence() {
    let mut seen = String::new();
    for args in WRONG {
        let output = detector(args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(output.stdout.is_empty(), "{args:?} wrote to standard output");
        assert_eq!(error.lines().count(), 1, "{args:?}: {error}");
        seen.push_str(&format!("{}\n  {error}", args.join(" ")));
    }
    insta::assert_snapshot!(seen);
}

/// Folders in which something is missing or wrong: (data set, file, its text).
const UNFIT: [(&str, &str, &str); 11] = [
    ("adbench", "a.txt", ""),
    ("adbench", "a.csv", "x,y\n1,2\n"),
    ("adbench", "a.csv", "x,label\none,0\n"),
    ("adbench", "a.csv", "x,label\n1,0\n2\n"),
    ("adbench", "a.csv", ""),
    ("tep", "d00.csv", "x\n1\n"),
    ("tep", "d01_te.csv", "x\n1\n"),
    ("skab", "a.csv", "x;anomaly\n1;0\n"),
    ("nab", "windows.json", "[]"),
    ("plant", "readings.csv", "timestamp,machine_id\n"),
    ("plant", "truth.csv", "machine_id\n"),
];

#[test]
fn a_folder_that_lacks_something_is_answered_with_what_it_lacks() {
    let mut seen = String::new();
    for (dataset, file, text) in UNFIT {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(file), text).expect("written");
        let path = folder.path().to_str().expect("a path of text");
        let output = detector(&["evaluate", "--dataset", dataset, "--path", path, "--algorithm", "t2"]);
        let error = String::from_utf8_lossy(&output.stderr).replace(path, "DIR");
        assert_eq!(output.status.code(), Some(1), "{dataset} {file}: {error}");
        assert!(output.stdout.is_empty(), "{dataset} {file} wrote to standard output");
        seen.push_str(&format!("{dataset}, {file}: {text:?}\n  {error}"));
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn rows_that_teach_nothing_make_a_method_inapplicable_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let wide: String = (0..10_000).map(|column| format!("x{column},")).collect();
    let row = "1,".repeat(10_000);
    let other = "2,".repeat(10_000);
    for (name, text) in [
        ("constant.csv", "x,label\n1,0\n1,1\n1,0\n1,0\n".to_owned()),
        ("missing.csv", "x,label\n,0\nNaN,1\n,0\n".to_owned()),
        ("single.csv", "x,label\n1,0\n".to_owned()),
        ("wide.csv", format!("{wide}label\n{row}0\n{other}0\n{row}1\n")),
    ] {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let path = folder.path().to_str().expect("a path of text");
    let output = detector(&["evaluate", "--dataset", "adbench", "--path", path, "--seeds", "1"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout));
}

/// The figure of one method over all files.
fn figure(dataset: &str, path: &Path, algorithm: &str, file: &str, metric: &str) -> f64 {
    let path = path.to_str().expect("a path of text");
    let args = ["evaluate", "--dataset", dataset, "--path", path, "--algorithm", algorithm];
    let seeds: &[&str] = if dataset == "adbench" { &["--seeds", "3"] } else { &[] };
    let output = detector(&[&args[..], &["--output-format", "json"], seeds].concat());
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let figures = figures.as_array().expect("an array");
    let wanted =
        |f: &&serde_json::Value| f["file"] == file && f["metric"] == metric && f["algorithm"] == algorithm;
    figures.iter().find(wanted).and_then(|f| f["value"].as_f64()).expect("the figure")
}

#[test]
fn the_generic_detector_reaches_its_figures_on_real_plants() {
    if let Some(path) = data("tep") {
        let of = |metric| figure("tep", &path, "honest", "all", metric);
        assert!(of("detection_rate") >= 0.98);
        assert!(of("median_delay_rows") <= 10.0);
        assert!(of("false_alarm_rate_by_d00_alone") <= 0.02);
    }
    if let Some(path) = data("skab") {
        let of = |metric| figure("skab", &path, "honest", "all", metric);
        assert!(of("roc_auc") >= 0.89);
        assert!(of("f1") >= 0.82 && of("false_alarm_rate") <= 0.25);
    }
}

#[test]
fn the_forest_is_as_good_as_scikit_learns() {
    if let Some(path) = data("adbench") {
        let of = |file, metric| figure("adbench", &path, "isolation_forest", file, metric);
        // Three seeds instead of thirty scatter more than the difference that would matter.
        assert!((of("thyroid", "roc_auc") - 0.978).abs() < 0.01);
        assert!((of("mammography", "roc_auc") - 0.860).abs() < 0.02);
        assert!((of("satellite", "average_precision") - 0.659).abs() < 0.04);
    }
}

#[test]
fn a_run_of_our_plant_is_judged_against_its_truth() {
    let folder = tempfile::tempdir().expect("a folder");
    write_plant(folder.path());
    let of = |metric| figure("plant", folder.path(), "residual", "all", metric);
    assert_eq!((of("episodes"), of("found"), of("event_precision")), (1.0, 1.0, 1.0));
    assert_eq!((of("sensor_named"), of("failure_named")), (1.0, 1.0));
    assert!(of("severity_median") < 0.2 && of("roc_auc") > 0.95);
    assert_eq!(of("false_alarms_per_machine_week"), 0.0);
    let of = |algorithm| figure("plant", folder.path(), algorithm, "all", "found");
    assert_eq!((of("robust_z"), of("zscore")), (1.0, 0.0));
}

#[test]
fn the_bench_says_when_there_is_no_scikit_learn() {
    let output = detector(&["bench", "--against-sklearn", "--python", "no/such/python"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("millrace"), "{text}");
    assert!(text.contains("scikit-learn was not measured: `no/such/python` cannot be started"), "{text}");
}

#[test]
fn a_page_needs_no_other_file_and_one_command_writes_all_data_sets() {
    let folder = tempfile::tempdir().expect("a folder");
    let plant = folder.path().join("plant");
    std::fs::create_dir(&plant).expect("a folder");
    write_plant(&plant);
    let (path, page) = (folder.path().display().to_string(), folder.path().join("report.html"));
    let output = detector(&[
        "evaluate",
        "--dataset",
        "all",
        "--path",
        &path,
        "--algorithm",
        "residual",
        "--output-format",
        "markdown",
        "--output",
        page.to_str().expect("a path of text"),
    ]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("## `plant`") && text.contains("| `residual` | 1.000 | 1.000 |"), "{text}");
    assert!(text.contains("### `isolation_forest`") && !text.contains("## `skab`"));
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(page.matches("<svg").count() >= 6, "a curve, delays and a strip each");
    for outside in ["http:", "https:", "src=", "href=", "url(", "@import"] {
        assert!(!page.contains(outside), "the page leads to something else by {outside}");
    }
}

#[test]
fn a_run_is_repeatable_to_the_last_digit() {
    if let Some(path) = data("nab") {
        let path = path.to_str().expect("a path of text");
        let run =
            || detector(&["evaluate", "--dataset", "nab", "--path", path, "--output-format", "json"]).stdout;
        let first = run();
        assert!(!first.is_empty());
        assert_eq!(first, run());
    }
}
