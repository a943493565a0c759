use std::path::PathBuf;

use chrono::DateTime;
use clap::{Args, CommandFactory};
use millrace_consumer::settings::{
    MemberOptions, Program, Said, Settings, Start, check_member, read_layers, resolve_member,
};
use millrace_core::config::{Origins, texts};
use millrace_core::kafka::legal_topic;
use millrace_core::{Error, Result, cli};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::input::chosen;
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
    /// Where a new group begins to learn, up to where it begins to judge: beginning, or a time such as
    /// 2026-01-01T00:00:00Z
    #[arg(long, value_name = "WHERE", conflicts_with = "from_beginning", help_heading = "Source")]
    fit_from: Option<String>,
    /// Columns of numbers to judge, comma-separated [default: those of our plant's seven sensors, or all; of a topic
    /// what its newest records have]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', num_args = 1, help_heading = "Source")]
    #[serde(deserialize_with = "texts")]
    sensors: Option<Vec<String>>,
}

/// A run that can be carried out.
pub(super) struct StreamSettings {
    pub member: Settings,
    /// Columns of numbers to judge, where they are said.
    pub sensors: Option<Vec<String>>,
    /// How alerts are shown, if they are.
    pub form: Option<AlertForm>,
    /// Machines that are learnt anew.
    pub relearn: Vec<String>,
}

impl StreamArgs {
    /// What of it is said of a file: the columns to judge.
    ///
    /// # Errors
    /// If one of them is no sensor, or something is said that goes with a topic only.
    pub fn of_file(&self) -> Result<Option<Vec<String>>> {
        let options = StreamOptions { sensors: None, ..self.options.clone() };
        let said = serde_json::to_value(&options).unwrap_or_default();
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
            None => self.options.sensors.as_deref().map(named).transpose(),
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
    let learn_from = said.fit_from.as_deref().map(|text| fit_from(text, &origins)).transpose()?;
    if learn_from.is_some() && !member.state {
        return origins
            .refuse("fit_from", "needs the group's state, and --no-state leaves it out".to_owned());
    }
    let nothing_before = match (learn_from, member.start) {
        (Some(_), Start::Beginning) => true,
        (Some(Start::Time(from)), Start::Time(to)) => from >= to,
        _ => false,
    };
    if nothing_before {
        return origins.refuse("fit_from", "nothing lies between it and where reading begins".to_owned());
    }
    let sensors = said.sensors.map(|names| chosen(&names).or_else(|why| origins.refuse("sensors", why)));
    let sensors = sensors.transpose()?;
    let form = watch.output_format;
    Ok(StreamSettings {
        member: Settings {
            alerts_topic: Some(alerts.to_owned()),
            learn_from,
            shows_events: form == AlertForm::Json,
            ..member
        },
        sensors,
        form: Some(form),
        relearn: said.relearn.unwrap_or_default(),
    })
}

/// The columns that --sensors names for a file.
///
/// # Errors
/// If one of them is no sensor.
pub(crate) fn named(names: &[String]) -> Result<Vec<String>> {
    chosen(names).map_err(|why| Error::usage(format!("--sensors: {why}")))
}

fn fit_from(text: &str, origins: &Origins) -> Result<Start> {
    if text == "beginning" {
        return Ok(Start::Beginning);
    }
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) if time.timestamp_millis() >= 0 => Ok(Start::Time(time.timestamp_millis())),
        _ => origins.refuse(
            "fit_from",
            format!(
                "`{text}` is neither `beginning` nor an RFC 3339 time since 1970, such as 2026-01-01T00:00:00Z"
            ),
        ),
    }
}

fn flag_name(key: &str) -> String {
    cli::flag_name(&Cli::command(), key)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use crate::stream::Stream;

    fn said(more: &[&str]) -> Result<(), String> {
        let args = ["detector", "--input", "kafka", "--bootstrap-server", "nowhere:1"];
        match Stream::read(args.iter().chain(more).map(OsString::from)) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn sensors_are_each_once_and_none_that_is_no_sensor() {
        assert_eq!(said(&["--sensors", "torque,heat"]), Ok(()));
        for (sensors, problem) in [
            ("heat,heat", "`heat` is given twice"),
            ("heat,", "a name is empty"),
            ("label", "`label` is no sensor"),
        ] {
            let sentence = said(&["--sensors", sensors]).expect_err(sensors);
            assert!(sentence.contains("--sensors") && sentence.contains(problem), "{sentence}");
        }
    }

    #[test]
    fn the_past_lies_before_where_reading_begins() {
        let from = ["--fit-from", "2026-01-02T00:00:00Z"];
        assert_eq!(said(&from), Ok(()));
        assert_eq!(said(&["--fit-from", "beginning", "--from-time", "2026-01-02T00:00:00Z"]), Ok(()));
        let refused =
            [&["--from-time", "2026-01-01T00:00:00Z"][..], &["--no-state"], &["--fit-from", "yesterday"]];
        for more in refused {
            let more = if more[0] == "--fit-from" { more.to_vec() } else { [&from[..], more].concat() };
            let sentence = said(&more).expect_err("refused");
            assert!(sentence.contains("--fit-from"), "{sentence}");
        }
    }

    #[test]
    fn flags_that_suit_other_sensors_than_our_plants_are_taken() {
        assert_eq!(said(&["--learn-rows", "200"]), Ok(()), "of `honest`");
        assert!(said(&["--learn-rows", "200", "--algorithm", "residual"]).is_err());
    }
}
