//! `lab schemas`: what changed between two schemas, whether one may follow another, and registering one.

mod check;
mod diff;
mod fields;
mod register;
mod source;

use std::io::Write;

use clap::Subcommand;
use millrace_core::{Error, Result};

/// What can be done with schemas.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what changed between two schemas, and which compatibility levels allow it
    #[command(after_help = "\
Examples:
  lab schemas diff old.avsc new.avsc            two files
  lab schemas diff sensor-data-value new.avsc   a subject's newest version and a file")]
    Diff(diff::Args),
    /// Judge whether a schema may follow earlier ones; exit code 1 and the reasons where it may not
    #[command(after_help = "\
Examples:
  lab schemas check                                        Millrace's own schemas
  lab schemas check new.avsc --against 1.avsc 2.avsc       files, oldest first
  lab schemas check new.avsc --subject sensor-data-value   every version in the registry
  lab schemas check new.avsc --against 1.avsc --compatibility FULL_TRANSITIVE")]
    Check(check::Args),
    /// Register a schema, and print its id and version
    #[command(after_help = "\
Example:
  lab schemas register new.avsc --subject sensor-data-value --schema-registry-url http://localhost:8081")]
    Register(register::Args),
}

/// Does it, and prints what people read on standard output.
///
/// # Errors
/// When a schema cannot be read, the registry is out of reach, or a schema may not follow the others.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Diff(args) => {
            print(&diff::run(args)?);
            Ok(())
        }
        Command::Check(args) => {
            let verdict = check::judge(args)?;
            print(&verdict.text);
            verdict.refused.map_or(Ok(()), |sentence| Err(Error::failed(sentence)))
        }
        Command::Register(args) => {
            print(&register::run(args)?);
            Ok(())
        }
    }
}

fn print(text: &str) {
    // A reader that closed the pipe (`| head`) has seen what it wanted.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests;
