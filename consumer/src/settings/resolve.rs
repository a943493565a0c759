use std::io::IsTerminal;
use std::time::Duration;

use chrono::DateTime;
use millrace_core::access::Access;
use millrace_core::config::Origins;
use millrace_core::kafka::{Kafka, Properties, TopicDefaults, legal_topic};
use millrace_core::registry::Registry;
use millrace_core::{Result, cli};

use crate::pipeline::{Format, Misdeeds, time_of};

use super::{
    Commit, Form, Guarantee, MemberOptions, MemberSettings, OnError, Options, Protocol, Run, Settings, Show,
    Start, Statistics, closed,
};

const CLASSIC: [&str; 3] = ["range", "roundrobin", "cooperative-sticky"];
const BY_BROKER: [&str; 2] = ["uniform", "range"];
const SESSION: f64 = 10.0;
const DAY: f64 = 86_400.0;

/// Turns what was said into a run, or says what is wrong with it.
pub(super) fn resolve(
    said: Options,
    origins: &Origins,
    topic_defaults: TopicDefaults,
    properties: Properties,
) -> Result<Run> {
    let check = Check { origins };
    let member = resolve_member(&said.member, origins, topic_defaults, properties)?;
    let record_format = check.record_format(&said)?;
    let window = said.window.as_deref().unwrap_or("60s");
    let window = window.parse().or_else(|why: String| origins.refuse("window", why))?;
    let form = form(said.output_format, record_format.is_some());
    let statistics = Statistics {
        window,
        closed: closed::resolve(&said, origins, &member.topic, window)?,
        z: check.z(&said)?,
        form,
        show: if record_format.is_some() { Show::Nothing } else { said.show.unwrap_or(Show::Readings) },
    };
    let alerts_topic = said.alerts_topic.as_deref().filter(|_| statistics.z.is_some());
    let alerts_topic = alerts_topic.map(|name| check.topic("alerts_topic", name)).transpose()?;
    let shows_events = form == Form::Json;
    Ok(Run { settings: Settings { alerts_topic, record_format, shows_events, ..member }, statistics })
}

/// Turns what was said of a member into its settings, without alerts and with nothing shown, or says what is wrong
/// with it.
///
/// # Errors
/// One sentence about the first thing said wrongly, with exit code 2.
pub fn resolve_member(
    said: &MemberOptions,
    origins: &Origins,
    topic_defaults: TopicDefaults,
    properties: Properties,
) -> Result<Settings> {
    let check = Check { origins };
    let topic = check.topic("kafka_topic", said.kafka_topic.as_deref().unwrap_or("sensor-data"))?;
    let own_letters = format!("{topic}.dlq");
    let commit_interval = check.seconds("commit_interval", said.commit_interval, 1.0, 0.01, 3600.0)?;
    let (guarantee, commit) = check.guarantee(said)?;
    let member = check.member(said)?;
    let transactional_id = (guarantee == Guarantee::ExactlyOnce).then(|| transactional_id(said, &member));
    Ok(Settings {
        kafka: check.kafka(said, properties)?,
        registry: check.registry(said)?,
        transactional_id,
        checkpoint_records: said.checkpoint_records.map(|every| every.max(1)),
        state: said.state.unwrap_or(true),
        member,
        start: check.start(said)?,
        learn_from: None,
        max_messages: said.max_messages,
        until_end: said.until.is_some(),
        guarantee,
        commit_interval,
        commit,
        on_error: said.on_error.unwrap_or(OnError::Dlq),
        dead_letters: check.topic("dlq", said.dlq.as_deref().unwrap_or(&own_letters))?,
        group_events: said.group_events.unwrap_or(true),
        metrics_listen: check.listen(said)?,
        misdeeds: check.misdeeds(said)?,
        alerts_topic: None,
        record_format: None,
        shows_events: false,
        verbose: said.verbose.unwrap_or(true),
        topic,
        topic_defaults,
    })
}

