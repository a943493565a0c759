use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use millrace_core::access::{Access, Credentials};
use millrace_core::kafka::{ClusterFlags, Kafka};
use millrace_core::registry::Registry;
use millrace_core::secret::Secret;
use millrace_core::{Error, Result, cli};
use millrace_schemas::ControlCommand;

/// The word for the whole fleet.
const ALL: &str = "all";
const TIMEOUTS: std::ops::RangeInclusive<f64> = 0.1..=3600.0;

/// What is said to a running producer, and how it is reached.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  producer control inject MACHINE_001 bearing_failure --hours 2
  producer control maintain all 30
  producer control speed max
  producer control states --json

Ends with 1 where the command is refused, has expired or is not answered in time.")]
pub struct ControlArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Schema registry [default: SCHEMA_REGISTRY_URL, else http://localhost:8081]
    #[arg(long, value_name = "URL", global = true, help_heading = "Kafka")]
    schema_registry_url: Option<String>,
    /// Who asks the registry: USER:PASSWORD or bearer:TOKEN, or env:NAME or file:PATH that holds one
    #[arg(long, value_name = "LOGIN", global = true, help_heading = "Kafka")]
    schema_registry_auth: Option<Secret>,
    /// Certificates (PEM) to trust the registry by, instead of the system's
    #[arg(long, value_name = "FILE", global = true, help_heading = "Kafka")]
    schema_registry_ca: Option<PathBuf>,
    /// Topic that the producer listens to
    #[arg(long, value_name = "TOPIC", global = true, default_value = "sensor-control")]
    pub(super) control_topic: String,
    /// Seconds to wait for the answer
    #[arg(long, value_name = "SECONDS", global = true, default_value_t = 10.0)]
    timeout: f64,
    /// The command's id: given twice, it takes effect once [default: a new one]
    #[arg(long, value_name = "ID", global = true)]
    pub(super) id: Option<String>,
    /// How the command is written
    #[arg(long, value_enum, global = true, default_value_t = Wire::Avro)]
    pub(super) format: Wire,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// How a command is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Wire {
    /// Confluent-framed Avro
    Avro,
    /// JSON, which needs no registry
    Json,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Begin a failure
    Inject {
        /// Machine id, or all
        machine: String,
        /// bearing_failure, pump_failure, overheating, oil_leak or motor_failure [default: drawn]
        failure: Option<String>,
        /// Stream hours to full severity [default: 2]
        #[arg(long, allow_negative_numbers = true)]
        hours: Option<f64>,
        /// Severity at once, 0.01 to 1, instead of growing
        #[arg(long, allow_negative_numbers = true)]
        severity: Option<f64>,
    },
    /// End a failure
    Clear {
        /// Machine id, or all
        machine: String,
    },
    /// Stop a machine for maintenance
    Maintain {
        /// Machine id, or all
        machine: String,
        /// Stream minutes [default: 60]
        #[arg(allow_negative_numbers = true)]
        minutes: Option<f64>,
    },
    /// Change the samples per stream second and machine
    Rate {
        /// Samples per stream second and machine
        #[arg(allow_negative_numbers = true)]
        hz: f64,
    },
    /// Change the stream seconds per wall second
    Speed {
        /// A number, or max
        #[arg(allow_negative_numbers = true)]
        factor: String,
    },
    /// Let stream time stand still
    Pause,
    /// Let stream time go on
    Resume,
    /// End the run in order
    Stop,
    /// Show what the machines are doing
    States {
        /// Machine id [default: all]
        machine: Option<String>,
    },
}

impl ControlArgs {
    /// The command under an id.
    pub(super) fn command(&self, id: &str) -> ControlCommand {
        let said =
            |action: &str| ControlCommand { id: id.into(), action: action.into(), ..Default::default() };
        let to = |machine: &str| (machine != ALL).then(|| machine.to_owned());
        match &self.verb {
            Verb::Inject { machine, failure, hours, severity } => ControlCommand {
                machine_id: to(machine),
                failure: failure.clone(),
                hours: *hours,
                severity: *severity,
                ..said("inject")
            },
            Verb::Clear { machine } => ControlCommand { machine_id: to(machine), ..said("clear") },
            Verb::Maintain { machine, minutes } => {
                ControlCommand { machine_id: to(machine), minutes: *minutes, ..said("maintain") }
            }
            Verb::Rate { hz } => ControlCommand { rate: Some(*hz), ..said("set_rate") },
            Verb::Speed { factor } => ControlCommand { speed: Some(factor.clone()), ..said("set_speed") },
            Verb::Pause => said("pause"),
            Verb::Resume => said("resume"),
            Verb::Stop => said("stop"),
            Verb::States { machine } => {
                ControlCommand { machine_id: machine.as_deref().and_then(to), ..said("show_states") }
            }
        }
    }

    pub(super) fn timeout(&self) -> Result<Duration> {
        if TIMEOUTS.contains(&self.timeout) {
            return Ok(Duration::from_secs_f64(self.timeout));
        }
        Err(Error::usage(format!(
            "--timeout: {} is out of range: it must be from 0.1 to 3600 seconds",
            self.timeout
        )))
    }

    pub(super) fn kafka(&self) -> Result<Kafka> {
        self.cluster.kafka()
    }

    pub(super) fn registry(&self) -> Result<Registry> {
        let login = self.schema_registry_auth.as_ref();
        let login = login.map(|login| Credentials::parse(login, "--schema-registry-auth")).transpose()?;
        let access = Access::new(login, self.schema_registry_ca.as_deref(), "--schema-registry-ca")?;
        let said = self.schema_registry_url.as_ref();
        let url = cli::said_or_set(said, "SCHEMA_REGISTRY_URL", "http://localhost:8081");
        Registry::new(&url, access, "--schema-registry-url")
    }
}
