use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};
use millrace_core::cli::{self, suggestion};
use millrace_core::config::{self, Layers, Origins};
use millrace_core::kafka::TopicDefaults;
use millrace_core::{Error, Result};
use serde_json::{Map, Value};

use super::{Options, Settings, resolve};
use crate::control::call::ControlArgs;

const STREAMING_CONFIG: &str = include_str!("../../../config/streaming_config.yaml");
const KAFKA_CONFIG: &str = include_str!("../../../config/kafka_config.yaml");
const SECTIONS: [&str; 5] = ["streaming", "presets", "kafka", "consumer", "detector"];
const ALIASES: [(&str, &str); 2] =
    [("KAFKA_BROKERS", "kafka_bootstrap_servers"), ("SCHEMA_REGISTRY_URL", "schema_registry_url")];

/// Simulates a plant and streams its sensor readings.
#[derive(Debug, Parser)]
#[command(name = "producer", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
#[command(disable_help_subcommand = true, subcommand_help_heading = "Instead of a run")]
pub struct Cli {
    /// What is done instead of a run.
    #[command(subcommand)]
    pub instead: Option<Instead>,
    /// YAML file laid over the built-in config
    #[arg(long, value_name = "FILE", help_heading = "Config")]
    pub config: Option<PathBuf>,
    /// Named set of options from the config
    #[arg(long, value_name = "NAME", help_heading = "Config")]
    pub preset: Option<String>,
    /// The options proper.
    #[command(flatten)]
    pub options: Options,
    /// Write behind what the file holds instead of over it
    #[arg(long, help_heading = "Output")]
    pub append: bool,
    /// Never write labels, whatever else was said
    #[arg(long, help_heading = "Fields")]
    pub no_labels: bool,
    /// File of librdkafka properties, name=value a line
    #[arg(long, value_name = "FILE", help_heading = "Kafka")]
    pub command_config: Option<PathBuf>,
    /// librdkafka property, as in -X linger.ms=50
    #[arg(short = 'X', value_name = "NAME=VALUE", help_heading = "Kafka")]
    pub properties: Vec<String>,
}

/// What is done instead of a run.
#[derive(Debug, Subcommand)]
pub enum Instead {
    /// Say something to a running producer (see `producer control --help`)
    Control(ControlArgs),
}

/// What a command line asks for.
pub enum Errand {
    /// A run.
    Run(Box<Settings>),
    /// Something said to another run.
    Control(Box<ControlArgs>),
}

const EXAMPLES: &str = "\
Examples:
  producer                                                five machines on the console, one sample a second
  producer --mode kafka --topic sensor-data --rate 10     into Kafka, as Avro
  producer --mode file --output day.csv --duration 86400 --speed max --start 2026-01-01T00:00:00Z --seed 7
                                                          a day of data at once, the same every time
  producer --preset load --bootstrap-server kafka:9092    a thousand machines, as fast as it goes

Values are taken from flags, then MILLRACE_<KEY> variables, then --preset, then --config, then the defaults.";

/// Reads a command line and all layers below it. `None` = help was asked for and printed.
///
/// # Errors
/// One sentence about the first thing said wrongly, with exit code 2.
pub fn read_errand(args: impl IntoIterator<Item = OsString>) -> Result<Option<Errand>> {
    let Some(mut cli) = cli::parse::<Cli>(args)? else { return Ok(None) };
    Ok(Some(match cli.instead.take() {
        Some(Instead::Control(args)) => Errand::Control(Box::new(args)),
        None => Errand::Run(Box::new(settings(cli)?)),
    }))
}

/// Reads the command line of a run and all layers below it. `None` = help was asked for and printed.
///
/// # Errors
/// One sentence about the first thing said wrongly, with exit code 2.
pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Option<Settings>> {
    match read_errand(args)? {
        None => Ok(None),
        Some(Errand::Run(settings)) => Ok(Some(*settings)),
        Some(Errand::Control(_)) => Err(Error::usage("`control` is no flag of a run; leave it out")),
    }
}

/// What the layers below the flags say, section by section.
struct Files {
    layers: Layers<Options>,
    topics: Layers<TopicDefaults>,
    presets: Vec<(Map<String, Value>, String)>,
}

