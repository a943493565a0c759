//! `lab cluster`: a cluster and a registry that stand until they are stopped, one for each user.

mod detach;
mod state;

use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use millrace_core::kafka::{Kafka, Properties};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cluster::{self, Cluster};
use crate::cluster_args::ClusterArgs;
use crate::registry::{self, RegistryServer};
use crate::up::REGISTRY_PORT;

use state::{Claim, State};

const BETWEEN_CHECKS: Duration = Duration::from_secs(1);
/// How long a cluster may take to end.
const END: Duration = Duration::from_secs(60);

/// What can be done with a standing cluster.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Start a cluster and a schema registry, and keep them until Ctrl-C or `lab cluster stop`
    Start(StartArgs),
    /// Show what runs, and whether it answers
    Status,
    /// End what runs, and remove its data
    Stop,
}

/// What `lab cluster start` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab cluster start                         Kafka and a registry in this terminal, until Ctrl-C
  lab cluster start --detach --brokers 3    three nodes in the background, topics three times replicated")]
pub struct StartArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Return once it answers; it runs until `lab cluster stop`
    #[arg(long)]
    detach: bool,
    /// Port of the schema registry; any free one if it is taken
    #[arg(long, default_value_t = REGISTRY_PORT)]
    registry_port: u16,
    /// Start no schema registry
    #[arg(long)]
    no_registry: bool,
}

/// Carries out one command.
///
/// # Errors
/// When a part cannot be started or ends by itself, or there is nothing to show.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Start(args) if args.detach => detach::start(),
        Command::Start(args) => start(args),
        Command::Status => status(),
        Command::Stop => stop(),
    }
}

fn start(args: &StartArgs) -> Result<()> {
    let mut claim = Claim::take()?;
    let shutdown = Shutdown::on_signals()?;
    let mut cluster = cluster::start(&args.cluster.plain_request(), &shutdown)?;
    let registry = match args.no_registry {
        true => None,
        false => Some(registry::start(registry::Options::on(&cluster, args.registry_port))?),
    };
    let state = describe(&cluster, registry.as_ref());
    print!("{}", text(&state));
    claim.publish(&state)?;
    while !shutdown.wait(BETWEEN_CHECKS) {
        cluster.check()?;
    }
    Ok(())
}

fn describe(cluster: &Cluster, registry: Option<&RegistryServer>) -> State {
    State {
        pid: std::process::id().cast_signed(),
        description: cluster.describe().to_owned(),
        banner: cluster.banner().map(str::to_owned),
        bootstrap_server: cluster.bootstrap_server().to_owned(),
        brokers: cluster.brokers(),
        registry_url: registry.map(RegistryServer::url),
        since: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
    }
}

fn text(state: &State) -> String {
    let banner = state.banner.as_ref().map(|banner| format!("{banner}\n\n")).unwrap_or_default();
    let registry = state.registry_url.as_deref().unwrap_or("none");
    format!(
        "{banner}took      {}\nKafka     {}\nregistry  {registry}\n",
        state.description, state.bootstrap_server
    )
}

fn status() -> Result<()> {
    let Some(state) = state::current()? else { return Err(nothing_runs()) };
    let answering = Kafka::new(&state.bootstrap_server, Properties::default()).brokers()?;
    let all = if state.brokers == 0 { answering } else { state.brokers };
    print!("{}", text(&state));
    println!("brokers   {answering} of {all} answer\nprocess   {}, since {}", state.pid, state.since);
    if answering < all {
        return Err(Error::failed(format!("{} of {all} brokers do not answer", all - answering)));
    }
    Ok(())
}

fn nothing_runs() -> Error {
    Error::failed("no cluster of `lab cluster start` runs")
}

fn stop() -> Result<()> {
    let Some(state) = state::current()? else {
        println!("no cluster of `lab cluster start` runs");
        return Ok(());
    };
    kill(Pid::from_raw(state.pid), Signal::SIGTERM)
        .map_err(|e| Error::failed(format!("process {} cannot be asked to end: {e}", state.pid)))?;
    let deadline = Instant::now() + END;
    while !state::is_free()? {
        if Instant::now() > deadline {
            let (pid, seconds) = (state.pid, END.as_secs());
            return Err(Error::failed(format!(
                "process {pid} does not end within {seconds} s; end it by hand"
            )));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("stopped");
    Ok(())
}
