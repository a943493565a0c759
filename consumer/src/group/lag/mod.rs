//! How far a group is behind, be it ours or another's.

mod count;
mod measure;
mod show;
mod times;
mod watch;

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use chrono::Utc;
use clap::{Args, ValueEnum};
use crossterm::cursor::MoveTo;
use crossterm::terminal::{Clear, ClearType};
use millrace_core::Result;
use millrace_core::kafka::{ClusterFlags, Kafka};
use millrace_core::shutdown::Shutdown;

pub use count::count;
pub use measure::{Meter, PartitionLag, measure};
pub use watch::Watch;

use super::print;

/// What `consumer lag` can be told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  consumer lag --group my-consumer
  consumer lag --group my-consumer --watch 5
  consumer lag --group my-consumer --count --output-format json")]
pub struct LagArgs {
    /// The group
    #[arg(long, value_name = "GROUP")]
    group: String,
    /// One topic only [default: all in which the group has committed]
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Measure again every so many seconds [default: 2], with rates and the time to catch up
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = interval)]
    watch: Option<Duration>,
    /// Count the unread records one by one, for markers, compaction and deletion leave offsets without a record
    #[arg(long)]
    count: bool,
    /// How it is shown
    #[arg(long, value_enum, default_value_t = LagForm::Table)]
    output_format: LagForm,
    #[command(flatten)]
    cluster: ClusterFlags,
}

fn interval(text: &str) -> std::result::Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 0.1..=3_600.0) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("it is no time from 0.1 to 3600 seconds".to_owned()),
    }
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

/// Measures, once or until it is told to end, and prints what was found.
///
/// # Errors
/// When the cluster does not answer, or the group has committed nothing.
pub fn run(args: &LagArgs) -> Result<()> {
    let kafka = args.cluster.kafka()?;
    kafka.check()?;
    let meter = Meter::new(&kafka, &args.group, args.topic.as_deref())?;
    let first = look(args, &kafka, &meter)?;
    let Some(interval) = args.watch else { return print(&shown(args, &first)).map(drop) };
    watch(args, interval, first, &|| look(args, &kafka, &meter))
}

fn look(args: &LagArgs, kafka: &Kafka, meter: &Meter) -> Result<Vec<PartitionLag>> {
    let mut lags = meter.measure()?;
    if args.count {
        count(kafka, &mut lags)?;
    }
    Ok(lags)
}

fn watch(
    args: &LagArgs,
    interval: Duration,
    first: Vec<PartitionLag>,
    look: &dyn Fn() -> Result<Vec<PartitionLag>>,
) -> Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let (mut watch, began) = (Watch::default(), Instant::now());
    let in_place = args.output_format == LagForm::Table && std::io::stdout().is_terminal();
    let mut seen = Ok(first);
    loop {
        match seen {
            Ok(mut lags) => {
                watch.note(began.elapsed().as_secs_f64(), &mut lags);
                let text = shown(args, &lags);
                let clear = format!("{}{}", Clear(ClearType::All), MoveTo(0, 0));
                if !print(&if in_place { clear + &text } else { text })? {
                    return Ok(());
                }
            }
            // A broker may be back at the next look.
            Err(error) => eprintln!("{error}"),
        }
        if shutdown.wait(interval) {
            return Ok(());
        }
        seen = look();
    }
}

fn shown(args: &LagArgs, lags: &[PartitionLag]) -> String {
    match args.output_format {
        LagForm::Table => show::table(lags),
        LagForm::Json => show::json(&args.group, Utc::now().timestamp_millis(), lags),
        LagForm::Prometheus => show::prometheus(&args.group, lags),
    }
}
