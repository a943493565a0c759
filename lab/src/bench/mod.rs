//! `lab bench`: measurements against the tools that come with Kafka, in one run, interleaved.

mod producer;
mod round;

use millrace_core::Result;

/// What can be measured.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// The producer against org.apache.kafka.tools.ProducerPerformance
    Producer(producer::Args),
}

/// Measures and prints a table.
///
/// # Errors
/// When no Kafka can be had, or a round fails.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Producer(args) => producer::run(args),
    }
}
