//! `lab up`: a cluster, a registry and a plant in one command, watched live.

mod tail;
mod view;

use std::ffi::OsString;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_producer::run::{Progress, Summary};
use millrace_producer::settings::{self, KafkaOutput, Output, Settings};

use crate::cluster::{self, Choice, Cluster};
use crate::registry;

use tail::Tail;
use view::View;

/// Where Kafka is expected.
pub const KAFKA_PORT: u16 = 9092;
/// Where a schema registry is expected.
pub const REGISTRY_PORT: u16 = 8081;
const BETWEEN_VIEWS: Duration = Duration::from_secs(1);
/// How long the first record may take before the view goes on without it.
const FIRST_RECORD: Duration = Duration::from_secs(30);

/// What `lab up` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab up --duration 60                                  a minute of five machines on a Kafka of its own
  lab up -- --machines 100 --rate 10                    a hundred machines at ten samples a second
  lab up --bootstrap-server kafka:9092 -- --speed 60    a minute a second into a cluster that is there")]
pub struct Args {
    /// Wall seconds until it ends [default: until stopped]
    #[arg(long, value_name = "SECONDS")]
    duration: Option<f64>,
    /// Which cluster to take
    #[arg(long, value_enum, default_value = "auto")]
    cluster: Choice,
    /// A cluster that is there
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap_server: Option<String>,
    /// Port of a Kafka of its own; any free one if it is taken
    #[arg(long, default_value_t = KAFKA_PORT)]
    port: u16,
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
    plant(args, "127.0.0.1:9092", "http://127.0.0.1:8081")?;
    let shutdown = Shutdown::on_signals()?;
    let mut cluster = cluster::start(&cluster::Request {
        choice: args.cluster,
        bootstrap_server: args.bootstrap_server.clone(),
        port: args.port,
    })?;
    let streamed = stream(args, &mut cluster, &shutdown);
    cluster.stop();
    streamed
}

fn stream(args: &Args, cluster: &mut Cluster, shutdown: &Shutdown) -> Result<()> {
    let registry = registry::start(registry::Options::in_memory(args.registry_port))?;
    let settings = plant(args, cluster.bootstrap_server(), &registry.url())?;
    let mut view = View::new();
    view.addresses(&cluster.describe(), cluster.bootstrap_server(), &registry.url(), &settings);
    let progress = Arc::new(Progress::default());
    let ending = Shutdown::new();
    let producer = start_producer(settings.clone(), ending.clone(), Arc::clone(&progress))?;
    let watched = watch(args, &settings, &registry.url(), &progress, &producer, shutdown, &mut view);
    ending.request();
    let summary = producer.join().map_err(|_| {
        Error::failed("the producer ended unexpectedly; please report it with the message above")
    })?;
    watched?;
    view.summary(&summary?);
    Ok(())
}

/// The producer's settings: its flags behind `--`, and where `lab up` put things.
fn plant(args: &Args, bootstrap_server: &str, registry_url: &str) -> Result<Settings> {
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
    let said = ours.iter().map(OsString::from).chain(args.producer.iter().cloned());
    settings::read(said)?.ok_or_else(|| Error::usage("see `lab producer --help` for the producer's flags"))
}

fn start_producer(
    settings: Settings,
    ending: Shutdown,
    progress: Arc<Progress>,
) -> Result<JoinHandle<Result<Summary>>> {
    std::thread::Builder::new()
        .name("producer".into())
        .spawn(move || millrace_producer::run::run(&settings, &ending, &progress))
        .map_err(|e| Error::failed(format!("the producer cannot be started: {e}")))
}

fn watch(
    args: &Args,
    settings: &Settings,
    registry_url: &str,
    progress: &Progress,
    producer: &JoinHandle<Result<Summary>>,
    shutdown: &Shutdown,
    view: &mut View,
) -> Result<()> {
    let Output::Kafka(output) = &settings.output else {
        return Err(Error::usage("--mode: `lab up` streams into Kafka; leave --mode out"));
    };
    let end = args.duration.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    let is_over =
        || shutdown.is_requested() || producer.is_finished() || end.is_some_and(|end| Instant::now() >= end);
    let Some(mut tail) = open_tail(output, registry_url, progress, shutdown, &is_over)? else {
        return Ok(());
    };
    let mut next = Instant::now() + BETWEEN_VIEWS;
    while !is_over() {
        let until = end.map_or(next, |end| end.min(next));
        shutdown.wait(until.saturating_duration_since(Instant::now()));
        if Instant::now() < next {
            continue;
        }
        next += BETWEEN_VIEWS;
        view.show(progress, &tail.rates()?, &tail.latest());
    }
    Ok(())
}

/// The topic can be read once its first record is acknowledged.
fn open_tail(
    output: &KafkaOutput,
    registry_url: &str,
    progress: &Progress,
    shutdown: &Shutdown,
    is_over: &dyn Fn() -> bool,
) -> Result<Option<Tail>> {
    let deadline = Instant::now() + FIRST_RECORD;
    while progress.acknowledged() == 0 && Instant::now() < deadline {
        if is_over() {
            return Ok(None);
        }
        shutdown.wait(Duration::from_millis(20));
    }
    let registry = output.schema_registry_url.as_ref().map(|_| registry_url);
    Tail::open(&output.kafka, &output.topic, registry).map(Some)
}
