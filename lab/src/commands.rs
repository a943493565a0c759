use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use millrace_core::kafka::{Kafka, read_properties};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Result, cli};

use crate::{bench, complete, guarantees, outage, registry, schemas, standing, up};

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
    /// Run a cluster and a schema registry of your own for as long as you like
    #[command(subcommand)]
    Cluster(standing::Command),
    /// Kill and restart brokers under a stream, and count what came through
    Outage(outage::Args),
    /// Crash a consumer at each point with each guarantee, and count what came through
    Guarantees(guarantees::Args),
    /// Run the development schema registry alone until stopped
    Registry(RegistryArgs),
    /// Simulate a plant and stream its readings (see `lab producer --help`)
    #[command(disable_help_flag = true)]
    Producer {
        /// Arguments of the producer
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Read readings as a member of a consumer group (see `lab consumer --help`)
    #[command(disable_help_flag = true)]
    Consumer {
        /// Arguments of the consumer
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Find failures in readings, and judge how well that is done (see `lab detector --help`)
    #[command(disable_help_flag = true)]
    Detector {
        /// Arguments of the detector
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Compare, judge and register Avro schemas
    #[command(subcommand)]
    Schemas(schemas::Command),
    /// Measure against the tools that come with Kafka
    #[command(subcommand)]
    Bench(bench::Command),
    /// Print a completion script for a shell
    Completions(complete::CompletionArgs),
    /// Print the manual page, or write those of all programs and commands into a folder
    Man(complete::ManArgs),
}

/// The whole command line, for those who describe it.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

#[derive(Debug, Args)]
struct RegistryArgs {
    /// Port to serve on; any free one if it is taken
    #[arg(long, default_value_t = up::REGISTRY_PORT)]
    port: u16,
    /// Address to serve on; the registry asks nobody who they are
    #[arg(long, value_name = "ADDRESS", default_value_t = Ipv4Addr::LOCALHOST.into())]
    host: IpAddr,
    /// Keep schemas in the topic _millrace_schemas of this cluster; without it they are gone at the end
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap_server: Option<String>,
    /// File of librdkafka properties for the cluster
    #[arg(long, value_name = "FILE", requires = "bootstrap_server")]
    command_config: Option<PathBuf>,
    /// One librdkafka property for the cluster
    #[arg(short = 'X', value_name = "NAME=VALUE", requires = "bootstrap_server")]
    properties: Vec<String>,
}

impl RegistryArgs {
    fn store(&self) -> Result<Option<Kafka>> {
        let Some(server) = &self.bootstrap_server else { return Ok(None) };
        let properties = read_properties(self.command_config.as_deref(), &self.properties)?;
        Ok(Some(Kafka::new(server, properties)))
    }
}

/// The whole program.
///
/// # Errors
/// One sentence for the user; its exit code says whether it was said wrongly or could not be done.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Result<()> {
    let Some(cli) = cli::parse::<Cli>(args)? else { return Ok(()) };
    match cli.command {
        Command::Up(args) => up::run(&args),
        Command::Cluster(command) => standing::run(&command),
        Command::Outage(args) => outage::run(&args),
        Command::Guarantees(args) => guarantees::run(&args),
        Command::Registry(args) => serve_registry(&args),
        Command::Producer { args } => {
            millrace_producer::main(std::iter::once(OsString::from("producer")).chain(args))
        }
        Command::Consumer { args } => {
            millrace_consumer::main(std::iter::once(OsString::from("consumer")).chain(args))
        }
        Command::Detector { args } => {
            millrace_detector::main(std::iter::once(OsString::from("detector")).chain(args))
        }
        Command::Schemas(command) => schemas::run(&command),
        Command::Bench(command) => bench::run(&command),
        Command::Completions(args) => complete::completions(&args),
        Command::Man(args) => complete::man(&args),
    }
}

fn serve_registry(args: &RegistryArgs) -> Result<()> {
    let store = args.store()?;
    let kept = match &args.bootstrap_server {
        Some(server) => format!("keeps schemas in topic {} at {server}", registry::TOPIC),
        None => "keeps schemas in memory, until it ends".to_owned(),
    };
    let shutdown = Shutdown::on_signals()?;
    let server = registry::start(registry::Options { host: args.host, port: args.port, store })?;
    eprintln!("schema registry at {} {kept}; Ctrl-C ends it", server.url());
    while !shutdown.wait(std::time::Duration::from_secs(3600)) {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(args: &[&str]) -> Result<Option<Kafka>> {
        let args = ["lab", "registry"].iter().chain(args).map(OsString::from);
        match cli::parse::<Cli>(args)?.map(|cli| cli.command) {
            Some(Command::Registry(args)) => args.store(),
            other => panic!("not the registry: {other:?}"),
        }
    }

    #[test]
    fn the_registry_is_kept_in_a_cluster_only_when_one_is_named() {
        assert!(store(&[]).expect("fine").is_none());
        let kafka = store(&["--bootstrap-server", "k:9092", "-X", "a=b"]).expect("fine").expect("a cluster");
        assert_eq!(kafka.bootstrap_servers(), "k:9092");
    }

    #[test]
    fn properties_for_no_cluster_are_refused() {
        let sentence = store(&["-X", "a=b"]).expect_err("refused").to_string();
        assert!(sentence.contains("--bootstrap-server"), "{sentence}");
    }
}