fn settings(mut flags: Cli) -> Result<Settings> {
    if flags.no_labels {
        flags.options.include_anomaly_labels = Some(false);
    }
    let mut files = built_in()?;
    if let Some(path) = &flags.config {
        files.add(config::read_file(path)?, &path.display().to_string())?;
    }
    if let Some(name) = &flags.preset {
        files.preset(name)?;
    }
    files.layers.environment(&ALIASES)?;
    files.layers.flags(&flags.options, &flag_name)?;
    let (mut said, origins) = files.layers.said()?;
    if flags.no_labels {
        said.include_anomaly_labels = Some(false);
    }
    let (topics, _) = files.topics.said()?;
    let properties = topics.properties(flags.command_config.as_deref(), &flags.properties)?;
    check_company(&flags, &said, &origins)?;
    resolve::resolve(said, &origins, topics, properties, flags.append)
}

fn built_in() -> Result<Files> {
    let mut files = Files { layers: Layers::new(), topics: Layers::new(), presets: Vec::new() };
    files.add(config::parse(STREAMING_CONFIG, "streaming_config.yaml")?, "streaming_config.yaml")?;
    files.add(config::parse(KAFKA_CONFIG, "kafka_config.yaml")?, "kafka_config.yaml")?;
    Ok(files)
}

impl Files {
    fn add(&mut self, mut file: Map<String, Value>, name: &str) -> Result<()> {
        let streaming = config::take_section(&mut file, "streaming", name)?;
        self.layers.overlay(streaming, &|key| format!("streaming.{key} in {name}"))?;
        let kafka = config::take_section(&mut file, "kafka", name)?;
        let place = |key: &str| format!("kafka.{key} in {name}");
        self.topics.overlay(kafka.clone(), &place)?;
        config::read_section::<TopicDefaults>(kafka, name)?.check(&place)?;
        self.presets.push((config::take_section(&mut file, "presets", name)?, name.to_owned()));
        // One file may serve all programs.
        file.remove("consumer");
        file.remove("detector");
        config::refuse_rest(&file, &SECTIONS, name)
    }

    fn preset(&mut self, wanted: &str) -> Result<()> {
        let mut found = false;
        for (presets, name) in &self.presets {
            match presets.get(wanted) {
                Some(Value::Object(keys)) => {
                    let place = |key: &str| format!("presets.{wanted}.{key} in {name}");
                    self.layers.overlay(keys.clone(), &place)?;
                    found = true;
                }
                Some(_) => {
                    return Err(Error::usage(format!("presets.{wanted} in {name}: is not a mapping")));
                }
                None => {}
            }
        }
        let known: Vec<&str> = self.presets.iter().flat_map(|(p, _)| p.keys().map(String::as_str)).collect();
        if found {
            return Ok(());
        }
        Err(Error::usage(format!("there is no preset `{wanted}`; {}", suggestion(wanted, known))))
    }
}

/// Refuses flags that the chosen mode would ignore.
fn check_company(flags: &Cli, said: &Options, origins: &Origins) -> Result<()> {
    use super::Mode;
    let mode = said.output_mode.unwrap_or(Mode::Console);
    let only = |given: bool, flag: &str, needed: Mode, name: &str| {
        if given && mode != needed {
            return Err(Error::usage(format!("{flag} goes with --mode {name} only")));
        }
        Ok(())
    };
    only(origins.is_flag("output_path"), "--output", Mode::File, "file")?;
    only(flags.append, "--append", Mode::File, "file")?;
    only(origins.is_flag("kafka_topic"), "--topic", Mode::Kafka, "kafka")?;
    only(origins.is_flag("partitions"), "--partitions", Mode::Kafka, "kafka")?;
    check_cluster(flags, said, origins)?;
    only(origins.is_flag("control"), "--no-control", Mode::Kafka, "kafka")?;
    only(origins.is_flag("control_topic"), "--control-topic", Mode::Kafka, "kafka")?;
    check_recovery(said, origins, mode)?;
    check_disorder(flags, said)?;
    only(origins.is_flag("file_compression"), "--compression", Mode::File, "file")?;
    only(origins.is_flag("api_url"), "--url", Mode::Api, "api")?;
    only(origins.is_flag("api_batch"), "--batch", Mode::Api, "api")?;
    only(origins.is_flag("api_concurrency"), "--concurrency", Mode::Api, "api")?;
    only(origins.is_flag("api_auth"), "--url-auth", Mode::Api, "api")?;
    only(origins.is_flag("api_ca"), "--url-ca", Mode::Api, "api")?;
    only(origins.is_flag("api_rejects"), "--rejects", Mode::Api, "api")?;
    let both = |one: &str, other: &str| origins.is_flag(one) && origins.is_flag(other);
    let apart = |flag: &str, other: &str| {
        Err(Error::usage(format!("{flag} has no effect with {other}; leave one of them out")))
    };
    if both("control", "control_topic") {
        return apart("--control-topic", "--no-control");
    }
    let with_no = [
        (
            "include_anomalies",
            "--no-anomalies",
            ["anomaly_injection_rate", "repair_after", "failures_from"].as_slice(),
        ),
        ("maintenance_simulation", "--no-maintenance", &["maintenance_interval", "repair_after"]),
    ];
    for (switch, no, keys) in with_no {
        if let Some(key) = keys.iter().find(|key| both(switch, key)) {
            return apart(&flag_name(key), no);
        }
    }
    Ok(())
}

