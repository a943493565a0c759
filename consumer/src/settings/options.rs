use clap::{Args, ValueEnum};
use millrace_core::config::{finite, text, texts};
use millrace_core::secret::Secret;
use serde::{Deserialize, Serialize};

use super::WindowType;

/// What can be said about a run: as a flag, as a key under `consumer:`, as a variable. Nothing is resolved or
/// checked yet.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// What can be said about any member of a group.
    #[command(flatten)]
    #[serde(flatten)]
    pub member: MemberOptions,

    /// Window of the statistics: event time as in 60s or 10m, or records as in 60r [default: 60s]
    #[arg(long, value_name = "SPAN", help_heading = "Statistics")]
    pub window: Option<String>,
    /// sliding; or windows that close: tumbling, hopping [default: sliding]
    #[arg(long, value_enum, help_heading = "Statistics")]
    pub window_type: Option<WindowType>,
    /// Time from the begin of one hopping window to that of the next, such as 10s
    #[arg(long, value_name = "TIME", help_heading = "Statistics")]
    pub hop: Option<String>,
    /// Event time for which a window waits for late readings before it closes [default: 0s]
    #[arg(long, value_name = "TIME", help_heading = "Statistics")]
    pub allowed_lateness: Option<String>,
    /// Topic for the WindowStats of closed windows; alone it makes tumbling ones [default: sensor-metrics]
    #[arg(long, value_name = "TOPIC", help_heading = "Statistics")]
    pub metrics_topic: Option<String>,
    /// Topic for records that came when their windows were closed [default: TOPIC.late]
    #[arg(long, value_name = "TOPIC", help_heading = "Statistics")]
    pub late_topic: Option<String>,
    /// Mark readings beyond a critical limit or far from the rolling mean
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = "Statistics")]
    pub anomaly_detection: Option<bool>,
    /// Deviations from the mean that are far [default: 3]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = finite, help_heading = "Statistics")]
    pub z: Option<f64>,
    /// Topic for AnomalyAlert records, such as anomaly-alerts [default: none]
    #[arg(long, value_name = "TOPIC", help_heading = "Statistics")]
    pub alerts_topic: Option<String>,

    /// How it is shown [default: table on a terminal, text elsewhere]
    #[arg(long, value_enum, help_heading = "Output")]
    pub output_format: Option<Form>,
    /// Print each record so, dead ones too, by kcat's tokens: %t topic, %p partition, %o offset, %k key, %s value,
    /// %K %S their lengths, %R that of the value in four bytes, %T CreateTime (ms), %h headers, %%, \n, \t, \x1e.
    /// Unlike kcat's, the value of an Avro record is printed as JSON
    #[arg(short = 'f', long = "record-format", value_name = "FORMAT", allow_hyphen_values = true)]
    #[arg(help_heading = "Output")]
    pub record_format: Option<String>,
    /// What is shown as text and json [default: readings]
    #[arg(long, value_enum, help_heading = "Output")]
    pub show: Option<Show>,
}

