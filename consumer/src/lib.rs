//! The consumer: statistics over readings while they pass, as a member of a consumer group.
//!
//! The data's way: a [`source`] is a member of the group and decodes records, a [`pipeline`] hands readings to a
//! processor and keeps its guarantee, [`rolling`] is the processor with a [`window`] for each machine, an
//! [`outbox`] sends what follows, [`state`] goes where partitions go, and [`group`] tells what the member does.
//! [`run`](mod@run) ties them together, [`settings`] says what to do. [`redrive`] puts back what was rejected.

pub mod group;
pub mod metrics;
pub mod outbox;
pub mod pipeline;
pub mod prometheus;
pub mod redrive;
pub mod rolling;
pub mod run;
pub mod settings;
pub mod source;
pub mod state;
mod transaction;
pub mod window;

use std::ffi::OsString;

use clap::CommandFactory;
use millrace_core::Result;
use settings::Errand;

/// The command line, for those who describe it: completions, manual pages.
pub fn command() -> clap::Command {
    settings::Cli::command()
}

/// The whole program: reads its command line, runs, and leaves the summary on standard error.
///
/// # Errors
/// One sentence for the user; its exit code says whether it was said wrongly or could not be done.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Result<()> {
    match settings::read_errand(args)? {
        Some(Errand::Run(settings)) => run::run_to_end(&settings),
        Some(Errand::Lag(args)) => group::lag::run(&args),
        Some(Errand::Redrive(args)) => redrive::run(&args),
        Some(Errand::Timeline(args)) => group::timeline::run(&args),
        None => Ok(()),
    }
}
