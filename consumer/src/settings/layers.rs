use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser, Subcommand};
use millrace_core::config::{self, Layers, Origins};
use millrace_core::kafka::TopicDefaults;
use millrace_core::{Error, Result, cli};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::group::lag::LagArgs;
use crate::group::timeline::TimelineArgs;
use crate::redrive::RedriveArgs;

use super::{Form, Guarantee, MemberOptions, OnError, Options, Protocol, Run, WindowType, resolve};

const CONSUMER_CONFIG: &str = include_str!("../../../config/consumer_config.yaml");
const KAFKA_CONFIG: &str = include_str!("../../../config/kafka_config.yaml");
/// Sections of a config file. One file may serve all programs.
const SECTIONS: [&str; 5] = ["consumer", "detector", "kafka", "streaming", "presets"];
const ALIASES: [(&str, &str); 2] =
    [("KAFKA_BROKERS", "kafka_bootstrap_servers"), ("SCHEMA_REGISTRY_URL", "schema_registry_url")];

/// Reads sensor readings as a member of a consumer group, with rolling statistics of each machine.
#[derive(Debug, Parser)]
#[command(name = "consumer", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
#[command(disable_help_subcommand = true, subcommand_help_heading = "Instead of a run")]
pub struct Cli {
    /// What is done instead of a run.
    #[command(subcommand)]
    pub instead: Option<Instead>,
    /// YAML file laid over the built-in config
    #[arg(long, value_name = "FILE", help_heading = "Config")]
    pub config: Option<PathBuf>,
    /// The options proper.
    #[command(flatten)]
    pub options: Options,
    /// File of librdkafka properties, name=value a line
    #[arg(long, value_name = "FILE", help_heading = "Kafka")]
    pub command_config: Option<PathBuf>,
    /// librdkafka property, as in -X fetch.min.bytes=65536
    #[arg(short = 'X', value_name = "NAME=VALUE", help_heading = "Kafka")]
    pub properties: Vec<String>,
}

/// What is done instead of a run.
#[derive(Debug, Subcommand)]
pub enum Instead {
    /// Say how far a group is behind (see `consumer lag --help`)
    Lag(LagArgs),
    /// Put dead letters back where they came from (see `consumer redrive --help`)
    Redrive(RedriveArgs),
    /// Draw who owned each partition when (see `consumer timeline --help`)
    Timeline(TimelineArgs),
}

/// What a command line asks for.
pub enum Errand {
    /// A run.
    Run(Box<Run>),
    /// The lag of a group.
    Lag(Box<LagArgs>),
    /// Dead letters put back.
    Redrive(Box<RedriveArgs>),
    /// Who owned what when.
    Timeline(Box<TimelineArgs>),
}

const EXAMPLES: &str = "\
Examples:
  consumer --topic sensor-data --group-id my-consumer --anomaly-detection
                                                         a live table of every machine, strange values marked
  consumer --from-beginning --until end --show anomalies --anomaly-detection
                                                         what was strange in all that there is
  consumer --group-id my-consumer --output-format json   a JSON object a line, with what the group does
  consumer --from-beginning --until end -f '%o %k %s\\n'
                                                         each record so, for other programs
  consumer lag --group my-consumer                       how far the group is behind
  consumer redrive --cause UnknownSchema                 dead letters whose cause is gone go back
  consumer timeline --group my-consumer                  who owned which partition when

Values are taken from flags, then MILLRACE_<KEY> variables, then --config, then the defaults.";

/// Reads a command line and all layers below it. `None` = help was asked for and printed.
///
/// # Errors
/// One sentence about the first thing said wrongly, with exit code 2.
pub fn read_errand(args: impl IntoIterator<Item = OsString>) -> Result<Option<Errand>> {
    let Some(mut cli) = cli::parse::<Cli>(args)? else { return Ok(None) };
    Ok(Some(match cli.instead.take() {
        Some(Instead::Lag(args)) => Errand::Lag(Box::new(args)),
        Some(Instead::Redrive(args)) => Errand::Redrive(Box::new(args)),
        Some(Instead::Timeline(args)) => Errand::Timeline(Box::new(args)),
        None => Errand::Run(Box::new(run(&cli)?)),
    }))
}

/// Reads the command line of a run and all layers below it. `None` = help was asked for and printed.
///
/// # Errors
/// One sentence about the first thing said wrongly, with exit code 2.
pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Option<Run>> {
    match read_errand(args)? {
        None => Ok(None),
        Some(Errand::Run(run)) => Ok(Some(*run)),
        Some(Errand::Lag(_) | Errand::Redrive(_) | Errand::Timeline(_)) => {
            Err(Error::usage("`lag`, `redrive` and `timeline` are no flags of a run; leave them out"))
        }
    }
}

fn run(cli: &Cli) -> Result<Run> {
    let program = Program { section: "consumer", defaults: (CONSUMER_CONFIG, "consumer_config.yaml") };
    let Said { said, origins, topics } =
        read_layers(&program, cli.config.as_deref(), &cli.options, &flag_name)?;
    let properties = topics.properties(cli.command_config.as_deref(), &cli.properties)?;
    check_company(&said, &origins)?;
    resolve::resolve(said, &origins, topics, properties)
}

/// A program that reads as a member of a group.
pub struct Program {
    /// Its section of config files.
    pub section: &'static str,
    /// Its defaults: the text of the file that is compiled in, and its name.
    pub defaults: (&'static str, &'static str),
}

