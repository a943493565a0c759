//! Files that have an end: Avro containers, Parquet, and what is said beside them.

mod program;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use apache_avro::types::Value as Avro;
use parquet::basic::{LogicalType, Repetition, TimeUnit};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use program::{producer, text};
use serde_json::Value;
use sha2::{Digest, Sha256};

const RUN: [&str; 11] = [
    "--quiet",
    "--mode=file",
    "--seed=7",
    "--start=2026-01-01T00:00:00Z",
    "--speed=max",
    "--rate=0.1",
    "--duration=20000",
    "--anomaly-rate=0.3",
    "--features=rolling",
    "--include-labels",
    "--machines=5",
];
const ROWS: usize = 5 * 2000;

fn write(folder: &Path, name: &str, more: &[&str]) {
    let output = producer(folder, &[&RUN[..], &["--output", name], more].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!folder.join(format!("{name}.partial")).exists());
}

/// Rows of the same run's CSV, split, under their header.
fn csv(folder: &Path) -> Vec<Vec<String>> {
    write(folder, "same.csv", &[]);
    let file = std::fs::read_to_string(folder.join("same.csv")).expect("written");
    file.lines().map(|line| line.split(',').map(ToOwned::to_owned).collect()).collect()
}

fn sidecar(folder: &Path, name: &str) -> Value {
    let file = std::fs::read_to_string(folder.join(format!("{name}.meta.json"))).expect("a sidecar");
    serde_json::from_str(&file).expect("JSON")
}

/// A field as the CSV writes it.
fn as_csv(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Int(number) => number.to_string(),
        Field::Long(number) => number.to_string(),
        Field::Double(number) => format!("{number:?}"),
        Field::TimestampMillis(time) => chrono::DateTime::from_timestamp_millis(*time)
            .expect("a time")
            .format("%Y-%m-%dT%H:%M:%S")
            .to_string(),
        other => panic!("{other:?} is of no type that a reading has"),
    }
}

#[test]
fn parquet_has_the_values_and_the_order_of_the_csv_and_sequences_beside_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = csv(folder.path());
    write(folder.path(), "a.parquet", &["--threads=2"]);
    let reader = SerializedFileReader::new(File::open(folder.path().join("a.parquet")).expect("written"))
        .expect("Parquet");
    let mut rows = 0;
    for (row, expected) in reader.get_row_iter(None).expect("rows").zip(&csv[1..]) {
        let row = row.expect("a row");
        let mut fields: Vec<(String, String)> =
            row.get_column_iter().map(|(name, field)| (name.clone(), as_csv(field))).collect();
        let (name, sequence) = fields.remove(2);
        assert_eq!((name.as_str(), sequence), ("sequence", (rows / 5).to_string()));
        let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
        assert_eq!(names, csv[0]);
        assert_eq!(values, *expected);
        rows += 1;
    }
    assert_eq!(rows, ROWS);
}

