//! How far a group is behind, be it ours or another's.

mod measure;
mod show;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use millrace_core::kafka::{Kafka, read_properties};
use millrace_core::{Error, Result};

pub use measure::{PartitionLag, measure};

/// What `consumer lag` can be told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  consumer lag --group my-consumer
  consumer lag --group my-consumer --output-format json")]
pub struct LagArgs {
    /// The group
    #[arg(long, value_name = "GROUP")]
    group: String,
    /// One topic only [default: all in which the group has committed]
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// How it is shown
    #[arg(long, value_enum, default_value_t = LagForm::Table)]
    output_format: LagForm,
    /// Kafka brokers, host:port, comma-separated [default: KAFKA_BROKERS, else localhost:9092]
    #[arg(long, value_name = "HOST:PORT", help_heading = "Kafka")]
    bootstrap_server: Option<String>,
    /// File of librdkafka properties, name=value a line
    #[arg(long, value_name = "FILE", help_heading = "Kafka")]
    command_config: Option<PathBuf>,
    /// librdkafka property, as in -X security.protocol=SSL
    #[arg(short = 'X', value_name = "NAME=VALUE", help_heading = "Kafka")]
    properties: Vec<String>,
}

/// How lag is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LagForm {
    /// A row a partition, and the total
    Table,
    /// One object
    Json,
    /// Metrics in Prometheus' text format
    Prometheus,
}

impl LagArgs {
    fn kafka(&self) -> Result<Kafka> {
        let properties = read_properties(self.command_config.as_deref(), &self.properties)?;
        let set = || std::env::var("KAFKA_BROKERS").ok().filter(|value| !value.is_empty());
        let servers =
            self.bootstrap_server.clone().or_else(set).unwrap_or_else(|| "localhost:9092".to_owned());
        Ok(Kafka::new(servers, properties))
    }
}

/// Measures, and prints what was found.
///
/// # Errors
/// When the cluster does not answer, or the group has committed nothing.
pub fn run(args: &LagArgs) -> Result<()> {
    let kafka = args.kafka()?;
    kafka.check()?;
    let lags = measure(&kafka, &args.group, args.topic.as_deref())?;
    let text = match args.output_format {
        LagForm::Table => show::table(&lags),
        LagForm::Json => show::json(&args.group, &lags),
        LagForm::Prometheus => show::prometheus(&args.group, &lags),
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // A reader that closed the pipe (`| head`) has seen what it wanted.
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::failed(format!("standard output cannot be written: {e}")))
        }
        _ => Ok(()),
    }
}
