//! `producer clean`: gives disordered data back as they were, by their ledger.

mod files;
mod ledger;
mod topics;

use std::ffi::OsString;

use clap::Parser;
use millrace_core::kafka::{ClusterFlags, Kafka};
use millrace_core::{Error, Result, cli};

use ledger::Source;

use crate::disorder::undo::Found;
use crate::settings::{DEFAULT_LEDGER_TOPIC, Place};

/// Gives disordered data back as they would have been without --disorder, byte for byte.
#[derive(Debug, Parser)]
#[command(name = "producer clean", version, after_help = EXAMPLES)]
pub struct Cli {
    /// The ledger of the run that wrote the data; topic: alone is disorder-ledger
    #[arg(long, value_name = "FILE|topic:NAME")]
    ledger: String,
    /// The disordered data
    #[arg(long, value_name = "FILE|topic:NAME")]
    input: String,
    /// Where the clean data go: a file for a file, a topic for a topic
    #[arg(long, value_name = "FILE|topic:NAME")]
    output: String,
    #[command(flatten)]
    cluster: ClusterFlags,
}

const EXAMPLES: &str = "\
Examples:
  producer clean --ledger acts.jsonl --input day.csv --output clean.csv
  producer clean --ledger topic:disorder-ledger --input topic:sensor-data --output topic:sensor-clean";

/// What was cleaned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleaned {
    /// Clean records written.
    pub records: u64,
    /// What the ledger named, and how much of it was there.
    pub found: Found,
}

/// The whole command: reads its flags and leaves the summary on standard error.
///
/// # Errors
/// One sentence for the user; its exit code says whether it was said wrongly or could not be done.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Result<()> {
    let Some(said) = cli::parse::<Cli>(args)? else { return Ok(()) };
    let cleaned = clean(&said)?;
    let Cleaned { records, found: Found { acts, missing } } = cleaned;
    eprintln!("wrote {records} clean records to {}: {acts} acts undone", said.output);
    if missing == 0 {
        return Ok(());
    }
    Err(Error::failed(format!(
        "{missing} records that the ledger names are not in {}: it is the ledger of another run, or the run was cut short",
        said.input
    )))
}

/// Cleans as was said.
///
/// # Errors
/// As [`main`], but missing records are counted only.
pub fn clean(said: &Cli) -> Result<Cleaned> {
    let place = |flag: &str, text: &str, default: &str| {
        Place::parse(text, default).map_err(|problem| Error::usage(format!("{flag}: {problem}")))
    };
    let ledger = place("--ledger", &said.ledger, DEFAULT_LEDGER_TOPIC)?;
    let input = place("--input", &said.input, "sensor-data")?;
    let output = place("--output", &said.output, "sensor-clean")?;
    if output.is_also(&input) || output.is_also(&ledger) {
        let problem = format!("--output: {output} holds the data or their ledger; write somewhere else");
        return Err(Error::usage(problem));
    }
    match (&input, &output) {
        (Place::File(from), Place::File(to)) => files::clean(&said.source(ledger)?, from, to),
        (Place::Topic(from), Place::Topic(to)) => {
            let kafka = said.kafka()?;
            topics::clean(&kafka, &Source::of(ledger, || Ok(kafka.clone()))?, from, to)
        }
        _ => Err(Error::usage(
            "--input and --output must both be files or both be topics: a row has no key, a record no row",
        )),
    }
}

impl Cli {
    /// Where the ledger is, when it alone can be a topic.
    fn source(&self, ledger: Place) -> Result<Source> {
        match self.cluster.given().filter(|_| matches!(ledger, Place::File(_))) {
            Some(flag) => Err(Error::usage(format!("{flag} has no effect where nothing is a topic"))),
            None => Source::of(ledger, || self.kafka()),
        }
    }

    /// The cluster, which answers.
    fn kafka(&self) -> Result<Kafka> {
        let kafka = self.cluster.kafka()?;
        kafka.check()?;
        Ok(kafka)
    }
}
