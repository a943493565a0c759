//! Finds failures early, says why, and can be proved right.
//!
//! The maths ([`detector`], [`methods`], [`maths`], [`rows`]) knows neither files nor Kafka nor async, and can be
//! used alone: checked parameters learn from rows and become a model, which scores rows. [`evaluate`] judges
//! methods on data whose truth is known. [`machine`] is one machine's way through the methods, and [`alert`] what is
//! said of it; [`input`] and [`judge`] feed it from a file or a pipe, [`stream`] as a member of a consumer group.

pub mod alarm;
pub mod alert;
mod avro;
mod bench;
pub mod detector;
pub mod evaluate;
mod exact;
pub mod input;
pub mod judge;
pub mod machine;
pub mod maths;
pub mod methods;
pub mod minutes;
pub mod model_file;
mod random;
pub mod refusal;
pub mod rows;
mod run;
pub mod settings;
pub mod stages;
pub mod stream;
pub mod table;

use std::ffi::OsString;

use clap::CommandFactory;
use millrace_core::Result;

pub use detector::{Detector, Params, Valid};
pub use refusal::Refusal;
pub use rows::Rows;

/// The command line, for those who describe it: completions, manual pages.
pub fn command() -> clap::Command {
    settings::Cli::command()
}

/// The whole program: reads its command line and does what it says.
///
/// # Errors
/// One sentence for the user; its exit code says whether it was said wrongly or could not be done.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Result<()> {
    let Some(cli) = settings::read(args)? else { return Ok(()) };
    match cli.command {
        None => run::watch(&cli.watch, &cli.stream),
        Some(settings::Command::Evaluate(evaluate)) => {
            let found = evaluate.run()?;
            if let Some(path) = &evaluate.output {
                evaluate::write_page(&found, path)?;
            }
            evaluate::write(&found.figures, evaluate.output_format, &mut std::io::stdout().lock())
        }
        Some(settings::Command::Fit(fit)) => run::fit(&fit),
        Some(settings::Command::Inspect(inspect)) => run::inspect(&inspect),
        Some(settings::Command::Bench(bench)) => bench::run(bench.against().as_deref()),
    }
}
