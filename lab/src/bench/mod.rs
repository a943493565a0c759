//! `lab bench`: measurements of two contestants in one run, round by round.

mod consumer;
mod contestant;
mod detector;
mod exactly_once;
mod http;
mod producer;
mod race;
mod round;

use std::ffi::OsString;

use millrace_core::{Result, cli};

/// What can be measured.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// The producer against org.apache.kafka.tools.ProducerPerformance
    Producer(producer::Args),
    /// The consumer, in two guarantees, against a bare rdkafka consumer and
    /// org.apache.kafka.tools.ConsumerPerformance
    Consumer(consumer::Args),
    /// The detector, in two guarantees, against a bare rdkafka consumer; how soon an alert comes, and how soon state
    /// is there again
    Detector(detector::Args),
    /// Transactions against plain idempotent sending
    ExactlyOnce(exactly_once::Args),
    /// The producer against a web API on this computer
    Http(http::Args),
}

/// Measures and prints a table.
///
/// # Errors
/// When no Kafka can be had, or a round fails.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Producer(args) => producer::run(args),
        Command::Consumer(args) => consumer::run(args),
        Command::Detector(args) => detector::run(args),
        Command::ExactlyOnce(args) => exactly_once::run(args),
        Command::Http(args) => http::run(args),
    }
}

/// The contestant that only reads: a program of its own, since ours have another allocator than most.
///
/// # Errors
/// When the command line is wrong, or the topic cannot be read.
pub fn bare(args: impl IntoIterator<Item = OsString>) -> Result<()> {
    cli::parse::<race::Bare>(args)?.map_or(Ok(()), |args| race::run_bare(&args))
}
