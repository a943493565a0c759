use std::path::PathBuf;

use clap::{Args, CommandFactory};
use millrace_consumer::settings::{
    MemberOptions, Program, Said, Settings, check_member, read_layers, resolve_member,
};
use millrace_core::config::texts;
use millrace_core::kafka::legal_topic;
use millrace_core::{Error, Result, cli};
use millrace_schemas::Sensor;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::machine::Judging;
use crate::settings::{AlertForm, Cli, WatchArgs};

const CONFIG: &str = include_str!("../../../config/detector_config.yaml");

/// How a topic is read.
#[derive(Debug, Clone, Default, Args)]
pub struct StreamArgs {
    /// YAML file laid over the built-in config
    #[arg(long, value_name = "FILE", help_heading = "Config")]
    config: Option<PathBuf>,
    /// What can be said about the member.
    #[command(flatten)]
    options: StreamOptions,
    /// File of librdkafka properties, name=value a line
    #[arg(long, value_name = "FILE", help_heading = "Kafka")]
    command_config: Option<PathBuf>,
    /// librdkafka property, as in -X fetch.min.bytes=65536
    #[arg(short = 'X', value_name = "NAME=VALUE", help_heading = "Kafka")]
    properties: Vec<String>,
}

/// What can be said about the member: as a flag, as a key under `detector:`, as a variable.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(default)]
struct StreamOptions {
    #[command(flatten)]
    #[serde(flatten)]
    member: MemberOptions,
    /// Topic for AnomalyAlert records [default: anomaly-alerts]
    #[arg(long, value_name = "TOPIC", help_heading = "Source")]
    alerts_topic: Option<String>,
    /// Machines of which what was learnt is forgotten at this start, comma-separated, or all
    #[arg(long, value_name = "MACHINES", value_delimiter = ',', num_args = 1, help_heading = "Source")]
    #[serde(deserialize_with = "texts")]
    relearn: Option<Vec<String>>,
}

/// A run that can be carried out.
pub(super) struct StreamSettings {
    pub member: Settings,
    pub judging: Judging,
    /// How alerts are shown, if they are.
    pub form: Option<AlertForm>,
    /// Machines that are learnt anew.
    pub relearn: Vec<String>,
}

impl StreamArgs {
    /// Refuses all of it, where no topic is read.
    ///
    /// # Errors
    /// If something is said.
    pub fn refuse(&self) -> Result<()> {
        let said = serde_json::to_value(&self.options).unwrap_or_default();
        let set = |(key, value): (&String, &Value)| (!value.is_null()).then(|| flag_name(key));
        let option = said.as_object().into_iter().flatten().find_map(set);
        let others = [
            (self.config.is_some(), "--config"),
            (self.command_config.is_some(), "--command-config"),
            (!self.properties.is_empty(), "-X"),
        ];
        let other = others.into_iter().find_map(|(is_said, flag)| is_said.then(|| flag.to_owned()));
        match option.or(other) {
            Some(flag) => Err(Error::usage(format!("{flag} goes with --input kafka only"))),
            None => Ok(()),
        }
    }
}

/// Reads all layers of what is said about a topic, and checks it.
pub(super) fn resolve(watch: &WatchArgs, stream: &StreamArgs) -> Result<StreamSettings> {
    let program = Program { section: "detector", defaults: (CONFIG, "detector_config.yaml") };
    let Said { said, origins, topics } =
        read_layers(&program, stream.config.as_deref(), &stream.options, &flag_name)?;
    let properties = topics.properties(stream.command_config.as_deref(), &stream.properties)?;
    check_member(&said.member, &origins, &flag_name)?;
    let member = resolve_member(&said.member, &origins, topics, properties)?;
    let alerts = said.alerts_topic.as_deref().unwrap_or("anomaly-alerts");
    legal_topic(alerts).or_else(|problem| origins.refuse("alerts_topic", problem))?;
    if alerts == member.topic {
        let why = format!("{alerts} is the topic that is read; take another");
        return origins.refuse("alerts_topic", why);
    }
    let names = Sensor::ALL.map(Sensor::name).map(str::to_owned);
    let form = watch.output_format;
    Ok(StreamSettings {
        member: Settings {
            alerts_topic: Some(alerts.to_owned()),
            shows_events: form == AlertForm::Json,
            ..member
        },
        judging: watch.judging(&names)?,
        form: Some(form),
        relearn: said.relearn.unwrap_or_default(),
    })
}

fn flag_name(key: &str) -> String {
    cli::flag_name(&Cli::command(), key)
}
