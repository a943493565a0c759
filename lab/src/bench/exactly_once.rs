use std::process::Command;

use millrace_core::Result;
use millrace_core::kafka::TopicDefaults;
use millrace_core::shutdown::Shutdown;
use millrace_producer::report::grouped;

use super::contestant::{Contestant, table};
use super::round::{check, our_rate};
use crate::cluster::{self, Cluster};
use crate::cluster_args::ClusterArgs;
use crate::program::program;
use crate::registry;

/// What `lab bench exactly-once` can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Records per round
    #[arg(long, default_value_t = 2_000_000)]
    records: u64,
    /// Machines, which are also the keys
    #[arg(long, default_value_t = 1000)]
    machines: u64,
    /// Rounds, both in turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Partitions of the topics
    #[arg(long, default_value_t = 3)]
    partitions: i32,
    /// Seconds between two commits
    #[arg(long, default_value_t = 1.0)]
    transaction_interval: f64,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// One of the two ways to send.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Plain,
    Transactions,
}

/// Runs the rounds and prints the table.
pub(super) fn run(args: &Args) -> Result<()> {
    check(args.records, args.machines, args.rounds)?;
    let cluster = cluster::start(&args.cluster.plain_request(), &Shutdown::on_signals()?)?;
    let registry = registry::start(registry::Options::in_memory(0))?;
    println!(
        "{}\n{} records a round, {} machines, {} partitions, as fast as it goes; transactions of {} s or 50,000 records",
        cluster.describe(),
        grouped(args.records),
        args.machines,
        args.partitions,
        args.transaction_interval
    );
    let mut plain = Contestant::new("plain, idempotent", our_rate);
    let mut transactions = Contestant::new("exactly once", our_rate);
    for round in 0..=args.rounds {
        let mut both = [(Way::Transactions, &mut transactions), (Way::Plain, &mut plain)];
        // The first in a round changes each time.
        both.rotate_left(round % 2);
        for (way, contestant) in both {
            contestant.race(round, args.records, command(args, &cluster, &registry.url(), way, round)?)?;
        }
    }
    table(&transactions, &plain, "exactly once / plain");
    Ok(())
}

fn command(args: &Args, cluster: &Cluster, registry_url: &str, way: Way, round: usize) -> Result<Command> {
    let name = if way == Way::Plain { "plain" } else { "exact" };
    let topic = format!("bench-{}-{name}-{round}", std::process::id());
    // Made beforehand, so that neither pays for it.
    cluster.kafka().ensure_topic(&topic, Some(args.partitions), &TopicDefaults::default())?;
    let mut command = program("producer")?;
    command
        .args(["--mode", "kafka", "--speed", "max", "--topic", &topic])
        .args(["--bootstrap-server", cluster.bootstrap_server(), "--schema-registry-url", registry_url])
        .args(["--machines", &args.machines.to_string()])
        .args(["--duration", &(args.records / args.machines).to_string()]);
    if way == Way::Transactions {
        command.args(["--exactly-once", "--transaction-interval", &args.transaction_interval.to_string()]);
    }
    Ok(command)
}
