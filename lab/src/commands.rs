use std::ffi::OsString;

use clap::{Parser, Subcommand};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Result, cli};

use crate::{bench, registry, schemas, up};

/// Clusters, a schema registry, the other programs and benchmarks, in one binary.
#[derive(Debug, Parser)]
#[command(name = "lab", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring up Kafka, a schema registry and a plant, and watch its records flow
    Up(up::Args),
    /// Run the development schema registry alone, in memory, until stopped
    Registry {
        /// Port to serve on; any free one if it is taken
        #[arg(long, default_value_t = up::REGISTRY_PORT)]
        port: u16,
    },
    /// Simulate a plant and stream its readings (see `lab producer --help`)
    #[command(disable_help_flag = true)]
    Producer {
        /// Arguments of the producer
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Compare, judge and register Avro schemas
    #[command(subcommand)]
    Schemas(schemas::Command),
    /// Measure against the tools that come with Kafka
    #[command(subcommand)]
    Bench(bench::Command),
}

/// The whole program.
///
/// # Errors
/// One sentence for the user; its exit code says whether it was said wrongly or could not be done.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Result<()> {
    let Some(cli) = cli::parse::<Cli>(args)? else { return Ok(()) };
    match cli.command {
        Command::Up(args) => up::run(&args),
        Command::Registry { port } => serve_registry(port),
        Command::Producer { args } => {
            millrace_producer::main(std::iter::once(OsString::from("producer")).chain(args))
        }
        Command::Schemas(command) => schemas::run(&command),
        Command::Bench(command) => bench::run(&command),
    }
}

fn serve_registry(port: u16) -> Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let server = registry::start(port)?;
    eprintln!("schema registry at {}, in memory; Ctrl-C ends it", server.url());
    while !shutdown.wait(std::time::Duration::from_secs(3600)) {}
    Ok(())
}
