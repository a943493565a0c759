//! `lab outage consumers`: a broker that is away for a while, under consumers that go on when it is back.

mod drill;
mod member;
mod report;

use std::time::Duration;

use clap::ValueEnum;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

use crate::cluster;
use crate::cluster_args::ClusterArgs;
use crate::registry;
use crate::table::Form;
use drill::drill;

/// What `lab outage consumers` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A producer sends all the while; what it cannot send during an outage comes afterwards. A consumer has gone on when its
group has committed something new; the time counts from the moment at which the broker answers again.

Examples:
  lab outage consumers                                    both guarantees, 1, 10, 60 and 400 seconds; ten minutes
  lab outage consumers --down 1 --guarantee exactly-once")]
pub struct Args {
    /// Seconds that the broker is away, one outage after the other
    #[arg(long, value_delimiter = ',', default_values_t = [1.0, 10.0, 60.0, 400.0])]
    down: Vec<f64>,
    /// Guarantees, each with a consumer of its own
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Guarantee::AtLeastOnce, Guarantee::ExactlyOnce])]
    guarantee: Vec<Guarantee>,
    /// Records a second
    #[arg(long, default_value_t = 1_000)]
    rate: u64,
    /// How the table is printed
    #[arg(long, value_enum, default_value_t = Form::Text)]
    output_format: Form,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Guarantees that an outage must not break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Guarantee {
    /// Nothing is lost
    AtLeastOnce,
    /// Nothing is lost or repeated
    ExactlyOnce,
}

impl Guarantee {
    fn name(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "at-least-once",
            Self::ExactlyOnce => "exactly-once",
        }
    }

    /// How soon its consumer must go on: `init_transactions` takes its time.
    fn patience(self) -> Duration {
        match self {
            Self::AtLeastOnce => Duration::from_secs(10),
            Self::ExactlyOnce => Duration::from_secs(60),
        }
    }
}

impl std::fmt::Display for Guarantee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What is done.
#[derive(Debug, Clone)]
struct Plan {
    downs: Vec<Duration>,
    guarantees: Vec<Guarantee>,
    rate: u64,
}

/// Takes the broker away and back, and says what it found.
///
/// # Errors
/// When the cluster is not ours to kill, a part breaks, something was lost, or a consumer went on too late.
pub fn run(args: &Args) -> Result<()> {
    let plan = args.plan()?;
    let shutdown = Shutdown::on_signals()?;
    let mut cluster = cluster::start(&args.cluster.plain_request(), &shutdown)?;
    eprintln!("{}", cluster.describe());
    let registry = registry::start(registry::Options::in_memory(0))?;
    let told = drill(&mut cluster, &registry.url(), &plan, &shutdown, &|line| eprintln!("{line}"));
    cluster.stop();
    let report = told?;
    print!("{}", report.table(args.output_format));
    report.check()
}

impl Args {
    fn plan(&self) -> Result<Plan> {
        if self.cluster.brokers.is_some_and(|brokers| brokers != 1) {
            return Err(Error::usage("--brokers must be 1: with another broker there is no outage"));
        }
        if !self.down.iter().all(|down| (0.1..=86_400.0).contains(down)) {
            return Err(Error::usage("--down must be from 0.1 to 86400 seconds"));
        }
        if !(100..=100_000).contains(&self.rate) {
            return Err(Error::usage("--rate must be from 100 to 100000 records a second"));
        }
        Ok(Plan {
            downs: self.down.iter().copied().map(Duration::from_secs_f64).collect(),
            guarantees: self.guarantee.clone(),
            rate: self.rate,
        })
    }
}
