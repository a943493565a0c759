//! `lab guarantees`: crashes a consumer at each point, starts it again, and counts what came through.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use millrace_core::kafka::TopicDefaults;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use nix::sys::signal::Signal;

use crate::cluster::{self, Cluster};
use crate::cluster_args::ClusterArgs;
use crate::program::program;
use crate::registry;
use crate::table::{self, Form};
use crate::written::{self, Flaws, Written};

/// Where a run is crashed: at a batch, a record or a commit in its middle.
const POINTS: [&str; 5] =
    ["after-poll:2", "after-process:1500", "after-produce:2", "before-commit:2", "after-commit:2"];
const GUARANTEES: [&str; 3] = ["at-most-once", "at-least-once", "exactly-once"];
const SECONDS: &str = "600";

/// What `lab guarantees` can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How the table is printed
    #[arg(long, value_enum, default_value_t = Form::Text)]
    output_format: Form,
    #[command(flatten)]
    cluster: ClusterArgs,
}

struct Ground {
    cluster: Cluster,
    registry: String,
    input: String,
}

/// Tries every point with every guarantee and prints the table.
///
/// # Errors
/// When no Kafka can be had, or a run ends otherwise than it should.
pub fn run(args: &Args) -> Result<()> {
    let cluster = cluster::start(&args.cluster.plain_request(), &Shutdown::on_signals()?)?;
    if !cluster.capabilities().transactions {
        return Err(Error::failed(
            "the demo broker has no transactions to rely on: take --cluster docker or java",
        ));
    }
    let registry = registry::start(registry::Options::in_memory(0))?;
    let input = format!("guarantees-{}", std::process::id());
    let ground = Ground { cluster, registry: registry.url(), input };
    eprintln!("{}", ground.cluster.describe());
    ground.fill()?;
    let expected = ground.undisturbed()?;
    let head = std::iter::once("crash").chain(GUARANTEES).map(str::to_owned).collect();
    let mut rows: Vec<Vec<String>> = vec![head];
    for point in POINTS {
        let shown =
            if args.output_format == Form::Markdown { format!("`{point}`") } else { point.to_owned() };
        let mut row = vec![shown];
        for guarantee in GUARANTEES {
            row.push(Flaws::of(&expected, &ground.crashed(point, guarantee)?).words());
        }
        rows.push(row);
    }
    print!("{}", table::render(args.output_format, &rows));
    Ok(())
}

impl Ground {
    fn fill(&self) -> Result<()> {
        self.cluster.kafka().ensure_topic(&self.input, Some(3), &TopicDefaults::default())?;
        let mut command = program("producer")?;
        command
            .args([
                "--mode",
                "kafka",
                "--topic",
                &self.input,
                "--machines",
                "10",
                "--speed",
                "max",
                "--quiet",
            ])
            .args(["--duration", SECONDS, "--seed", "7", "--start", "2026-01-01T00:00:00Z"]);
        self.ends(command, "the topic cannot be filled")
    }

    fn undisturbed(&self) -> Result<Written> {
        let group = format!("{}-undisturbed", self.input);
        self.ends(self.consumer(&group, "at-least-once")?, "the undisturbed run fails")?;
        self.written(&group)
    }

    fn crashed(&self, point: &str, guarantee: &str) -> Result<Written> {
        let group = format!("{}-{}-{guarantee}", self.input, point.replace(':', "-"));
        let mut first = self.consumer(&group, guarantee)?;
        let status = self.status(first.args(["--crash-at", point]), "the consumer cannot be run")?;
        if status.signal() != Some(Signal::SIGKILL as i32) {
            return Err(Error::failed(format!("{guarantee} was to crash {point} and ended with {status}")));
        }
        self.ends(self.consumer(&group, guarantee)?, "the run after the crash fails")?;
        self.written(&group)
    }

    fn consumer(&self, group: &str, guarantee: &str) -> Result<Command> {
        let mut command = written::consumer(&self.input, group, guarantee)?;
        command.args(["--until", "end"]);
        if guarantee != "at-most-once" {
            command.args(["--commit-interval", "0.01"]);
        }
        Ok(command)
    }

    fn ends(&self, mut command: Command, otherwise: &str) -> Result<()> {
        let status = self.status(&mut command, otherwise)?;
        if status.success() { Ok(()) } else { Err(Error::failed(format!("{otherwise}: {status}"))) }
    }

    fn status(&self, command: &mut Command, otherwise: &str) -> Result<std::process::ExitStatus> {
        command
            .args(["--bootstrap-server", self.cluster.bootstrap_server()])
            .args(["--schema-registry-url", &self.registry])
            .stdout(Stdio::null())
            .status()
            .map_err(|e| Error::failed(format!("{otherwise}: {e}")))
    }

    fn written(&self, group: &str) -> Result<Written> {
        Written::read(self.cluster.kafka(), group)
    }
}
