use millrace_core::Result;
use millrace_producer::report::grouped;

use super::race::{BARE, Race, RaceArgs, Reader, Runner};

/// What `lab bench consumer` can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    race: RaceArgs,
    /// Machines, which are also the keys
    #[arg(long, default_value_t = 1000)]
    machines: u64,
    /// Also reads a topic of so many machines, as many records of it
    #[arg(long)]
    many_machines: Option<u64>,
    /// Also reads a topic of which such a share of the records is corrupt, such as 0.01
    #[arg(long)]
    corrupt: Option<f64>,
}

const JAVA: &str = "Java ConsumerPerformance";
const LEAST: &str = "consumer, at least once";
const EXACTLY: &str = "consumer, exactly once";
const MANY: &str = "consumer, many machines";
const CORRUPT: &str = "consumer, some corrupt";

/// Runs the rounds and prints the table.
pub(super) fn run(args: &Args) -> Result<()> {
    let race = Race::start(&args.race, args.machines.max(args.many_machines.unwrap_or(1)))?;
    let mut runners = runners(args, &race)?;
    println!(
        "{}\n{} records of {} machines in {} partitions, read from the first to the last; commits each {} s",
        race.cluster.describe(),
        grouped(args.race.records),
        args.machines,
        args.race.partitions,
        args.race.commit_interval
    );
    let pairs = [
        (LEAST, BARE, "at least once / bare"),
        (LEAST, JAVA, "at least once / Java"),
        (EXACTLY, LEAST, "exactly once / at least once"),
        (MANY, LEAST, "many machines / fewer"),
        (CORRUPT, LEAST, "some corrupt / none"),
    ];
    race.run(&mut runners, &pairs)
}

fn runners(args: &Args, race: &Race) -> Result<Vec<Runner>> {
    let ours = |guarantee| Reader::Ours {
        program: "consumer",
        guarantee,
        more: vec!["--show".to_owned(), "nothing".to_owned()],
    };
    let topic = format!("bench-{}", std::process::id());
    race.fill(&topic, (race.each(args.machines), args.machines), 1, &[])?;
    let mut all = vec![Runner::new(BARE, Reader::Bare, &topic)];
    if race.has_java() {
        all.push(Runner::new(JAVA, Reader::Java, &topic));
    }
    all.push(Runner::new(LEAST, ours("at-least-once"), &topic));
    all.push(Runner::new(EXACTLY, ours("exactly-once"), &topic));
    if let Some(machines) = args.many_machines {
        let topic = format!("{topic}-many");
        race.fill(&topic, (race.each(machines), machines), 1, &[])?;
        all.push(Runner::new(MANY, ours("at-least-once"), &topic));
    }
    if let Some(share) = args.corrupt {
        let topic = format!("{topic}-corrupt");
        race.fill(
            &topic,
            (race.each(args.machines), args.machines),
            1,
            &["--disorder", &format!("corrupt={share}")],
        )?;
        all.push(Runner::new(CORRUPT, ours("at-least-once"), &topic));
    }
    Ok(all)
}