/// What can be said about any program that reads as a member of a group, whatever it does with the readings.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct MemberOptions {
    /// Topic that is read [default: sensor-data]
    #[arg(long = "topic", value_name = "TOPIC", help_heading = "Source")]
    pub kafka_topic: Option<String>,
    /// Where the group has committed nothing: from the first record on, not the next
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = "Source")]
    pub from_beginning: Option<bool>,
    /// From this CreateTime on (RFC 3339), whatever the group has committed
    #[arg(long, value_name = "TIME", help_heading = "Source")]
    pub from_time: Option<String>,
    /// From this offset on in each partition, whatever the group has committed
    #[arg(long, value_name = "OFFSET", allow_negative_numbers = true, help_heading = "Source")]
    pub from_offset: Option<i64>,
    /// End after so many records
    #[arg(long, value_name = "N", help_heading = "Source")]
    pub max_messages: Option<u64>,
    /// End when all that is there has been read
    #[arg(long, value_enum, help_heading = "Source")]
    pub until: Option<Until>,

    /// Consumer group [default: millrace- and the program's name]
    #[arg(long = "group-id", value_name = "GROUP", help_heading = "Group")]
    #[serde(deserialize_with = "text")]
    pub group_id: Option<String>,
    /// classic, or consumer for KIP-848 [default: classic]
    #[arg(long, value_enum, help_heading = "Group")]
    pub group_protocol: Option<Protocol>,
    /// classic: range, roundrobin, cooperative-sticky (default); consumer: uniform, range
    #[arg(long, value_name = "NAME", help_heading = "Group")]
    pub assignor: Option<String>,
    /// Name of this member that outlives restarts (static membership)
    #[arg(long, value_name = "ID", help_heading = "Group")]
    #[serde(deserialize_with = "text")]
    pub group_instance_id: Option<String>,
    /// Seconds until a silent member counts as dead, classic only [default: 10]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = finite, help_heading = "Group")]
    pub session_timeout: Option<f64>,
    /// Seconds that the group waits for a member that does not ask for records [default: 300]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = finite, help_heading = "Group")]
    pub max_poll_interval: Option<f64>,
    /// Tell nothing in the topic group-events
    #[arg(long = "no-group-events", num_args = 0, default_missing_value = "false", help_heading = "Group")]
    pub group_events: Option<bool>,

    /// What a crash may do to a record: lose it, repeat it, neither [default: at-least-once]
    #[arg(long, value_enum, help_heading = "Guarantee")]
    pub guarantee: Option<Guarantee>,
    /// Seconds between two commits or transactions [default: 1]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = finite, help_heading = "Guarantee")]
    pub commit_interval: Option<f64>,
    /// Whether a commit is waited for [default: sync]
    #[arg(long, value_enum, help_heading = "Guarantee")]
    pub commit: Option<Commit>,
    /// Id of exactly-once's transactions [default: GROUP-INSTANCE, or GROUP and something random]
    #[arg(long, value_name = "ID", help_heading = "Guarantee")]
    #[serde(deserialize_with = "text")]
    pub transactional_id: Option<String>,
    /// Keep no state in the topic GROUP.state: what is known of machines begins anew after a restart
    #[arg(long = "no-state", num_args = 0, default_missing_value = "false", help_heading = "Guarantee")]
    pub state: Option<bool>,
    /// Records of a partition between two checkpoints of its state; at most so many are taken again after a
    /// restart [default: 50000, or more where the state is large]
    #[arg(long, value_name = "N", help_heading = "Guarantee")]
    pub checkpoint_records: Option<u64>,
    /// What becomes of a record that cannot be read [default: dlq]
    #[arg(long, value_enum, help_heading = "Guarantee")]
    pub on_error: Option<OnError>,
    /// Topic of such records [default: TOPIC.dlq]
    #[arg(long, value_name = "TOPIC", help_heading = "Guarantee")]
    pub dlq: Option<String>,

    /// Leave as SIGKILL would at a point that is reached for the Nth time: after-poll, after-process,
    /// after-produce, before-commit or after-commit
    #[arg(long, value_name = "POINT:N", help_heading = "Misdeeds")]
    pub crash_at: Option<String>,
    /// Take so long for each record, such as 50ms, as a living member
    #[arg(long, value_name = "TIME", help_heading = "Misdeeds")]
    pub delay: Option<String>,
    /// Do nothing for so long at the Nth record, as in 10m:1000; the group hears nothing meanwhile
    #[arg(long, value_name = "TIME:N", help_heading = "Misdeeds")]
    pub hang: Option<String>,
    /// Fail at readings with this value, as in sequence=1000
    #[arg(long, value_name = "FIELD=VALUE", help_heading = "Misdeeds")]
    pub poison: Option<String>,

    /// Serve Prometheus' metrics at http://HOST:PORT/metrics [default: no]
    #[arg(long, value_name = "HOST:PORT", help_heading = "Output")]
    pub metrics_listen: Option<String>,
    /// Print errors only on standard error
    #[arg(long = "quiet", num_args = 0, default_missing_value = "false", help_heading = "Output")]
    pub verbose: Option<bool>,

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
}

/// When a run ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// All that is there has been read
    End,
}

/// How the members of a group agree on who reads what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// One member assigns, all join again
    Classic,
    /// The broker assigns (KIP-848)
    Consumer,
}

/// What a crash may do to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guarantee {
    /// Lose it, never repeat it: committed before it is looked at
    AtMostOnce,
    /// Repeat it, never lose it: committed when all that follows from it is acknowledged
    AtLeastOnce,
    /// Neither: committed in one transaction with all that follows from it
    ExactlyOnce,
}

/// Whether a commit is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Commit {
    /// Until the broker has it
    Sync,
    /// No; the answer comes later
    Async,
}

/// What becomes of a record that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// It goes to the dead letters
    Dlq,
    /// It is counted
    Skip,
    /// It ends the run
    Fail,
}

/// How things are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Machines and sensors, in place
    Table,
    /// Lines
    Text,
    /// An object a line, with what the group does
    Json,
}

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// Every reading
    Readings,
    /// Readings that are marked
    Anomalies,
    /// None
    Nothing,
}
