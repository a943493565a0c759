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
