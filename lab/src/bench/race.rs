//! Readers of one topic, in turn.

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
use crate::program::{beside, program};
use crate::registry::{self, RegistryServer};

const JAVA_TOOL: &str = "org.apache.kafka.tools.ConsumerPerformance";
const WAIT: Duration = Duration::from_secs(30);

/// A client that does nothing with what it reads.
pub(super) const BARE: &str = "bare rdkafka consumer";

/// Reads a topic and does nothing with it: a contestant of `lab bench`.
#[derive(Debug, clap::Parser)]
#[command(name = "bare-consumer", version)]
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

const BARE_PROGRAM: &str = "bare-consumer";

/// What can be told of any race.
#[derive(Debug, clap::Args)]
pub struct RaceArgs {
    /// Records that each reads in a round
    #[arg(long, default_value_t = 3_000_000)]
    pub records: u64,
    /// Rounds, all in turn
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Partitions of the topics
    #[arg(long, default_value_t = 3)]
    pub partitions: i32,
    /// Seconds between two commits or transactions
    #[arg(long, default_value_t = 1.0)]
    pub commit_interval: f64,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// A race of readers on one cluster.
pub(super) struct Race<'a> {
    pub args: &'a RaceArgs,
    pub cluster: Cluster,
    pub registry: RegistryServer,
}

/// Who reads.
pub(super) enum Reader {
    Bare,
    Java,
    /// One of ours, with what it is told besides.
    Ours {
        program: &'static str,
        guarantee: &'static str,
        more: Vec<String>,
    },
}

/// A contestant with what it reads.
pub(super) struct Runner {
    pub contestant: Contestant,
    reader: Reader,
    topic: String,
}

impl Runner {
    pub fn new(name: &'static str, reader: Reader, topic: &str) -> Self {
        let rate = if let Reader::Java = reader { java_rate } else { our_rate };
        Self { contestant: Contestant::new(name, rate), reader, topic: topic.to_owned() }
    }
}

/// Two names and what their ratio is called.
pub(super) type Pair = (&'static str, &'static str, &'static str);

impl<'a> Race<'a> {
    /// Starts the cluster and a registry, for topics of so many machines at most.
    pub fn start(args: &'a RaceArgs, machines: u64) -> Result<Self> {
        check(args.records, machines, args.rounds)?;
        // Better before the topics are filled than afterwards.
        beside(BARE_PROGRAM)?;
        let cluster = cluster::start(&args.cluster.plain_request(), &Shutdown::on_signals()?)?;
        Ok(Self { args, cluster, registry: registry::start(registry::Options::in_memory(0))? })
    }

    /// The readings of each of so many machines that make the records of a round.
    pub fn each(&self, machines: u64) -> u64 {
        self.args.records.div_ceil(machines)
    }

    /// Whether Kafka's Java tools are there.
    pub fn has_java(&self) -> bool {
        self.cluster.tool(JAVA_TOOL).is_some()
    }

    /// Runs all in turn, and prints the table and these ratios.
    pub fn run(&self, runners: &mut [Runner], pairs: &[Pair]) -> Result<()> {
        // Round 0 warms the broker up and is not counted; the first in a round changes each time.
        for round in 0..=self.args.rounds {
            let count = runners.len();
            for turn in 0..count {
                let runner = &mut runners[(turn + round) % count];
                let command = self.command(runner, round)?;
                runner.contestant.race(round, self.args.records, command)?;
            }
        }
        rows(&runners.iter().map(|runner| &runner.contestant).collect::<Vec<_>>());
        let of = |name| runners.iter().map(|runner| &runner.contestant).find(|one| one.name() == name);
        for &(ours, theirs, name) in pairs {
            if let (Some(ours), Some(theirs)) = (of(ours), of(theirs)) {
                ratios(ours, theirs, name);
            }
        }
        Ok(())
    }

    /// Fills a topic with so many readings of so many machines, which come each so many seconds.
    pub fn fill(&self, topic: &str, (each, machines): (u64, u64), seconds: u64, more: &[&str]) -> Result<()> {
        let cluster = &self.cluster;
        cluster.kafka().ensure_topic(topic, Some(self.args.partitions), &TopicDefaults::default())?;
        let duration = each * seconds;
        let filled = program("producer")?
            .args(["--mode", "kafka", "--speed", "max", "--topic", topic, "--quiet"])
            .args(["--bootstrap-server", cluster.bootstrap_server()])
            .args(["--schema-registry-url", &self.registry.url()])
            .args(["--machines", &machines.to_string(), "--duration", &duration.to_string()])
            .args(["--rate", &(1.0 / seconds as f64).to_string()])
            .args(more)
            .status();
        match filled {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Error::failed(format!("the topic {topic} cannot be filled: {status}"))),
            Err(error) => Err(Error::failed(format!("the topic {topic} cannot be filled: {error}"))),
        }
    }

    fn command(&self, runner: &Runner, round: usize) -> Result<Command> {
        let topic = &runner.topic;
        match &runner.reader {
            Reader::Bare => self.bare(topic),
            Reader::Java => self.java(topic, round),
            Reader::Ours { program, guarantee, more } => {
                let mut command = self.ours(
                    program,
                    topic,
                    &format!("{topic}-{program}-{guarantee}-{round}"),
                    self.args.commit_interval,
                )?;
                command
                    .args(["--max-messages", &self.args.records.to_string(), "--guarantee", guarantee])
                    .args(more);
                Ok(command)
            }
        }
    }

    fn bare(&self, topic: &str) -> Result<Command> {
        let mut command = beside(BARE_PROGRAM)?;
        command
            .args(["--topic", topic, "--records", &self.args.records.to_string()])
            .args(["--bootstrap-server", self.cluster.bootstrap_server()]);
        Ok(command)
    }

    fn java(&self, topic: &str, round: usize) -> Result<Command> {
        let refuse = || Error::failed("the comparison needs Kafka's Java tools: install Java 17 and Maven");
        let mut command = self.cluster.tool(JAVA_TOOL).ok_or_else(refuse)?;
        command
            .args(["--topic", topic, "--group", &format!("{topic}-java-{round}")])
            .args(["--messages", &self.args.records.to_string(), "--hide-header"])
            .args(["--bootstrap-server", self.cluster.bootstrap_server()]);
        Ok(command)
    }

    /// One of ours as a member of a group, from the first record on where that is new.
    pub fn ours(&self, name: &str, topic: &str, group: &str, commit_interval: f64) -> Result<Command> {
        let mut command = program(name)?;
        command
            .args(["--topic", topic, "--group-id", group, "--from-beginning", "--output-format", "text"])
            .args(["--commit-interval", &commit_interval.to_string()])
            .args(["--bootstrap-server", self.cluster.bootstrap_server()])
            .args(["--schema-registry-url", &self.registry.url()]);
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
