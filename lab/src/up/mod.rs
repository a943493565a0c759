//! `lab up`: a cluster, a registry, a plant, a consumer and a detector in one command, watched live.

mod columns;
mod companions;
mod findings;
mod tail;
mod view;
mod watch;

use std::ffi::OsString;

use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_producer::settings::{self, KafkaOutput, Output, Settings};

use crate::cluster::{self, Cluster};
use crate::cluster_args::ClusterArgs;
use crate::plant::Plant;
use crate::registry;

use companions::Companions;
use findings::Findings;
use view::View;
use watch::Watch;

/// Where a schema registry is expected.
pub const REGISTRY_PORT: u16 = 8081;

/// What `lab up` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab up --duration 60                                  a minute of five machines on a Kafka of its own
  lab up -- --speed 600                                 a day in less than three minutes, so that alerts show
  lab up --alone -- --machines 100 --rate 10            a hundred machines at ten samples a second, nobody else
  lab up --bootstrap-server kafka:9092 -- --speed 60    a minute a second into a cluster that is there")]
pub struct Args {
    /// Wall seconds until it ends [default: until stopped]
    #[arg(long, value_name = "SECONDS")]
    duration: Option<f64>,
    /// The plant alone, without consumer and detector
    #[arg(long)]
    alone: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Port of the schema registry; any free one if it is taken
    #[arg(long, default_value_t = REGISTRY_PORT)]
    registry_port: u16,
    /// Flags of the producer, behind --
    #[arg(last = true, value_name = "PRODUCER FLAGS")]
    producer: Vec<OsString>,
}

/// Runs until the duration is over, the producer ends, or a signal comes; leaves nothing behind.
///
/// # Errors
/// When a part cannot be started or breaks.
pub fn run(args: &Args) -> Result<()> {
    if let Some(seconds) = args.duration.filter(|s| !(*s > 0.0 && *s <= 1e9)) {
        return Err(Error::usage(format!(
            "--duration: {seconds} is not above 0 and at most 1000000000 seconds"
        )));
    }
    // Flags are checked before anything is started; the addresses are not known yet.
    let server = args.cluster.bootstrap_server.as_deref().unwrap_or("127.0.0.1:9092");
    let Some(planned) = plant(args, server, "http://127.0.0.1:8081")? else { return Ok(()) };
    let shutdown = Shutdown::on_signals()?;
    let request = args.cluster.request(into_kafka(&planned)?.kafka.clone());
    let mut cluster = cluster::start(&request, &shutdown)?;
    let streamed = stream(args, &mut cluster, &shutdown);
    cluster.stop();
    streamed
}

fn stream(args: &Args, cluster: &mut Cluster, shutdown: &Shutdown) -> Result<()> {
    let registry = registry::start(registry::Options::on(cluster, args.registry_port))?;
    let Some(settings) = plant(args, cluster.bootstrap_server(), &registry.url())? else { return Ok(()) };
    let output = into_kafka(&settings)?;
    let partitions = output.partitions.unwrap_or_else(|| output.topic_defaults.partitions(&output.topic));
    cluster.prepare_topic(&output.topic, partitions)?;
    let mut view = View::new();
    view.addresses(cluster, &registry.url(), &settings);
    let (mut companions, mut findings) = (None, None);
    if !args.alone {
        findings = Some(Findings::open(&output.kafka, &registry.url())?);
        companions = Some(Companions::start(output, &registry.url())?);
    }
    let plant = Plant::start(settings.clone())?;
    let mut watch = Watch {
        cluster,
        output,
        plant: &plant,
        companions: &mut companions,
        findings: &mut findings,
        shutdown,
    };
    let watched = watch.run(args.duration, &registry.url(), &mut view);
    let summary = watched.and_then(|()| plant.end(cluster))?;
    let left = companions.map_or(Ok(()), Companions::end);
    view.summary(&summary);
    left
}

/// The settings' output, which `--mode` may have turned away from Kafka.
fn into_kafka(settings: &Settings) -> Result<&KafkaOutput> {
    match &settings.output {
        Output::Kafka(output) => Ok(output),
        _ => Err(Error::usage("--mode: `lab up` streams into Kafka; leave --mode out")),
    }
}

/// The producer's settings: its flags behind `--`, and where `lab up` put things. `None` where they only
/// asked for help, which has been printed.
fn plant(args: &Args, bootstrap_server: &str, registry_url: &str) -> Result<Option<Settings>> {
    let ours = [
        "producer",
        "--mode",
        "kafka",
        "--bootstrap-server",
        bootstrap_server,
        "--schema-registry-url",
        registry_url,
        "--quiet",
    ];
    settings::read(ours.iter().map(OsString::from).chain(args.producer.iter().cloned()))
}
