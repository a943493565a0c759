use clap::{Args, ValueEnum};
use millrace_core::config::{finite, text, texts};
use millrace_core::secret::Secret;
use serde::{Deserialize, Serialize};

/// What can be said about a run: as a flag, as a key under `streaming:`, as a variable. Nothing is
/// resolved or checked yet.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Where readings go
    #[arg(long = "mode", value_enum, help_heading = "Output")]
    pub output_mode: Option<Mode>,
    /// File to write (file mode) [default: sensor_stream.csv]
    #[arg(long = "output", value_name = "FILE", help_heading = "Output")]
    pub output_path: Option<String>,
    /// Format [default: avro for Kafka, the file's ending, json elsewhere]
    #[arg(long = "format", value_enum, help_heading = "Output")]
    pub data_format: Option<Format>,
    /// Compression of Avro and Parquet files [default: zstd]
    #[arg(long = "compression", value_name = "CODEC", value_enum, help_heading = "Output")]
    pub file_compression: Option<Compression>,
    /// Address that readings are posted to as JSON (api mode)
    #[arg(long = "url", value_name = "URL", help_heading = "HTTP")]
    pub api_url: Option<String>,
    /// Readings a request, as a JSON array of up to N [default: one, as an object]
    #[arg(long = "batch", value_name = "N", help_heading = "HTTP")]
    pub api_batch: Option<usize>,
    /// Requests at once, at most one a machine [default: up to 8]
    #[arg(long = "concurrency", value_name = "N", help_heading = "HTTP")]
    pub api_concurrency: Option<usize>,
    /// Who asks the web API: USER:PASSWORD or bearer:TOKEN, or env:NAME or file:PATH that holds one
    #[arg(long = "url-auth", value_name = "LOGIN", help_heading = "HTTP")]
    pub api_auth: Option<Secret>,
    /// PEM file of authorities that the web API's certificate may be from [default: the system's]
    #[arg(long = "url-ca", value_name = "FILE", help_heading = "HTTP")]
    pub api_ca: Option<String>,
    /// File for readings that are given up, with the cause
    #[arg(long = "rejects", value_name = "FILE", help_heading = "HTTP")]
    pub api_rejects: Option<String>,
    /// Kafka topic (kafka mode) [default: sensor-data]
    #[arg(long = "topic", value_name = "TOPIC", help_heading = "Kafka")]
    pub kafka_topic: Option<String>,
    /// Kafka brokers, host:port, comma-separated [default: localhost:9092]
    #[arg(
        long = "bootstrap-server",
        value_name = "HOST:PORT",
        value_delimiter = ',',
        num_args = 1,
        help_heading = "Kafka"
    )]
    #[serde(deserialize_with = "texts")]
    pub kafka_bootstrap_servers: Option<Vec<String>>,
    /// Schema registry for Avro [default: http://localhost:8081]
    #[arg(long, value_name = "URL", help_heading = "Kafka")]
    pub schema_registry_url: Option<String>,
    /// Who asks the registry: USER:PASSWORD or bearer:TOKEN, or env:NAME or file:PATH that holds one
    #[arg(long, value_name = "LOGIN", help_heading = "Kafka")]
    pub schema_registry_auth: Option<Secret>,
    /// Certificates (PEM) to trust the registry by, instead of the system's
    #[arg(long, value_name = "FILE", help_heading = "Kafka")]
    pub schema_registry_ca: Option<String>,
    /// Partitions a new topic gets [default: kafka_config.yaml]
    #[arg(long, value_name = "N", help_heading = "Kafka")]
    pub partitions: Option<i32>,

    /// Send in transactions: readers of what is committed see every record exactly once
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = "Restart")]
    pub exactly_once: Option<bool>,
    /// Seconds between two commits, 0.01 to 30 [default: 1]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = finite, help_heading = "Restart")]
    pub transaction_interval: Option<f64>,
    /// Id that Kafka lets one producer at a time use [default: millrace-TOPIC-IofN, after --share]
    #[arg(long, value_name = "ID", help_heading = "Restart")]
    pub transactional_id: Option<String>,
    /// Go on where the run that was killed or stopped ended
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = "Restart")]
    pub resume: Option<bool>,
    /// Name of the run in the topic producer-runs [default: TOPIC-IofN, after --share]
    #[arg(long, value_name = "ID", help_heading = "Restart")]
    pub run_id: Option<String>,

    /// Samples per stream second and machine, 0.000001 to 1000 [default: 1]
    #[arg(long, value_name = "HZ", allow_negative_numbers = true, value_parser = finite, help_heading = "Time")]
    pub rate: Option<f64>,
    /// Stream seconds per wall second, 0.000001 to 1000000000, or max [default: 1]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true, help_heading = "Time")]
    #[serde(deserialize_with = "text")]
    pub speed: Option<String>,
    /// Stream seconds to run [default: until stopped]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = finite, help_heading = "Time")]
    pub duration: Option<f64>,
    /// Event time of the first sample, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", help_heading = "Time")]
    pub start: Option<String>,

    /// Machine ids, or a count [default: 5]
    #[arg(long, value_name = "ID|COUNT", num_args = 1.., help_heading = "Plant")]
    #[serde(deserialize_with = "texts")]
    pub machines: Option<Vec<String>>,
    /// Seed of every random number [default: drawn and printed]
    #[arg(long, value_name = "SEED", help_heading = "Plant")]
    pub seed: Option<u64>,
    /// No automatic failures
    #[arg(long = "no-anomalies", num_args = 0, default_missing_value = "false", help_heading = "Plant")]
    pub include_anomalies: Option<bool>,
    /// Probability that a failure begins, per machine and stream hour [default: 0.01]
    #[arg(
        long = "anomaly-rate",
        value_name = "PROBABILITY",
        allow_negative_numbers = true, value_parser = finite,
        help_heading = "Plant"
    )]
    pub anomaly_injection_rate: Option<f64>,
    /// No maintenance
    #[arg(long = "no-maintenance", num_args = 0, default_missing_value = "false", help_heading = "Plant")]
    pub maintenance_simulation: Option<bool>,
    /// Stream seconds from the end of one maintenance to the next [default: 5 to 9 days]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = finite, help_heading = "Plant")]
    pub maintenance_interval: Option<f64>,
    /// Automatic failures are maintained so long after full severity, and not before, as in 2h
    /// [default: whenever maintenance comes]
    #[arg(long, value_name = "SPAN", allow_negative_numbers = true, help_heading = "Plant")]
    #[serde(deserialize_with = "text")]
    pub repair_after: Option<String>,
    /// No automatic failure begins before this stream time, as in 7d [default: 0s]
    #[arg(long, value_name = "SPAN", allow_negative_numbers = true, help_heading = "Plant")]
    #[serde(deserialize_with = "text")]
    pub failures_from: Option<String>,
    /// YAML file of what happens to which machine at which stream time
    #[arg(long, value_name = "FILE", help_heading = "Plant")]
    pub scenario: Option<String>,

    /// Faults on the way, such as drop=0.01,late=0.01:5s..60s; README.md has all kinds
    #[arg(long, value_name = "KIND=HOW,...", help_heading = "Disorder")]
    pub disorder: Option<String>,
    /// Where each act of disorder is written down, so that it can be undone [default topic: disorder-ledger]
    #[arg(long, value_name = "FILE|topic:NAME", help_heading = "Disorder")]
    #[serde(deserialize_with = "text")]
    pub ledger: Option<String>,

    /// No derived features
    #[arg(
        long = "no-derived-features",
        num_args = 0,
        default_missing_value = "false",
        conflicts_with = "features",
        help_heading = "Fields"
    )]
    pub include_derived_features: Option<bool>,
    /// Further features
    #[arg(long, value_enum, help_heading = "Fields")]
    pub features: Option<MoreFeatures>,
    /// anomaly_label and anomaly_type in every record, for instructors
    #[arg(long = "include-labels", num_args = 0, default_missing_value = "true", help_heading = "Fields")]
    pub include_anomaly_labels: Option<bool>,

    /// Truth per record, and episodes, apart from the readings; topic: alone is sensor-truth
    #[arg(long, value_name = "FILE|topic:NAME", help_heading = "Truth")]
    #[serde(deserialize_with = "text")]
    pub truth: Option<String>,

    /// Take commands from the keyboard (h shows them)
    #[arg(long = "interactive", num_args = 0, default_missing_value = "true", help_heading = "Control")]
    pub interactive_mode: Option<bool>,
    /// Take no commands from Kafka
    #[arg(long = "no-control", num_args = 0, default_missing_value = "false", help_heading = "Control")]
    pub control: Option<bool>,
    /// Topic of the commands [default: sensor-control]
    #[arg(long, value_name = "TOPIC", help_heading = "Control")]
    pub control_topic: Option<String>,
    /// This producer's share of the fleet, as in 2/4
    #[arg(long, value_name = "I/N", help_heading = "Plant")]
    pub share: Option<String>,

    /// Threads that simulate and encode [default: 1]
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub threads: Option<usize>,
    /// Print errors only
    #[arg(long = "quiet", num_args = 0, default_missing_value = "false", help_heading = "Run")]
    pub verbose: Option<bool>,
}

/// Where readings go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Standard output
    Console,
    /// A file
    File,
    /// A web API
    Api,
    /// A Kafka topic
    Kafka,
}

/// How readings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Confluent-framed Avro (Kafka), a container (file)
    Avro,
    /// One JSON object a line
    Json,
    /// Rows under a header
    Csv,
    /// Columns (file)
    Parquet,
}

/// How blocks and pages of files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Zstandard
    Zstd,
    /// Not at all
    None,
}

/// Features beyond the guide's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MoreFeatures {
    /// Mean, standard deviation and z-score over 60 samples
    Rolling,
}
