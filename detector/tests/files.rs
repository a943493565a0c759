//! Files and pipes: learning, models, alerts.

mod program;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use program::{detector, write_plant};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Sensors of something else: two that follow each other, of which one leaves the other from row 700 on.
fn write_rows(path: &Path) {
    let mut lines = vec!["timestamp,a,b,label".to_owned()];
    for row in 0..900u32 {
        let load = f64::from(row % 97) / 10.0;
        let jitter = f64::from(row * 7919 % 101) / 500.0;
        let fault = if row >= 700 { 1.5 } else { 0.0 };
        let time = format!("2026-01-01T00:{:02}:{:02}", row / 60, row % 60);
        lines.push(format!("{time},{:.3},{:.3},{}", load + jitter, 2.0 * load + fault, u8::from(row >= 700)));
    }
    std::fs::write(path, lines.join("\n")).expect("written");
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

/// Runs the program, which must succeed, and gives what it wrote.
fn out(args: &[&str]) -> String {
    let output = detector(args);
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn refusal(folder: &Folder, args: &[&str], code: i32) -> String {
    let output = detector(args);
    let error = text(&output.stderr).replace(&folder.0.path().display().to_string(), "DIR");
    assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
    assert!(output.stdout.is_empty(), "{args:?} wrote to standard output");
    assert_eq!(error.lines().count(), 1, "{args:?}: {error}");
    error
}

#[test]
fn a_machine_of_our_plant_is_learnt_while_it_is_watched_and_a_pipe_says_what_a_file_says() {
    let folder = Folder::new();
    write_plant(folder.0.path());
    let from_file = out(&["--input", &folder.name("readings.csv")]);
    insta::assert_snapshot!(from_file);
    let mut child = Command::new(env!("CARGO_BIN_EXE_detector"))
        .args(["--input", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let readings = std::fs::read(folder.path("readings.csv")).expect("readings");
    let mut pipe = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || pipe.write_all(&readings));
    let output = child.wait_with_output().expect("the end");
    writer.join().expect("joined").expect("written");
    assert_eq!(text(&output.stdout), from_file);
}

/// The readings of a run as the producer packs them into an Avro container.
fn pack(csv: &str) -> Vec<u8> {
    use apache_avro::types::Value;
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().expect("a header");
    let field = |name: &&str| match *name {
        "timestamp" => {
            r#"{"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}}"#.into()
        }
        "machine_id" | "maintenance_status" => format!(r#"{{"name": "{name}", "type": "string"}}"#),
        _ => format!(r#"{{"name": "{name}", "type": ["null", "double"]}}"#),
    };
    let fields: Vec<String> = names.iter().map(field).collect();
    let text = format!(r#"{{"type": "record", "name": "reading", "fields": [{}]}}"#, fields.join(", "));
    let schema = apache_avro::Schema::parse_str(&text).expect("a schema");
    let value = |(name, cell): (&&str, &&str)| {
        let value = match *name {
            "timestamp" => {
                let time = chrono::NaiveDateTime::parse_from_str(cell, "%Y-%m-%dT%H:%M:%S").expect("a time");
                Value::TimestampMillis(time.and_utc().timestamp_millis())
            }
            "machine_id" | "maintenance_status" => Value::String((*cell).to_owned()),
            _ => Value::Union(1, Box::new(Value::Double(cell.parse().expect("a number")))),
        };
        ((*name).to_owned(), value)
    };
    let body = |cells: Vec<&str>| {
        let record = Value::Record(names.iter().zip(&cells).map(value).collect());
        let writer =
            apache_avro::writer::datum::GenericDatumWriter::builder(&schema).build().expect("a writer");
        writer.write_value_to_vec(record).expect("a body")
    };
    let bodies: Vec<Vec<u8>> = lines.map(body).collect();
    let packed = zstd::bulk::compress(&bodies.concat(), 1).expect("packed");
    let mut all = Vec::new();
    millrace_schemas::codec::write_container_header(&text, "zstandard", [3; 16], &mut all);
    millrace_schemas::codec::write_container_block(bodies.len(), &packed, [3; 16], &mut all);
    all
}

#[test]
fn an_avro_container_says_what_csv_says() {
    let folder = Folder::new();
    write_plant(folder.0.path());
    let (csv, avro) = (folder.path("readings.csv"), folder.path("readings.avro"));
    let dir = folder.0.path().display().to_string();
    let judged = |path: &Path| out(&["--input", &path.display().to_string()]);
    let evaluated = || out(&["evaluate", "--dataset", "plant", "--path", &dir, "--algorithm", "residual"]);
    std::fs::write(&avro, pack(&std::fs::read_to_string(&csv).expect("readings"))).expect("written");
    assert_eq!(judged(&avro), judged(&csv));
    std::fs::rename(&avro, folder.path("kept")).expect("moved");
    let of_csv = evaluated();
    std::fs::remove_file(&csv).expect("removed");
    std::fs::rename(folder.path("kept"), &avro).expect("moved");
    assert_eq!(evaluated(), of_csv);
}

#[test]
fn an_alert_as_json_has_the_fields_of_the_contract() {
    let folder = Folder::new();
    write_plant(folder.0.path());
    let alerts = out(&["--input", &folder.name("readings.csv"), "--output-format", "json"]);
    let alert: serde_json::Value =
        serde_json::from_str(alerts.lines().next().expect("an alert")).expect("JSON");
    for field in [
        "alert_id",
        "machine_id",
        "detector",
        "model_version",
        "state",
        "episode_start",
        "timestamp",
        "score",
        "threshold",
        "sensor",
        "shares",
        "failure_type",
        "failure_probability",
        "evidence_from",
        "evidence_to",
    ] {
        assert!(!alert[field].is_null(), "{field} is missing in {alert}");
    }
    assert_eq!((&alert["state"], &alert["failure_type"]), (&"opened".into(), &"overheating".into()));
}

#[test]
fn a_model_is_learnt_shown_and_judges_as_the_one_that_was_learnt_on_the_way() {
    let folder = Folder::new();
    write_rows(&folder.path("rows.csv"));
    let (rows, model) = (folder.name("rows.csv"), folder.name("model.json"));
    let on_the_way = out(&["--input", &rows, "--learn-rows", "500"]);
    assert!(on_the_way.contains("ALERT"), "{on_the_way}");
    let healthy = std::fs::read_to_string(&rows).expect("rows");
    let healthy: Vec<&str> = healthy.lines().take(501).collect();
    std::fs::write(folder.path("healthy.csv"), healthy.join("\n")).expect("written");
    assert_eq!(out(&["fit", "--input", &folder.name("healthy.csv"), "--output", &model]), "");
    let shown = out(&["inspect", &model]);
    assert!(shown.contains("honest") && shown.contains("a, b") && shown.contains("500 readings"), "{shown}");
    let opened = |alerts: &str| alerts.lines().find(|line| line.contains("ALERT")).map(str::to_owned);
    let by_model = out(&["--input", &rows, "--model", &model]);
    assert_eq!(opened(&by_model), opened(&on_the_way));
}

#[test]
fn a_model_of_our_plant_knows_its_machines_from_the_first_hours() {
    let folder = Folder::new();
    write_plant(folder.0.path());
    let (readings, model) = (folder.name("readings.csv"), folder.name("model.json"));
    out(&["fit", "--input", &readings, "--output", &model]);
    assert!(out(&["inspect", &model]).contains("machines   M1"));
    assert!(out(&["--input", &readings, "--model", &model]).contains("overheating"));
}

#[test]
fn what_surrounds_a_method_is_in_its_model_and_judges_as_on_the_way() {
    let folder = Folder::new();
    // A machine that idles and works for fifty rows each in turn, and hangs between both from row 850 on.
    let lines = (0..900u32).map(|row| {
        let load = if row >= 850 { 5.0 } else { f64::from(row / 50 % 2) * 10.0 };
        format!(
            "{:.3},{:.3}",
            load + f64::from(row * 7919 % 101) / 100.0,
            4.0 * load + f64::from(row * 31 % 97) / 50.0
        )
    });
    let text: Vec<String> = std::iter::once("a,b".to_owned()).chain(lines).collect();
    std::fs::write(folder.path("all.csv"), text.join("\n")).expect("written");
    std::fs::write(folder.path("healthy.csv"), text[..601].join("\n")).expect("written");
    let (all, healthy, model) =
        (folder.name("all.csv"), folder.name("healthy.csv"), folder.name("model.json"));
    let watched =
        |more: &[&str]| out(&[&["--input", &all, "--learn-rows", "600", "--algorithm", "t2"], more].concat());
    assert_eq!(watched(&[]), "");
    for method in ["kmeans", "gmm"] {
        let modes = ["--modes", "2", "--mode-method", method];
        let alerts = watched(&modes);
        assert!(alerts.contains("row 855"), "{alerts}");
        out(&[&["fit", "--input", &healthy, "--algorithm", "t2", "--output", &model], &modes[..]].concat());
        assert!(out(&["inspect", &model]).contains("of 300, 300 rows"));
        assert_eq!(out(&["--input", &all, "--model", &model]), alerts);
    }
    let refit = ["--algorithm", "isolation_forest", "--refit", "100", "--refit-window", "400"];
    out(&[&["fit", "--input", &healthy, "--output", &model], &refit[..]].concat());
    assert!(out(&["inspect", &model]).contains("grown anew every 100 rows, from the latest 400"));
    let judged = || out(&["--input", &all, "--model", &model]);
    assert_eq!(judged(), judged());
}

#[test]
fn a_machine_that_was_not_learnt_beside_one_that_was_is_warned_of() {
    let folder = Folder::new();
    write_plant(folder.0.path());
    let mut readings = std::fs::read_to_string(folder.path("readings.csv")).expect("readings");
    let first = readings.lines().nth(1).expect("a reading").replace(",M1,", ",M2,");
    readings.push_str(&format!("\n{first}\n"));
    std::fs::write(folder.path("readings.csv"), readings).expect("written");
    let output = detector(&["--input", &folder.name("readings.csv")]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("M1: ALERT"));
    insta::assert_snapshot!(text(&output.stderr), @"detector: the input ended before a healthy running day of `M2` was seen, so only the plant's normal ranges were watched; give more readings, or a --model");
}

#[test]
fn models_and_inputs_that_do_not_fit_are_refused_in_one_sentence() {
    let folder = Folder::new();
    write_rows(&folder.path("rows.csv"));
    let (rows, model) = (folder.name("rows.csv"), folder.name("model.json"));
    out(&["fit", "--input", &rows, "--output", &model]);
    let good = std::fs::read_to_string(&model).expect("a model");
    let put = |name: &str, text: &str| {
        std::fs::write(folder.path(name), text).expect("written");
        folder.name(name)
    };
    let newer = put("newer.json", &good.replace("\"version\": 3", "\"version\": 4"));
    let damaged = put("damaged.json", &good.replace("\"seed\": 0", "\"seed\": 1"));
    let none = put("none.json", "{}");
    let others = put("others.csv", "a,c\n1,2\n");
    let constant = put("constant.csv", &format!("a\n{}", "1\n".repeat(100)));
    let few = put("few.csv", "a\n1\n");
    let empty = put("empty.csv", "a\n");
    write_plant(folder.0.path());
    let readings = std::fs::read_to_string(folder.path("readings.csv")).expect("readings");
    let morning = put("morning.csv", &readings.lines().take(600).collect::<Vec<_>>().join("\n"));
    let nothing = put("nothing.csv", "");
    let missing = put("missing.csv", &format!("a,b\n{}", "NaN,\n".repeat(100)));
    let words = put("words.csv", "a\n1\none\n");
    let wide = (0..10_000).map(|column| format!("x{column}")).collect::<Vec<_>>().join(",");
    let wide = put(
        "wide.csv",
        &format!("{wide}\n{}", format!("1{}\n2{}\n", ",1".repeat(9_999), ",3".repeat(9_999)).repeat(5)),
    );
    let gone = folder.name("gone");
    let mut seen = String::new();
    for args in [
        &["--input", &rows, "--model", &newer][..],
        &["--input", &rows, "--model", &damaged],
        &["--input", &rows, "--model", &none],
        &["--input", &others, "--model", &model],
        &["--input", &gone],
        &["--input", &constant, "--learn-rows", "50"],
        &["--input", &few],
        &["--input", &empty],
        &["--input", &morning],
        &["fit", "--input", &constant, "--output", &gone],
        &["fit", "--input", &few, "--output", &gone],
        &["inspect", &gone],
        &["fit", "--input", &nothing, "--output", &gone],
        &["fit", "--input", &missing, "--output", &gone],
        &["fit", "--input", &words, "--output", &gone],
        &["fit", "--input", &wide, "--output", &gone],
    ] {
        seen.push_str(&refusal(&folder, args, 1));
    }
    for args in [
        &["--input", &rows, "--algorithm", "residual"][..],
        &["--input", &rows, "--algorithm", "honnest"],
        &["--input", &rows, "--model", &model, "--algorithm", "t2"],
        &["--input", &rows, "--learn-rows", "1"],
        &["--input", &rows, "--learn-rows", "20"],
        &["fit", "--input", &rows, "--output", &gone, "--seed", "3"],
    ] {
        seen.push_str(&refusal(&folder, args, 2));
    }
    assert!(!folder.path("gone").exists());
    insta::assert_snapshot!(seen);
}