/// The same after a restart where the member has a name that outlives it: what it has left open is ended at once.
fn transactional_id(said: &MemberOptions, member: &MemberSettings) -> String {
    said.transactional_id.clone().unwrap_or_else(|| {
        let slot = member.instance.clone().unwrap_or_else(|| format!("{:08x}", rand::random::<u32>()));
        format!("{}-{slot}", member.group)
    })
}

fn form(said: Option<Form>, has_format: bool) -> Form {
    match said {
        _ if has_format => Form::Text,
        Some(form) => form,
        None if std::io::stdout().is_terminal() => Form::Table,
        None => Form::Text,
    }
}

struct Check<'a> {
    origins: &'a Origins,
}

impl Check<'_> {
    fn topic(&self, key: &str, name: &str) -> Result<String> {
        legal_topic(name).or_else(|problem| self.origins.refuse(key, problem))?;
        Ok(name.to_owned())
    }

    fn seconds(&self, key: &str, said: Option<f64>, usual: f64, least: f64, most: f64) -> Result<Duration> {
        let words = format!("from {least} to {most} seconds");
        let seconds = self.origins.within(key, said.unwrap_or(usual), least..=most, &words)?;
        Ok(Duration::from_secs_f64(seconds))
    }

    fn kafka(&self, said: &MemberOptions, properties: Properties) -> Result<Kafka> {
        let servers = said.kafka_bootstrap_servers.clone().unwrap_or_default().join(",");
        if servers.trim_matches([',', ' ']).is_empty() {
            return self
                .origins
                .refuse("kafka_bootstrap_servers", "no broker is given, such as localhost:9092");
        }
        Ok(Kafka::new(servers, properties))
    }

    fn registry(&self, said: &MemberOptions) -> Result<Registry> {
        let access = Access::of_options(
            self.origins,
            ("schema_registry_auth", said.schema_registry_auth.as_ref()),
            ("schema_registry_ca", said.schema_registry_ca.as_deref()),
        )?;
        let url = said.schema_registry_url.as_deref().unwrap_or_default();
        Registry::new(url, access, self.origins.of("schema_registry_url"))
    }

    fn member(&self, said: &MemberOptions) -> Result<MemberSettings> {
        let group = said.group_id.clone().unwrap_or_default();
        if group.trim().is_empty() {
            return self.origins.refuse("group_id", "is empty; name a group, such as my-consumer");
        }
        let protocol = said.group_protocol.unwrap_or(Protocol::Classic);
        let session_timeout = self.seconds("session_timeout", said.session_timeout, SESSION, 0.001, DAY)?;
        let max_poll_interval =
            self.seconds("max_poll_interval", said.max_poll_interval, 300.0, 0.001, DAY)?;
        if protocol == Protocol::Classic && max_poll_interval < session_timeout {
            let session = session_timeout.as_secs_f64();
            let why = format!(
                "is less than the session timeout of {session} s; raise it, or lower --session-timeout"
            );
            return self.origins.refuse("max_poll_interval", why);
        }
        Ok(MemberSettings {
            group,
            protocol,
            assignor: self.assignor(protocol, said.assignor.as_deref())?,
            instance: said.group_instance_id.clone(),
            session_timeout,
            max_poll_interval,
        })
    }

    fn assignor(&self, protocol: Protocol, said: Option<&str>) -> Result<Option<String>> {
        let (known, name) = match protocol {
            Protocol::Classic => (&CLASSIC[..], "classic"),
            Protocol::Consumer => (&BY_BROKER[..], "consumer"),
        };
        match said {
            None => Ok((protocol == Protocol::Classic).then(|| "cooperative-sticky".to_owned())),
            Some(said) if known.contains(&said) => Ok(Some(said.to_owned())),
            Some(said) => {
                let hint = cli::suggestion(said, known.iter().copied());
                self.origins
                    .refuse("assignor", format!("`{said}` is none of --group-protocol {name}; {hint}"))
            }
        }
    }

    fn start(&self, said: &MemberOptions) -> Result<Start> {
        if let Some(text) = &said.from_time {
            return match DateTime::parse_from_rfc3339(text) {
                Ok(time) if time.timestamp_millis() >= 0 => Ok(Start::Time(time.timestamp_millis())),
                _ => {
                    let why =
                        format!("`{text}` is no RFC 3339 time since 1970, such as 2026-01-01T00:00:00Z");
                    self.origins.refuse("from_time", why)
                }
            };
        }
        match said.from_offset {
            Some(offset @ 0..) => Ok(Start::Offset(offset)),
            Some(offset) => {
                self.origins.refuse("from_offset", format!("{offset} is no offset: they begin at 0"))
            }
            None if said.from_beginning == Some(true) => Ok(Start::Beginning),
            None => Ok(Start::Committed),
        }
    }

    /// A form that is asked for by a flag wins over a format of the layers below.
    fn record_format(&self, said: &Options) -> Result<Option<Format>> {
        let is_below = self.origins.is_flag("output_format") && !self.origins.is_flag("record_format");
        let said = said.record_format.as_deref().filter(|_| !is_below);
        self.parsed("record_format", said, str::parse)
    }

    fn misdeeds(&self, said: &MemberOptions) -> Result<Misdeeds> {
        Ok(Misdeeds {
            crash: self.parsed("crash_at", said.crash_at.as_deref(), str::parse)?,
            delay: self.parsed("delay", said.delay.as_deref(), time_of)?,
            hang: self.parsed("hang", said.hang.as_deref(), str::parse)?,
            poison: self.parsed("poison", said.poison.as_deref(), str::parse)?,
        })
    }

    fn parsed<T, E: std::fmt::Display>(
        &self,
        key: &str,
        said: Option<&str>,
        parse: impl Fn(&str) -> std::result::Result<T, E>,
    ) -> Result<Option<T>> {
        said.map(|text| parse(text).or_else(|why| self.origins.refuse(key, why))).transpose()
    }

    fn listen(&self, said: &MemberOptions) -> Result<Option<String>> {
        let Some(place) = &said.metrics_listen else { return Ok(None) };
        let is_place = |(host, port): (&str, &str)| !host.is_empty() && port.parse::<u16>().is_ok();
        if place.rsplit_once(':').is_some_and(is_place) {
            return Ok(Some(place.clone()));
        }
        let why = format!("`{place}` is no host and port, such as 127.0.0.1:9464");
        self.origins.refuse("metrics_listen", why)
    }

    /// Deviations from the mean that are strange, where such are looked for.
    fn z(&self, said: &Options) -> Result<Option<f64>> {
        if said.anomaly_detection != Some(true) {
            return Ok(None);
        }
        let z = said.z.unwrap_or(3.0);
        self.origins.within("z", z, 0.1..=1000.0, "from 0.1 to 1000 deviations").map(Some)
    }

    fn guarantee(&self, said: &MemberOptions) -> Result<(Guarantee, Commit)> {
        let guarantee = said.guarantee.unwrap_or(Guarantee::AtLeastOnce);
        let commit = said.commit.unwrap_or(Commit::Sync);
        if guarantee == Guarantee::AtMostOnce && commit == Commit::Async {
            let why =
                "async does not go with at-most-once: a record is looked at only after its commit; take sync";
            return self.origins.refuse("commit", why);
        }
        if guarantee == Guarantee::ExactlyOnce && commit == Commit::Async {
            let why = "async does not go with exactly-once: offsets are committed with their transaction; take sync";
            return self.origins.refuse("commit", why);
        }
        if guarantee == Guarantee::ExactlyOnce && said.state == Some(false) {
            let why = "exactly-once commits its state with its outputs; take true";
            return self.origins.refuse("state", why);
        }
        Ok((guarantee, commit))
    }
}
