//! What is said in files, variables and flags, and which of them wins.

mod program;

use std::process::Command;

use program::{producer, text};

#[test]
fn later_layers_of_config_win() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = "streaming: {machines: [A], data_format: json}\npresets: {mine: {machines: [B]}}";
    std::fs::write(folder.path().join("my.yaml"), config).expect("written");
    let first_machine = |flags: &[&str], variable: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_producer"));
        command.args(["--quiet", "--speed", "max", "--duration", "1", "--config", "my.yaml"]).args(flags);
        command.current_dir(folder.path());
        if let Some(value) = variable {
            command.env("MILLRACE_MACHINES", value);
        }
        let output = text(&command.output().expect("the program starts").stdout);
        let value: serde_json::Value = serde_json::from_str(output.trim()).expect("one JSON line");
        value["machine_id"].as_str().map(ToOwned::to_owned)
    };
    assert_eq!(first_machine(&[], None).as_deref(), Some("A"));
    assert_eq!(first_machine(&["--preset", "mine"], None).as_deref(), Some("B"));
    assert_eq!(first_machine(&["--preset", "mine"], Some("[C]")).as_deref(), Some("C"));
    assert_eq!(first_machine(&["--preset", "mine", "--machines", "D"], Some("[C]")).as_deref(), Some("D"));
}

#[test]
fn a_variable_of_a_text_option_is_taken_as_it_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_producer"))
        .args(["--quiet", "--mode", "file", "--speed", "max"])
        .envs([("MILLRACE_OUTPUT_PATH", "2026"), ("MILLRACE_DURATION", "1"), ("MILLRACE_MACHINES", "[C]")])
        .env("MILLRACE_INCLUDE_DERIVED_FEATURES", "false")
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let rows = std::fs::read_to_string(folder.path().join("2026")).expect("written");
    assert_eq!((rows.lines().count(), rows.contains("hour")), (1, false), "{rows}");
}

/// What each preset comes to: mode, rate, machines and whatever else it is for.
#[test]
fn every_preset_is_what_the_guide_says_or_the_readme() {
    let folder = tempfile::tempdir().expect("a folder");
    for (preset, more, lines, first) in [
        ("development", &["--duration", "1"][..], 5, "5 machines at 1 Hz, 1x, to the console as JSON"),
        ("clean_data", &["--duration", "1"], 5, "5 machines at 1 Hz, 1x, to the console as JSON"),
        ("file_logging", &["--duration", "1"], 0, "5 machines at 1 Hz, 1x, to sensor_stream.csv as CSV"),
        (
            "instructor_testing",
            &["--duration", "1"],
            0,
            "5 machines at 1 Hz, 1x, to instructor_data.csv as CSV",
        ),
        (
            "dataset",
            &["--machines", "1"],
            0,
            "1 machine at 0.016666666666666666 Hz, as fast as it goes, to readings.csv as CSV",
        ),
    ] {
        let output = producer(folder.path(), &[&["--preset", preset][..], more].concat());
        assert!(output.status.success(), "{preset}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout).lines().count(), lines, "{preset}");
        assert!(text(&output.stderr).starts_with(first), "{preset}: {}", text(&output.stderr));
    }
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("written");
    assert!(read("instructor_data.csv").lines().next().is_some_and(|row| row.contains("anomaly_label")));
    assert!(!read("sensor_stream.csv").contains("anomaly"));
    let days = read("readings.csv");
    assert_eq!(days.lines().count(), 30 * 1440 + 1);
    let second = |row: &str| row.split(',').next().map(|time| time[17..].to_owned());
    let seconds: Vec<_> = days.lines().skip(1).map(second).collect();
    assert!(seconds.windows(2).all(|pair| pair[0] == pair[1]), "a sample each full minute");
}

#[test]
fn presets_that_need_a_network_are_what_the_guide_says_or_the_readme() {
    use millrace_producer::settings::{Output, Settings, Speed, TruthOutput, read};
    let of = |preset: &str| -> Settings {
        let args = ["producer", "--preset", preset].map(std::ffi::OsString::from);
        read(args).expect("fine").expect("a run")
    };
    let production = of("production");
    assert!(matches!(&production.output, Output::Kafka(kafka) if kafka.topic == "sensor-data"));
    assert_eq!(
        (production.clock.rate, production.events.failure_rate, production.verbose),
        (5.0, 0.001, false)
    );
    assert_eq!(format!("{:?}", production.events.maintenance), "Every(7200.0)");
    let api = of("api_test");
    assert!(matches!(&api.output, Output::Api(to) if to.url.as_str() == "http://localhost:8000/api/data"));
    assert_eq!(api.clock.rate, 2.0);
    let classroom = of("classroom");
    assert!(matches!(&classroom.truth, Some(TruthOutput::Topic(truth)) if truth.topic == "sensor-truth"));
    assert!(matches!(&classroom.output, Output::Kafka(_)) && !classroom.labels);
    assert_eq!((classroom.machines.len(), classroom.speed), (5, Speed::Factor(60.0)));
    let load = of("load");
    assert_eq!((load.machines.len(), load.speed), (1000, Speed::Max));
}

#[test]
fn the_guides_own_yaml_block_is_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let block = r#"
streaming:
  rate: 1.0
  duration: null
  machines: null
  output_mode: "console"
  output_path: null
  api_url: null
  kafka_topic: null
  kafka_bootstrap_servers:
    - "localhost:9092"
  include_anomalies: true
  anomaly_injection_rate: 0.01
  maintenance_simulation: true
  maintenance_interval: 3600
  data_format: "json"
  include_derived_features: true
  include_anomaly_labels: true
  interactive_mode: false
  verbose: true
"#;
    std::fs::write(folder.path().join("guide.yaml"), block).expect("written");
    let output = producer(folder.path(), &["--config", "guide.yaml", "--duration", "1"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().count(), 5);
    assert!(lines.contains("\"anomaly_type\":\"normal\""), "{lines}");
}
