use std::process::Command;

use millrace_core::kafka::{Kafka, Properties, TopicDefaults};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_producer::batch::{Machines, Part};
use millrace_producer::generate::{Encoding, Order, Shard};
use millrace_producer::report::grouped;
use millrace_producer::settings;

use super::contestant::{Contestant, table};
use super::round::{check, number_before, our_rate};
use crate::cluster::{self, Cluster};
use crate::cluster_args::ClusterArgs;
use crate::program::program;
use crate::registry;

const JAVA_TOOL: &str = "org.apache.kafka.tools.ProducerPerformance";

/// What `lab bench producer` can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Records per round
    #[arg(long, default_value_t = 2_000_000)]
    records: u64,
    /// Machines, which are also the keys
    #[arg(long, default_value_t = 1000)]
    machines: u64,
    /// Rounds, ours and theirs in turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Partitions of the topic
    #[arg(long, default_value_t = 4)]
    partitions: i32,
    /// batch.size of both, bytes
    #[arg(long, default_value_t = 1_000_000)]
    batch_size: u32,
    /// linger.ms of both
    #[arg(long, default_value_t = 5)]
    linger: u32,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs the rounds and prints the table.
pub(super) fn run(args: &Args) -> Result<()> {
    check(args.records, args.machines, args.rounds)?;
    let cluster = cluster::start(&args.cluster.plain_request(), &Shutdown::on_signals()?)?;
    let registry = registry::start(registry::Options::in_memory(0))?;
    let size = mean_size(args)?;
    println!(
        "{}\n{} records a round, {size} bytes each, {} keys (ours), {} partitions, acks=all, idempotent, \
         batch.size {}, linger.ms {}",
        cluster.describe(),
        grouped(args.records),
        args.machines,
        args.partitions,
        args.batch_size,
        args.linger
    );
    let mut ours = Contestant::new("millrace producer", our_rate);
    let mut theirs = Contestant::new("Java ProducerPerformance", |text| number_before(text, " records/sec"));
    // Round 0 warms the broker up and is not counted; after it the first in a round changes each time.
    ensure_topics(args, &cluster)?;
    for round in 0..=args.rounds {
        let topic = topic(round);
        if round % 2 == 0 {
            ours.race(round, args.records, our_command(args, &cluster, &registry.url(), &topic)?)?;
            theirs.race(round, args.records, their_command(args, &cluster, &topic, size)?)?;
        } else {
            theirs.race(round, args.records, their_command(args, &cluster, &topic, size)?)?;
            ours.race(round, args.records, our_command(args, &cluster, &registry.url(), &topic)?)?;
        }
    }
    table(&ours, &theirs, "ours / theirs");
    Ok(())
}

/// Topics are made beforehand, so either can be the first to use one.
fn ensure_topics(args: &Args, cluster: &Cluster) -> Result<()> {
    let kafka = Kafka::new(cluster.bootstrap_server(), Properties::default());
    for round in 0..=args.rounds {
        kafka.ensure_topic(&topic(round), Some(args.partitions), &TopicDefaults::default())?;
    }
    Ok(())
}

fn topic(round: usize) -> String {
    format!("bench-{}-{round}", std::process::id())
}

fn our_command(args: &Args, cluster: &Cluster, registry_url: &str, topic: &str) -> Result<Command> {
    let mut command = program("producer")?;
    command
        .args(["--mode", "kafka", "--speed", "max", "--topic", topic])
        .args(["--bootstrap-server", cluster.bootstrap_server(), "--schema-registry-url", registry_url])
        .args(["--machines", &args.machines.to_string(), "--partitions", &args.partitions.to_string()])
        .args(["--duration", &(args.records / args.machines).to_string()])
        .args([
            "-X",
            &format!("batch.size={}", args.batch_size),
            "-X",
            &format!("linger.ms={}", args.linger),
        ]);
    Ok(command)
}

fn their_command(args: &Args, cluster: &Cluster, topic: &str, size: usize) -> Result<Command> {
    let mut command = cluster
        .tool(JAVA_TOOL)
        .ok_or_else(|| Error::failed("the comparison needs Kafka's Java tools: install Java 17 and Maven"))?;
    command
        .args(["--topic", topic, "--num-records", &args.records.to_string()])
        .args(["--record-size", &size.to_string(), "--throughput", "-1", "--producer-props"])
        .arg(format!("bootstrap.servers={}", cluster.bootstrap_server()))
        .args(["acks=all", "enable.idempotence=true"])
        .args([format!("batch.size={}", args.batch_size), format!("linger.ms={}", args.linger)]);
    Ok(command)
}

/// Mean size of our framed records, bytes.
fn mean_size(args: &Args) -> Result<usize> {
    let flags = ["producer", "--machines", &args.machines.to_string(), "--seed", "1"].map(Into::into);
    let settings = settings::read(flags)?.ok_or_else(|| Error::usage("--machines: not a count"))?;
    let machines = Machines { ids: settings.machines.clone(), partitions: Vec::new() };
    let mut shard = Shard::new(&settings, machines, Encoding::Avro(1));
    let mut part = Part::default();
    shard.fill(&Order { ticks: 100, ..Order::default() }, &mut part);
    Ok(part.readings.bytes.len() / part.readings.records.len().max(1))
}
