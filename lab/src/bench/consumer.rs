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
    /// Also reads a topic of so many machines, as many records of it
    #[arg(long)]
    many_machines: Option<u64>,
    /// Also reads a topic of which such a share of the records is corrupt, such as 0.01
    #[arg(long)]
    corrupt: Option<f64>,
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

/// A race of readers on one cluster.
struct Race<'a> {
    args: &'a Args,
    cluster: Cluster,
    registry: String,
    topic: String,
}

/// Who reads, and what.
enum Reader {
    Bare,
    Java,
    Consumer(&'static str, String),
}

/// Runs the rounds and prints the table.
pub(super) fn run(args: &Args) -> Result<()> {
    check(args.records, args.machines.max(args.many_machines.unwrap_or(1)), args.rounds)?;
    let cluster = cluster::start(&args.cluster.plain_request(), &Shutdown::on_signals()?)?;
    let registry = registry::start(registry::Options::in_memory(0))?;
    let topic = format!("bench-{}", std::process::id());
    let race = Race { args, cluster, registry: registry.url(), topic };
    race.fill(&race.topic, args.machines, &[])?;
    let mut readers = race.readers()?;
    println!(
        "{}\n{} records of {} machines in {} partitions, read from the first to the last; commits each {} s",
        race.cluster.describe(),
        grouped(args.records),
        args.machines,
        args.partitions,
        args.commit_interval
    );
    // Round 0 warms the broker up and is not counted; the first in a round changes each time.
    for round in 0..=args.rounds {
        let count = readers.len();
        for turn in 0..count {
            let (contestant, reader) = &mut readers[(turn + round) % count];
            contestant.race(round, args.records, race.command(reader, round)?)?;
        }
    }
    rows(&readers.iter().map(|(contestant, _)| contestant).collect::<Vec<_>>());
    compare(&readers);
    Ok(())
}

const BARE: &str = "bare rdkafka consumer";
const JAVA: &str = "Java ConsumerPerformance";
const LEAST: &str = "consumer, at least once";
const EXACTLY: &str = "consumer, exactly once";
const MANY: &str = "consumer, many machines";
const CORRUPT: &str = "consumer, some corrupt";

fn compare(readers: &[(Contestant, Reader)]) {
    let of = |name| readers.iter().map(|(contestant, _)| contestant).find(|one| one.name() == name);
    let pairs = [
        (LEAST, BARE, "at least once / bare"),
        (LEAST, JAVA, "at least once / Java"),
        (EXACTLY, LEAST, "exactly once / at least once"),
        (MANY, LEAST, "many machines / fewer"),
        (CORRUPT, LEAST, "some corrupt / none"),
    ];
    for (ours, theirs, name) in pairs {
        if let (Some(ours), Some(theirs)) = (of(ours), of(theirs)) {
            ratios(ours, theirs, name);
        }
    }
}

impl Race<'_> {
    fn readers(&self) -> Result<Vec<(Contestant, Reader)>> {
        let ours = |name, guarantee, topic: &str| {
            (Contestant::new(name, our_rate), Reader::Consumer(guarantee, topic.to_owned()))
        };
        let mut all = vec![(Contestant::new(BARE, our_rate), Reader::Bare)];
        if self.cluster.tool(JAVA_TOOL).is_some() {
            all.push((Contestant::new(JAVA, java_rate), Reader::Java));
        }
        all.push(ours(LEAST, "at-least-once", &self.topic));
        all.push(ours(EXACTLY, "exactly-once", &self.topic));
        if let Some(machines) = self.args.many_machines {
            let topic = format!("{}-many", self.topic);
            self.fill(&topic, machines, &[])?;
            all.push(ours(MANY, "at-least-once", &topic));
        }
        if let Some(share) = self.args.corrupt {
            let topic = format!("{}-corrupt", self.topic);
            self.fill(&topic, self.args.machines, &["--disorder", &format!("corrupt={share}")])?;
            all.push(ours(CORRUPT, "at-least-once", &topic));
        }
        Ok(all)
    }

    fn fill(&self, topic: &str, machines: u64, more: &[&str]) -> Result<()> {
        let (args, cluster) = (self.args, &self.cluster);
        cluster.kafka().ensure_topic(topic, Some(args.partitions), &TopicDefaults::default())?;
        let filled = program("producer")?
            .args(["--mode", "kafka", "--speed", "max", "--topic", topic, "--quiet"])
            .args(["--bootstrap-server", cluster.bootstrap_server(), "--schema-registry-url", &self.registry])
            .args(["--machines", &machines.to_string()])
            .args(["--duration", &args.records.div_ceil(machines).to_string()])
            .args(more)
            .status();
        match filled {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Error::failed(format!("the topic {topic} cannot be filled: {status}"))),
            Err(error) => Err(Error::failed(format!("the topic {topic} cannot be filled: {error}"))),
        }
    }

    fn command(&self, reader: &Reader, round: usize) -> Result<Command> {
        match reader {
            Reader::Bare => self.bare(),
            Reader::Java => self.java(round),
            Reader::Consumer(guarantee, topic) => self.ours(topic, guarantee, round),
        }
    }

    fn bare(&self) -> Result<Command> {
        let mut command = program("bench")?;
        command
            .args(["bare-consumer", "--topic", &self.topic, "--records", &self.args.records.to_string()])
            .args(["--bootstrap-server", self.cluster.bootstrap_server()]);
        Ok(command)
    }

    fn java(&self, round: usize) -> Result<Command> {
        let refuse = || Error::failed("the comparison needs Kafka's Java tools: install Java 17 and Maven");
        let mut command = self.cluster.tool(JAVA_TOOL).ok_or_else(refuse)?;
        command
            .args(["--topic", &self.topic, "--group", &format!("{}-java-{round}", self.topic)])
            .args(["--messages", &self.args.records.to_string(), "--hide-header"])
            .args(["--bootstrap-server", self.cluster.bootstrap_server()]);
        Ok(command)
    }

    fn ours(&self, topic: &str, guarantee: &str, round: usize) -> Result<Command> {
        let (args, server) = (self.args, self.cluster.bootstrap_server());
        let mut command = program("consumer")?;
        command
            .args(["--topic", topic, "--group-id", &format!("{topic}-{guarantee}-{round}")])
            .args(["--from-beginning", "--max-messages", &args.records.to_string(), "--guarantee", guarantee])
            .args(["--commit-interval", &args.commit_interval.to_string()])
            .args(["--output-format", "text", "--show", "nothing"])
            .args(["--bootstrap-server", server, "--schema-registry-url", &self.registry]);
        Ok(command)
    }
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