#[test]
fn parquet_says_what_its_columns_are() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "a.parquet", &[]);
    let reader = SerializedFileReader::new(File::open(folder.path().join("a.parquet")).expect("written"))
        .expect("Parquet");
    let schema = reader.metadata().file_metadata().schema();
    let mut seen = String::new();
    for field in schema.get_fields() {
        let info = field.get_basic_info();
        let logical = match info.logical_type_ref() {
            Some(LogicalType::String) => "string",
            Some(time) if *time == LogicalType::timestamp(true, TimeUnit::MILLIS) => "UTC milliseconds",
            _ => "",
        };
        let missing = if info.repetition() == Repetition::OPTIONAL { "or null" } else { "" };
        let line = format!("{} {} {logical} {missing}", field.name(), field.get_physical_type());
        seen.push_str(&format!("{}\n", line.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn a_container_is_read_by_apache_avro_and_has_the_values_of_the_csv() {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = csv(folder.path());
    write(folder.path(), "a.avro", &["--compression=none"]);
    let file = File::open(folder.path().join("a.avro")).expect("written");
    let mut rows = 0;
    for (record, expected) in apache_avro::Reader::new(file).expect("a container").zip(&csv[1..]) {
        let Avro::Record(fields) = record.expect("a record") else { panic!("not a record") };
        let field = |name: &str| &fields.iter().find(|(field, _)| field == name).expect(name).1;
        assert_eq!(*field("machine_id"), Avro::String(expected[1].clone()));
        assert_eq!(*field("sequence"), Avro::Long(rows / 5));
        for (name, value) in csv[0].iter().zip(expected).skip(3).take(7) {
            let expected = match value.as_str() {
                "" => Avro::Union(0, Box::new(Avro::Null)),
                number => Avro::Union(1, Box::new(Avro::Double(number.parse().expect("a number")))),
            };
            assert_eq!(*field(name), expected, "{name}");
        }
        rows += 1;
    }
    assert_eq!(rows as usize, ROWS);
}

#[test]
fn the_same_run_gives_the_same_bytes_whatever_the_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    for ending in ["avro", "parquet"] {
        let [one, three] = [1, 3].map(|threads| {
            let name = format!("{threads}.{ending}");
            write(folder.path(), &name, &[&format!("--threads={threads}")]);
            std::fs::read(folder.path().join(name)).expect("written")
        });
        assert!(one == three, "{ending} differs");
    }
}

#[test]
fn what_is_in_a_file_and_how_it_was_made_is_said_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a.csv", "a.json", "a.avro", "a.parquet"] {
        write(folder.path(), name, &[]);
        let about = sidecar(folder.path(), name);
        let hash = Sha256::digest(std::fs::read(folder.path().join(name)).expect("written"));
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(about["sha256"], hash, "{name}");
        assert_eq!(about["rows"], ROWS);
        if name == "a.parquet" {
            let shown = serde_json::to_string_pretty(&about).expect("text").replace(&hash, "HASH");
            insta::assert_snapshot!(shown.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
        }
    }
    // What may be said on the keyboard is in none of the options.
    assert_eq!(sidecar(folder.path(), "a.csv").get("steered"), None);
    write(folder.path(), "a.csv", &["--interactive"]);
    assert_eq!(sidecar(folder.path(), "a.csv")["steered"], true);
    // What is appended to is no longer what was described.
    write(folder.path(), "a.csv", &["--append"]);
    assert!(!folder.path().join("a.csv.meta.json").exists());
}

#[test]
fn after_ctrl_c_the_file_is_complete_and_holds_what_was_made() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a.avro", "a.parquet"] {
        std::fs::write(folder.path().join(format!("{name}.partial")), "left over").expect("written");
        let mut run = Command::new(env!("CARGO_BIN_EXE_producer"))
            .args(["--mode=file", "--output", name, "--rate=100"])
            .current_dir(folder.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let partial = folder.path().join(format!("{name}.partial"));
        let began = Instant::now();
        let begun = || std::fs::read(&partial).is_ok_and(|bytes| !bytes.starts_with(b"left"));
        while !begun() && began.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(!folder.path().join(name).exists(), "{name} is there before it is complete");
        let asked = Command::new("kill").args(["-INT", &run.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()));
        assert!(run.wait().expect("it ends").success());
        assert!(!partial.exists());
        let rows = sidecar(folder.path(), name)["rows"].as_u64().expect("rows");
        if name == "a.parquet" {
            let file = File::open(folder.path().join(name)).expect("written");
            let reader = SerializedFileReader::new(file).expect("a complete file");
            assert_eq!(reader.metadata().file_metadata().num_rows() as u64, rows);
        }
    }
}

const READ_FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/read_files.py");

#[test]
fn python_reads_the_files_with_the_right_types_and_the_values_of_the_csv() {
    let interpreter = std::env::var("MILLRACE_PYTHON").unwrap_or_else(|_| "python3".into());
    let libraries =
        "import sys, duckdb, fastavro; sys.version_info >= (3, 14) or __import__('backports.zstd')";
    let found = Command::new(&interpreter).args(["-c", libraries]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        let reason = format!("{interpreter} has no duckdb and fastavro[zstandard]");
        assert!(std::env::var_os("MILLRACE_REQUIRE_PYTHON").is_none(), "{reason}");
        eprintln!("skipped: {reason}");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    csv(folder.path());
    write(folder.path(), "a.parquet", &[]);
    write(folder.path(), "plain.parquet", &["--compression=none"]);
    write(folder.path(), "a.avro", &[]);
    write(folder.path(), "plain.avro", &["--compression=none"]);
    let output =
        Command::new(&interpreter).arg(READ_FILES).current_dir(folder.path()).output().expect("started");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).trim(), "4 files of 10000 rows are the CSV");
}
