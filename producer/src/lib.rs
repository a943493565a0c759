//! The producer: a simulated plant into Kafka, a file, a web API or the console.
//!
//! The data's way: [`simulate`] makes a reading, [`features`] derives from it, [`render`] encodes it,
//! [`disorder`] does it harm where that is asked for, [`generate`] collects it in a [`batch`], a [`sink`]
//! sends it. [`run`] ties them together, [`settings`] says what to do.

mod bar;
pub mod batch;
pub mod clean;
pub mod control;
pub mod disorder;
mod duration;
pub mod features;
pub mod generate;
mod hex;
mod open;
mod pace;
pub mod render;
pub mod report;
pub mod resume;
pub mod run;
pub mod scenario;
pub mod settings;
pub mod simulate;
pub mod sink;
mod stream;
mod timeline;
pub mod truth;

use std::ffi::OsString;

use clap::CommandFactory;
use millrace_core::Result;
use settings::Errand;

/// The command line, for those who describe it: completions, manual pages.
pub fn command() -> clap::Command {
    settings::Cli::command().subcommand(clean::Cli::command().name("clean"))
}

/// The whole program: reads its command line, runs, and leaves the summary on standard error.
///
/// # Errors
/// One sentence for the user; its exit code says whether it was said wrongly or could not be done.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Result<()> {
    let args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|first| first == "clean") {
        return clean::main(args.into_iter().skip(1));
    }
    match settings::read_errand(args)? {
        Some(Errand::Run(settings)) => run::run_to_end(&settings),
        Some(Errand::Control(args)) => control::call::run(&args),
        None => Ok(()),
    }
}
