use std::time::{Duration, Instant};

use millrace_consumer::outbox::{Letter, Outbox};
use millrace_core::kafka::{TopicDefaults, cause};
use millrace_core::{Error, Result};
use millrace_producer::report::grouped;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::race::{BARE, Race, RaceArgs, Reader, Runner};
use super::round::{measure, number_before, quantile};

const LEAST: &str = "detector, at least once";
const EXACTLY: &str = "detector, exactly once";
/// A machine's rows: those that it is learnt from and is quiet in, and those that open an alert, the last of which
/// is timed.
const QUIET: usize = 60;
const STRANGE: usize = 5;
const LEARNT_FROM: &str = "30";
/// Seconds between two commits where an alert's time is taken.
const OFTEN: f64 = 0.1;
const PATIENCE: Duration = Duration::from_secs(30);

/// What `lab bench detector` can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    race: RaceArgs,
    /// Machines, which are also the keys
    #[arg(long, default_value_t = 50)]
    machines: u64,
    /// Seconds of the plant's time between two readings of a machine; what is judged are minutes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    /// Alerts whose time is taken with each guarantee, commits each 0.1 s
    #[arg(long, default_value_t = 50)]
    alerts: usize,
    /// Machines whose state is restored
    #[arg(long, default_value_t = 10_000)]
    restored: u64,
}

/// Measures how fast `residual` reads a topic, how soon an alert comes, and how soon state is there again.
pub(super) fn run(args: &Args) -> Result<()> {
    let race = Race::start(&args.race, args.machines)?;
    let topic = format!("bench-{}", std::process::id());
    race.fill(&topic, (race.each(args.machines), args.machines), args.every, &[])?;
    println!(
        "{}\n{} records of {} machines, each {} s, in {} partitions, read from the first to the last; commits each {} s",
        race.cluster.describe(),
        grouped(args.race.records),
        args.machines,
        args.every,
        args.race.partitions,
        args.race.commit_interval
    );
    let ours = |name, guarantee| {
        let more = vec!["--input".to_owned(), "kafka".to_owned()];
        Runner::new(name, Reader::Ours { program: "detector", guarantee, more }, &topic)
    };
    let mut runners = [
        Runner::new(BARE, Reader::Bare, &topic),
        ours(LEAST, "at-least-once"),
        ours(EXACTLY, "exactly-once"),
    ];
    let pairs = [(LEAST, BARE, "at least once / bare"), (EXACTLY, LEAST, "exactly once / at least once")];
    race.run(&mut runners, &pairs)?;
    println!();
    for guarantee in ["at-least-once", "exactly-once"] {
        let mut times = latencies(&race, guarantee, args.alerts)?;
        println!(
            "{guarantee}: from a record's acknowledgement until a reader has its alert, {} times: median {:.0} ms, \
             90% {:.0} ms; commits each {OFTEN} s",
            times.len(),
            quantile(&mut times, 0.5),
            quantile(&mut times, 0.9)
        );
    }
    restoring(&race, args.restored)
}

/// Milliseconds from the acknowledgement of a record that opens an alert until a reader of committed records has it.
fn latencies(race: &Race, guarantee: &str, count: usize) -> Result<Vec<f64>> {
    let kafka = race.cluster.kafka();
    let topic = format!("rows-{}-{guarantee}", std::process::id());
    let alerts = format!("{topic}-alerts");
    for topic in [&topic, &alerts] {
        kafka.ensure_topic(topic, Some(1), &TopicDefaults::default())?;
    }
    let mut detector = race
        .ours("detector", &topic, &topic, OFTEN)?
        .args(["--input", "kafka", "--algorithm", "threshold", "--learn-rows", LEARNT_FROM])
        .args(["--sensors", "speed,heat", "--alerts-topic", &alerts, "--quiet", "--guarantee", guarantee])
        .stdout(std::process::Stdio::null())
        .spawn()
        .map_err(|e| Error::failed(format!("the detector cannot be started: {e}")))?;
    let times = timed(race, &topic, &alerts, count);
    drop(detector.kill());
    drop(detector.wait());
    times
}

fn timed(race: &Race, topic: &str, alerts: &str, count: usize) -> Result<Vec<f64>> {
    let kafka = race.cluster.kafka();
    let outbox = Outbox::new(Some(kafka))?;
    let reader = kafka.isolated_reader(true)?;
    let mut list = TopicPartitionList::new();
    let refuse = |why: String| Error::failed(format!("topic {alerts} cannot be read: {why}"));
    list.add_partition_offset(alerts, 0, Offset::Beginning).map_err(|e| refuse(cause(&e)))?;
    reader.assign(&list).map_err(|e| refuse(cause(&e)))?;
    let mut times = Vec::with_capacity(count);
    // The first finds the detector joining its group, and does not count.
    for number in 0..=count {
        let machine = format!("M{number}");
        let row = |place: usize| {
            let speed = 900 + (place * 7919 + number) % 101;
            let heat = if place < QUIET { 60 + place % 11 } else { 600 };
            format!("{{\"machine_id\":\"{machine}\",\"speed\":{speed},\"heat\":{heat}}}").into_bytes()
        };
        let letter = |place| Letter {
            topic: topic.to_owned(),
            key: Some(machine.as_bytes().to_vec()),
            payload: Some(row(place)),
            ..Letter::default()
        };
        outbox.deliver((0..QUIET + STRANGE - 1).map(letter))?;
        // So that transactions are met at all their moments.
        std::thread::sleep(Duration::from_millis((number as u64 * 37) % 200));
        outbox.deliver([letter(QUIET + STRANGE - 1)])?;
        let acknowledged = Instant::now();
        wait_for(&reader, &machine, acknowledged)?;
        if number > 0 {
            times.push(acknowledged.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(times)
}

fn wait_for(reader: &BaseConsumer, machine: &str, since: Instant) -> Result<()> {
    while since.elapsed() < PATIENCE {
        if let Some(Ok(record)) = reader.poll(Duration::from_millis(100))
            && record.key() == Some(machine.as_bytes())
        {
            return Ok(());
        }
    }
    Err(Error::failed(format!("no alert of machine {machine} came within {} s", PATIENCE.as_secs())))
}

/// How long a member takes until the state of many machines is there again.
fn restoring(race: &Race, machines: u64) -> Result<()> {
    const MINUTES: u64 = 100;
    let topic = format!("many-{}", std::process::id());
    let records = machines * MINUTES;
    race.fill(&topic, (MINUTES, machines), 60, &[])?;
    let read = |until: [&str; 2]| {
        let mut command = race.ours("detector", &topic, &topic, race.args.commit_interval)?;
        command.args(["--input", "kafka"]).args(until);
        command.args(["--checkpoint-records", &(records / 10).to_string()]);
        measure(command)
    };
    read(["--max-messages", &(records - 1).to_string()])?;
    let printed = read(["--until", "end"])?.printed;
    let seconds = number_before(&printed, " s the state of")
        .ok_or_else(|| Error::failed(format!("the detector told of no state: {printed}")))?;
    println!(
        "the state of {} machines, {MINUTES} minutes old, is there again after {seconds:.1} s",
        grouped(machines)
    );
    Ok(())
}
