use millrace_core::Result;
use millrace_core::shutdown::Shutdown;
use millrace_producer::report::grouped;

use super::race::{BARE, Race, Reader, Runner};
use super::round::check;
use crate::cluster;
use crate::cluster_args::ClusterArgs;
use crate::registry;

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

const JAVA: &str = "Java ConsumerPerformance";
const LEAST: &str = "consumer, at least once";
const EXACTLY: &str = "consumer, exactly once";
const MANY: &str = "consumer, many machines";
const CORRUPT: &str = "consumer, some corrupt";

/// Runs the rounds and prints the table.
pub(super) fn run(args: &Args) -> Result<()> {
    check(args.records, args.machines.max(args.many_machines.unwrap_or(1)), args.rounds)?;
    let race = Race {
        cluster: cluster::start(&args.cluster.plain_request(), &Shutdown::on_signals()?)?,
        registry: registry::start(registry::Options::in_memory(0))?,
        records: args.records,
        partitions: args.partitions,
        commit_interval: args.commit_interval,
    };
    let mut runners = runners(args, &race)?;
    println!(
        "{}\n{} records of {} machines in {} partitions, read from the first to the last; commits each {} s",
        race.cluster.describe(),
        grouped(args.records),
        args.machines,
        args.partitions,
        args.commit_interval
    );
    let pairs = [
        (LEAST, BARE, "at least once / bare"),
        (LEAST, JAVA, "at least once / Java"),
        (EXACTLY, LEAST, "exactly once / at least once"),
        (MANY, LEAST, "many machines / fewer"),
        (CORRUPT, LEAST, "some corrupt / none"),
    ];
    race.run(args.rounds, &mut runners, &pairs)
}

fn runners(args: &Args, race: &Race) -> Result<Vec<Runner>> {
    let ours = |guarantee| Reader::Ours {
        program: "consumer",
        guarantee,
        more: vec!["--show".to_owned(), "nothing".to_owned()],
    };
    let topic = format!("bench-{}", std::process::id());
    race.fill(&topic, (args.records.div_ceil(args.machines), args.machines), 1, &[])?;
    let mut all = vec![Runner::new(BARE, Reader::Bare, &topic)];
    if race.has_java() {
        all.push(Runner::new(JAVA, Reader::Java, &topic));
    }
    all.push(Runner::new(LEAST, ours("at-least-once"), &topic));
    all.push(Runner::new(EXACTLY, ours("exactly-once"), &topic));
    if let Some(machines) = args.many_machines {
        let topic = format!("{topic}-many");
        race.fill(&topic, (args.records.div_ceil(machines), machines), 1, &[])?;
        all.push(Runner::new(MANY, ours("at-least-once"), &topic));
    }
    if let Some(share) = args.corrupt {
        let topic = format!("{topic}-corrupt");
        race.fill(
            &topic,
            (args.records.div_ceil(args.machines), args.machines),
            1,
            &["--disorder", &format!("corrupt={share}")],
        )?;
        all.push(Runner::new(CORRUPT, ours("at-least-once"), &topic));
    }
    Ok(all)
}
