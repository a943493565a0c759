//! How far a group is behind, be it ours or another's.

mod measure;
mod show;

use std::io::Write;

use clap::{Args, ValueEnum};
use millrace_core::kafka::ClusterFlags;
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
    #[command(flatten)]
    cluster: ClusterFlags,
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

/// Measures, and prints what was found.
///
/// # Errors
/// When the cluster does not answer, or the group has committed nothing.
pub fn run(args: &LagArgs) -> Result<()> {
    let kafka = args.cluster.kafka()?;
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