/// Refuses flags about a cluster where nothing goes to one.
fn check_cluster(flags: &Cli, said: &Options, origins: &Origins) -> Result<()> {
    let truth = said.truth.as_deref().is_some_and(|place| place.starts_with("topic:"));
    if truth || said.output_mode == Some(super::Mode::Kafka) {
        return Ok(());
    }
    let given = [
        (origins.is_flag("kafka_bootstrap_servers"), "--bootstrap-server"),
        (origins.is_flag("schema_registry_url"), "--schema-registry-url"),
        (origins.is_flag("schema_registry_auth"), "--schema-registry-auth"),
        (origins.is_flag("schema_registry_ca"), "--schema-registry-ca"),
        (flags.command_config.is_some(), "--command-config"),
        (!flags.properties.is_empty(), "-X"),
    ];
    match given.into_iter().find(|(given, _)| *given) {
        Some((_, flag)) => {
            Err(Error::usage(format!("{flag} goes with --mode kafka or --truth topic:NAME only")))
        }
        None => Ok(()),
    }
}

fn check_disorder(flags: &Cli, said: &Options) -> Result<()> {
    let refuse = |one: &str, other: &str, why: &str| {
        Err(Error::usage(format!("{one} does not go with {other}: {why}")))
    };
    if said.disorder.is_some() && said.resume == Some(true) {
        let why = "what was held back when the run ended would be written twice, or never";
        return refuse("--resume", "--disorder", why);
    }
    if said.ledger.is_some() && flags.append {
        return refuse("--append", "--ledger", "it counts the rows of a file from the first one");
    }
    Ok(())
}

fn check_recovery(said: &Options, origins: &Origins, mode: super::Mode) -> Result<()> {
    let keys = ["exactly_once", "transaction_interval", "transactional_id", "resume", "run_id"];
    let flag = |key: &&str| origins.is_flag(key);
    if let Some(key) = keys.iter().find(|key| mode != super::Mode::Kafka && flag(key)) {
        let why = match *key {
            "resume" => ": only a Kafka topic tells which of its records are complete",
            _ => "",
        };
        return Err(Error::usage(format!("{} goes with --mode kafka only{why}", flag_name(key))));
    }
    if said.resume == Some(true) {
        check_resumable(said)?;
    }
    let alone = ["transaction_interval", "transactional_id"].into_iter().find(|key| origins.is_flag(key));
    match alone.filter(|_| said.exactly_once != Some(true)) {
        Some(key) => Err(Error::usage(format!("{} goes with --exactly-once only", flag_name(key)))),
        None => Ok(()),
    }
}

fn check_resumable(said: &Options) -> Result<()> {
    if said.truth.as_deref().is_some_and(|place| !place.starts_with("topic:")) {
        let why = "a file does not tell which of its rows are complete; write it to topic:NAME";
        return Err(Error::usage(format!("--resume does not go with a --truth file: {why}")));
    }
    Ok(())
}

/// The flag of a config key, as in `--rate` for `rate`.
fn flag_name(key: &str) -> String {
    cli::flag_name(&Cli::command(), key)
}
