//! The producer: a simulated plant into Kafka, a file or the console.
//!
//! The data's way: [`simulate`] makes a reading, [`features`] derives from it, [`generate`] encodes it
//! into a [`batch`], a [`sink`] sends it. [`run`] ties them together, [`settings`] says what to do.

pub mod batch;
mod duration;
pub mod features;
pub mod generate;
mod pace;
pub mod report;
pub mod resume;
pub mod run;
pub mod scenario;
pub mod settings;
pub mod simulate;
pub mod sink;

use std::ffi::OsString;

use clap::CommandFactory;
use millrace_core::Result;

/// The command line, for those who describe it: completions, manual pages.
pub fn command() -> clap::Command {
    settings::Cli::command()
}

/// The whole program: reads its command line, runs, and leaves the summary on standard error.
///
/// # Errors
/// One sentence for the user; its exit code says whether it was said wrongly or could not be done.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Result<()> {
    match settings::read(args)? {
        Some(settings) => run::run_to_end(&settings),
        None => Ok(()),
    }
}
