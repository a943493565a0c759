use std::process::Command;
use std::time::{Duration, Instant};

use millrace_core::kafka::{ClusterFlags, TopicDefaults, cause};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_producer::report::grouped;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer;

use super::contestant::{Contestant, ratios, rows};
use super::round::{check, our_rate};
use crate::cluster::{self, Cluster};
use crate::cluster_args::ClusterArgs;
use crate::program::program;
use crate::registry;

const JAVA_TOOL: &str = "org.apache.kafka.tools.ConsumerPerformance";
const WAIT: Duration = Duration::from_secs(30);

/// What `lab bench consumer` can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Records that each reads in a round
    #[arg(long, default_value_t = 3_000_000)]
    records: u64,
    /// Machines, which are also the keys
    #[arg(long, default_value_t = 1000)]
    machines: u64,
    /// Rounds, all in turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Partitions of the topic
    #[arg(long, default_value_t = 3)]
    partitions: i32,
    /// Seconds between two commits or transactions
    #[arg(long, default_value_t = 1.0)]
    commit_interval: f64,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// What `lab bench bare-consumer` can be told.
#[derive(Debug, clap::Args)]
pub struct Bare {
    /// Topic that is read
    #[arg(long)]
    topic: String,
    /// Records after which it ends
    #[arg(long)]
    records: u64,
    #[command(flatten)]
    cluster: ClusterFlags,
}

/// Runs the rounds and prints the table.
pub(super) fn run(args: &Args) -> Result<()> {
    check(args.records, args.machines, args.rounds)?;
    let cluster = cluster::start(&args.cluster.plain_request(), &Shutdown::on_signals()?)?;
    let registry = registry::start(registry::Options::in_memory(0))?;
    let topic = format!("bench-{}", std::process::id());
    fill(args, &cluster, &registry.url(), &topic)?;
    println!(
        "{}\n{} records of {} machines in {} partitions, read from the first to the last; commits each {} s",
        cluster.describe(),
        grouped(args.records),
        args.machines,
        args.partitions,
        args.commit_interval
    );
    let mut all = [
        Contestant::new("bare rdkafka consumer", our_rate),
        Contestant::new("Java ConsumerPerformance", java_rate),
        Contestant::new("consumer, at least once", our_rate),
        Contestant::new("consumer, exactly once", our_rate),
    ];
    let tools = cluster.tool(JAVA_TOOL).is_some();
    // Round 0 warms the broker up and is not counted; the first in a round changes each time.
    for round in 0..=args.rounds {
        for turn in 0..all.len() {
            let place = (turn + round) % all.len();
            let command = match place {
                0 => bare(args, &cluster, &topic)?,
                1 if tools => java(args, &cluster, &topic, round)?,
                1 => continue,
                2 => ours(args, &cluster, &registry.url(), &topic, (round, "at-least-once"))?,
                _ => ours(args, &cluster, &registry.url(), &topic, (round, "exactly-once"))?,
            };
            all[place].race(round, args.records, command)?;
        }
    }
    let [bare, java, least, exactly] = &all;
    rows(&if tools { vec![bare, java, least, exactly] } else { vec![bare, least, exactly] });
    ratios(least, bare, "at least once / bare");
    if tools {
        ratios(least, java, "at least once / Java");
    }
    ratios(exactly, least, "exactly once / at least once");
    Ok(())
}

fn fill(args: &Args, cluster: &Cluster, registry: &str, topic: &str) -> Result<()> {
    cluster.kafka().ensure_topic(topic, Some(args.partitions), &TopicDefaults::default())?;
    let filled = program("producer")?
        .args(["--mode", "kafka", "--speed", "max", "--topic", topic, "--quiet"])
        .args(["--bootstrap-server", cluster.bootstrap_server(), "--schema-registry-url", registry])
        .args(["--machines", &args.machines.to_string()])
        .args(["--duration", &args.records.div_ceil(args.machines).to_string()])
        .status();
    match filled {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::failed(format!("the topic {topic} cannot be filled: {status}"))),
        Err(error) => Err(Error::failed(format!("the topic {topic} cannot be filled: {error}"))),
    }
}

fn bare(args: &Args, cluster: &Cluster, topic: &str) -> Result<Command> {
    let mut command = program("bench")?;
    command
        .args(["bare-consumer", "--topic", topic, "--records", &args.records.to_string()])
        .args(["--bootstrap-server", cluster.bootstrap_server()]);
    Ok(command)
}

fn java(args: &Args, cluster: &Cluster, topic: &str, round: usize) -> Result<Command> {
    let refuse = || Error::failed("the comparison needs Kafka's Java tools: install Java 17 and Maven");
    let mut command = cluster.tool(JAVA_TOOL).ok_or_else(refuse)?;
    command
        .args(["--topic", topic, "--group", &format!("{topic}-java-{round}")])
        .args(["--messages", &args.records.to_string(), "--hide-header"])
        .args(["--bootstrap-server", cluster.bootstrap_server()]);
    Ok(command)
}

fn ours(
    args: &Args,
    cluster: &Cluster,
    registry: &str,
    topic: &str,
    (round, guarantee): (usize, &str),
) -> Result<Command> {
    let mut command = program("consumer")?;
    command
        .args(["--topic", topic, "--group-id", &format!("{topic}-{guarantee}-{round}")])
        .args(["--from-beginning", "--max-messages", &args.records.to_string(), "--guarantee", guarantee])
        .args(["--commit-interval", &args.commit_interval.to_string()])
        .args(["--output-format", "text", "--show", "nothing"])
        .args(["--bootstrap-server", cluster.bootstrap_server(), "--schema-registry-url", registry]);
    Ok(command)
}

/// The rate without the time of joining the group, which the others do not count either.
fn java_rate(text: &str) -> Option<f64> {
    let line = text.lines().rfind(|line| line.matches(',').count() == 9)?;
    line.rsplit(',').next()?.trim().parse().ok()
}

/// Reads a topic and does nothing with it: as fast as the library hands records out.
pub(super) fn run_bare(args: &Bare) -> Result<()> {
    let refuse = |why: String| Error::failed(format!("topic {} cannot be read: {why}", args.topic));
    let kafka = args.cluster.kafka()?;
    let partitions = kafka.partitions(&args.topic)?.ok_or_else(|| refuse("it is not there".to_owned()))?;
    let reader = kafka.reader()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_range(&args.topic, 0, partitions - 1);
    list.set_all_offsets(rdkafka::Offset::Beginning).map_err(|e| refuse(cause(&e)))?;
    reader.assign(&list).map_err(|e| refuse(cause(&e)))?;
    let (mut began, mut count) = (None, 0_u64);
    while count < args.records {
        match reader.poll(WAIT) {
            Some(Ok(_)) => count += 1,
            Some(Err(error)) => return Err(refuse(cause(&error))),
            None => return Err(refuse(format!("it ends after {count} records"))),
        }
        began.get_or_insert_with(Instant::now);
    }
    let seconds = began.map_or(0.0, |began| began.elapsed().as_secs_f64());
    println!(
        "read {count} records in {seconds:.3} s ({} records/s)",
        grouped((count as f64 / seconds) as u64)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_java_tools_rate_is_that_of_fetching() {
        let line = "2026-01-01 10:00:00:000, 2026-01-01 10:00:04:100, 320.1, 78.0, 3000000, 731707.3, 500, 3600, 88.9, 833333.3";
        assert_eq!(java_rate(&format!("a warning, with a comma\n{line}\n")), Some(833_333.3));
    }
}
