//! `lab outage`: a stream through the death and return of brokers, and a count of what came through.

mod audit;
mod consumers;
mod drill;

use std::time::Duration;

use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_producer::report::grouped;

use crate::cluster;
use crate::cluster_args::ClusterArgs;
use crate::registry;

pub use audit::Audit;
pub use drill::{Plan, Report, drill};

/// What `lab outage` can be told.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  lab outage                                 three brokers, one killed and one restarted, 1,000,000 records
  lab outage --brokers 1 --down 30           the only broker is away for half a minute
  lab outage --cluster java --records 100000 --seconds 15
  lab outage consumers                       outages of 1 to 400 seconds under consumers")]
pub struct Args {
    #[command(subcommand)]
    under: Option<Under>,
    /// Records that are sent
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Machines, which are also the keys
    #[arg(long, default_value_t = 100)]
    machines: u64,
    /// Wall seconds that the stream would take without an outage
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Seconds that a broker stays down
    #[arg(long, default_value_t = 5.0)]
    down: f64,
    /// Send in transactions, and count what is committed
    #[arg(long)]
    exactly_once: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// What an outage may come under instead of a stream.
#[derive(Debug, clap::Subcommand)]
enum Under {
    /// Stop the only broker under consumers again and again, and see how soon they go on and what they lost
    Consumers(consumers::Args),
}

/// Streams through the outage, counts, and says what it found.
///
/// # Errors
/// When the cluster is not ours to kill, a part breaks, or a record is missing, repeated or out of order.
pub fn run(args: &Args) -> Result<()> {
    if let Some(Under::Consumers(args)) = &args.under {
        return consumers::run(args);
    }
    let plan = args.plan()?;
    let shutdown = Shutdown::on_signals()?;
    let flags = ClusterArgs { brokers: args.cluster.brokers.or(Some(3)), ..args.cluster.clone() };
    let mut cluster = cluster::start(&flags.plain_request(), &shutdown)?;
    println!("took      {}", cluster.describe());
    let registry = registry::start(registry::Options::in_memory(0))?;
    let told = drill(&mut cluster, &registry.url(), &plan, &shutdown, &|line| println!("{line}"));
    cluster.stop();
    let report = told?;
    print(&report);
    report.check()
}

impl Args {
    fn plan(&self) -> Result<Plan> {
        let within = |value: f64| value > 0.0 && value <= 86_400.0;
        if self.machines == 0 || self.records < self.machines {
            return Err(Error::usage("--records must be at least --machines, and both at least 1"));
        }
        if !within(self.seconds) || !within(self.down) {
            return Err(Error::usage("--seconds and --down must be above 0 and at most 86400"));
        }
        Ok(Plan {
            topic: "outage".into(),
            each: self.records / self.machines,
            machines: self.machines,
            seconds: self.seconds,
            down: Duration::from_secs_f64(self.down),
            exactly_once: self.exactly_once,
            properties: Vec::new(),
        })
    }
}

fn print(report: &Report) {
    let Report { summary, audit, most_waiting, .. } = report;
    println!(
        "\ngenerated     {}\nacknowledged  {} in {:.1} s, at most {} waited for a broker at a time\n\
         in the topic  {}\nmissing       {}\nrepeated      {}\nout of order  {}",
        grouped(summary.generated),
        grouped(summary.acknowledged),
        summary.elapsed.as_secs_f64(),
        grouped(*most_waiting),
        grouped(audit.records),
        grouped(audit.missing),
        grouped(audit.repeated),
        grouped(audit.out_of_order),
    );
}