/// What was said in the end.
pub struct Said<T> {
    /// About the run.
    pub said: T,
    /// Where each of it was said.
    pub origins: Origins,
    /// About the topics that are made, and the cluster.
    pub topics: TopicDefaults,
}

/// Lays defaults, config file, variables and flags over each other; `flag_name` gives the flag of a key.
///
/// # Errors
/// One sentence about the first thing said wrongly, with exit code 2.
pub fn read_layers<T: Default + Serialize + DeserializeOwned>(
    program: &Program,
    config: Option<&Path>,
    flags: &T,
    flag_name: &dyn Fn(&str) -> String,
) -> Result<Said<T>> {
    let mut files = Files { section: program.section, layers: Layers::<T>::new(), topics: Layers::new() };
    for (text, name) in [program.defaults, (KAFKA_CONFIG, "kafka_config.yaml")] {
        files.add(config::parse(text, name)?, name)?;
    }
    if let Some(path) = config {
        files.add(config::read_file(path)?, &path.display().to_string())?;
    }
    files.layers.environment(&ALIASES)?;
    files.layers.flags(flags, flag_name)?;
    let (said, origins) = files.layers.said()?;
    let (topics, _) = files.topics.said()?;
    Ok(Said { said, origins, topics })
}

/// What the layers below the flags say.
struct Files<T> {
    section: &'static str,
    layers: Layers<T>,
    topics: Layers<TopicDefaults>,
}

impl<T: Default + Serialize + DeserializeOwned> Files<T> {
    fn add(&mut self, mut file: Map<String, Value>, name: &str) -> Result<()> {
        let section = self.section;
        let own = config::take_section(&mut file, section, name)?;
        self.layers.overlay(own, &|key| format!("{section}.{key} in {name}"))?;
        let kafka = config::take_section(&mut file, "kafka", name)?;
        let place = |key: &str| format!("kafka.{key} in {name}");
        self.topics.overlay(kafka.clone(), &place)?;
        config::read_section::<TopicDefaults>(kafka, name)?.check(&place)?;
        SECTIONS.iter().for_each(|other| drop(file.remove(*other)));
        config::refuse_rest(&file, &SECTIONS, name)
    }
}

/// Refuses a flag that others make idle.
fn only(
    origins: &Origins,
    flag_name: &dyn Fn(&str) -> String,
    key: &str,
    fits: bool,
    with: &str,
) -> Result<()> {
    if origins.is_flag(key) && !fits {
        return Err(Error::usage(format!("{} goes with {with} only", flag_name(key))));
    }
    Ok(())
}

/// Refuses flags of a member that others make idle; `flag_name` gives the flag of a key.
///
/// # Errors
/// One sentence about the first of them, with exit code 2.
pub fn check_member(
    said: &MemberOptions,
    origins: &Origins,
    flag_name: &dyn Fn(&str) -> String,
) -> Result<()> {
    let only = |key: &str, fits: bool, with: &str| only(origins, flag_name, key, fits, with);
    only("dlq", said.on_error == Some(OnError::Dlq), "--on-error dlq")?;
    only("session_timeout", said.group_protocol != Some(Protocol::Consumer), "--group-protocol classic")?;
    let most = said.guarantee == Some(Guarantee::AtMostOnce);
    only("commit_interval", !most, "--guarantee at-least-once and exactly-once")?;
    let exactly = said.guarantee == Some(Guarantee::ExactlyOnce);
    only("transactional_id", exactly, "--guarantee exactly-once")?;
    only("checkpoint_records", said.state != Some(false), "the state, which --no-state turns off,")?;
    only("state", !exactly, "--guarantee at-least-once and at-most-once")?;
    let ways = ["from_beginning", "from_time", "from_offset"];
    let mut said_ways = ways.into_iter().filter(|key| origins.is_flag(key));
    if let (Some(one), Some(other)) = (said_ways.next(), said_ways.next()) {
        let (one, other) = (flag_name(one), flag_name(other));
        return Err(Error::usage(format!(
            "{one} and {other} name two places to begin; leave one of them out"
        )));
    }
    Ok(())
}

fn check_company(said: &Options, origins: &Origins) -> Result<()> {
    let only = |key: &str, fits: bool, with: &str| only(origins, &flag_name, key, fits, with);
    let detects = said.anomaly_detection == Some(true);
    only("z", detects, "--anomaly-detection")?;
    only("alerts_topic", detects, "--anomaly-detection")?;
    let shows_readings = said.output_format != Some(Form::Table) && !origins.is_flag("record_format");
    only("show", shows_readings, "--output-format text and json")?;
    only("hop", said.window_type == Some(WindowType::Hopping), "--window-type hopping")?;
    let is_sliding = matches!(said.window_type, None | Some(WindowType::Sliding));
    let closes = !is_sliding || said.metrics_topic.is_some();
    let closing = "windows that close (--window-type tumbling or hopping, or --metrics-topic)";
    only("allowed_lateness", closes, closing)?;
    only("late_topic", closes, closing)?;
    if origins.is_flag("record_format") && origins.is_flag("output_format") {
        let both = "-f and --output-format both say how records are shown; leave one of them out";
        return Err(Error::usage(both));
    }
    check_member(&said.member, origins, &flag_name)
}

fn flag_name(key: &str) -> String {
    cli::flag_name(&Cli::command(), key)
}
