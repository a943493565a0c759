use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use serde::{Deserialize, Serialize};

use super::{Kafka, Properties, cause, plain, read_command_config};
use crate::error::{Error, Result};

pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// What a topic needs so that event time other than now is neither refused nor deleted at once.
const EVENT_TIME: [(&str, &str); 2] =
    [("retention.ms", "-1"), ("message.timestamp.after.max.ms", "9223372036854775807")];

/// Partitions that a topic can be made with; the upper bound stops a slip of the finger before it stalls a
/// cluster.
pub const PARTITION_COUNTS: RangeInclusive<i32> = 1..=100_000;
/// Kafka counts replicas in 16 bits.
const MOST_REPLICAS: i32 = i16::MAX as i32;

/// Partitions and replication of topics that are made, as `kafka_config.yaml` gives them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TopicDefaults {
    /// Partitions of topics that are not listed.
    pub default_partitions: Option<i32>,
    /// Replicas of each partition; -1 is the broker's default.
    pub replication_factor: Option<i32>,
    /// Partitions of listed topics.
    pub topics: Option<BTreeMap<String, i32>>,
    /// librdkafka properties for every client.
    pub properties: Option<BTreeMap<String, serde_json::Value>>,
}

impl TopicDefaults {
    /// Partitions that a topic of this name is made with.
    pub fn partitions(&self, topic: &str) -> i32 {
        let listed = self.topics.as_ref().and_then(|topics| topics.get(topic).copied());
        listed.or(self.default_partitions).unwrap_or(1)
    }

    /// The same, but every topic that is not listed has one partition.
    #[must_use]
    pub fn of_one_partition(&self) -> Self {
        Self { default_partitions: Some(1), ..self.clone() }
    }

    /// What the config, `--command-config` and `-X` say together; the later wins.
    ///
    /// # Errors
    /// When a property is refused, or they do not go together.
    pub fn properties(&self, command_config: Option<&Path>, pairs: &[String]) -> Result<Properties> {
        let mut properties = Properties::default();
        for (name, value) in self.properties.iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            properties.set(name, &text, "kafka.properties")?;
        }
        properties.extend(command_config.map(read_command_config).transpose()?.unwrap_or_default());
        properties.set_pairs(pairs, "-X")?;
        properties.check_security()?;
        Ok(properties)
    }

    /// Checks what one file says; `place` gives a key's place in it.
    ///
    /// # Errors
    /// When a number is out of range, naming its key and the file.
    pub fn check(&self, place: &dyn Fn(&str) -> String) -> Result<()> {
        let refuse = |key: &str, value: i32, range: &str| {
            Err(Error::usage(format!("{}: {value} is out of range: it must be {range}", place(key))))
        };
        let listed = self.topics.iter().flatten().map(|(topic, count)| (format!("topics.{topic}"), *count));
        let unlisted = self.default_partitions.map(|count| ("default_partitions".to_owned(), count));
        if let Some((key, count)) = listed.chain(unlisted).find(|(_, n)| !PARTITION_COUNTS.contains(n)) {
            return refuse(&key, count, "from 1 to 100000 partitions");
        }
        match self.replication_factor {
            Some(replicas) if replicas != -1 && !(1..=MOST_REPLICAS).contains(&replicas) => {
                refuse("replication_factor", replicas, "from 1 to 32767, or -1 for the broker's default")
            }
            _ => Ok(()),
        }
    }
}

/// A topic that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: i32,
    /// Whether it was not there before.
    pub is_new: bool,
    /// One sentence where a setting of it endangers records with event times other than now.
    pub warning: Option<String>,
}

impl Kafka {
    /// Makes a topic for event-time records unless it is there, and tells how many partitions it has.
    ///
    /// # Errors
    /// When the cluster refuses, or the topic is there with another number of partitions than `asked`.
    pub fn ensure_topic(&self, name: &str, asked: Option<i32>, defaults: &TopicDefaults) -> Result<Topic> {
        let admin = self.admin()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::failed(format!("the topic {name} cannot be looked up: {e}")))?;
        let is_demo = is_demo(&admin);
        let (partitions, is_new) = match self.partitions_of(&admin, name)? {
            Some(partitions) => (partitions, false),
            None if is_demo => (self.topic_of_the_demo(name)?, true),
            None => {
                let wanted = asked.unwrap_or_else(|| defaults.partitions(name));
                let replication = defaults.replication_factor.unwrap_or(-1);
                runtime.block_on(create(&admin, name, wanted, replication, &EVENT_TIME))?;
                (self.wait_for_topic(&admin, name)?, true)
            }
        };
        if let Some(asked) = asked.filter(|asked| *asked != partitions) {
            let why = if is_demo { ", and the demo broker cannot be asked for others" } else { " already" };
            return Err(Error::failed(format!(
                "topic {name} has {partitions} partitions{why}, not {asked}: leave --partitions out or take another --topic"
            )));
        }
        let warning =
            if is_new || is_demo { None } else { runtime.block_on(event_time_warning(&admin, name)) };
        Ok(Topic { name: name.to_owned(), partitions, is_new, warning })
    }

    /// How many partitions a topic has; `None` where it is not there.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn partitions(&self, name: &str) -> Result<Option<i32>> {
        self.partitions_of(&self.admin()?, name)
    }

    /// The demo broker has no admin calls, but makes a topic when its metadata is asked for.
    fn topic_of_the_demo(&self, name: &str) -> Result<i32> {
        let asking: BaseConsumer = self
            .client(&[("group.id", "millrace-reader"), ("allow.auto.create.topics", "true")])
            .create()
            .map_err(|e| self.cannot_build(&e))?;
        // The answer may not have it yet; that is waited for.
        let _ = asking.fetch_metadata(Some(name), TIMEOUT);
        self.wait_for_topic(&self.admin()?, name)
    }

    pub(super) fn partitions_of(
        &self,
        admin: &AdminClient<DefaultClientContext>,
        name: &str,
    ) -> Result<Option<i32>> {
        let refuse =
            |why: String| Error::failed(format!("topic {name} at {}: {why}", self.bootstrap_servers()));
        let metadata = admin.inner().fetch_metadata(Some(name), TIMEOUT).map_err(|e| refuse(cause(&e)))?;
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
            return Ok(None);
        };
        match topic.error().map(RDKafkaErrorCode::from) {
            None => Ok(Some(topic.partitions().len() as i32).filter(|count| *count > 0)),
            Some(RDKafkaErrorCode::UnknownTopicOrPartition) => Ok(None),
            Some(code) => Err(refuse(plain(&code.to_string()))),
        }
    }

    /// A topic that was just made takes a moment to reach every broker.
    pub(super) fn wait_for_topic(
        &self,
        admin: &AdminClient<DefaultClientContext>,
        name: &str,
    ) -> Result<i32> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(partitions) = self.partitions_of(admin, name)? {
                return Ok(partitions);
            }
            if Instant::now() > deadline {
                return Err(Error::failed(format!("topic {name} was made but does not appear")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Whether Kafka takes a topic of this name.
///
/// # Errors
/// A clause about what is wrong, for the end of a sentence.
pub fn legal_topic(name: &str) -> std::result::Result<(), String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    if (1..=249).contains(&name.len()) && name.bytes().all(legal) && !matches!(name, "." | "..") {
        return Ok(());
    }
    Err(format!("topic name `{name}` must be 1 to 249 letters, digits, `_`, `.` or `-`"))
}

/// Whether it is librdkafka's mock cluster, which says so in its identity.
pub(super) fn is_demo(admin: &AdminClient<DefaultClientContext>) -> bool {
    admin.inner().fetch_cluster_id(TIMEOUT).is_some_and(|id| id.starts_with("mockCluster"))
}

pub(super) async fn create(
    admin: &AdminClient<DefaultClientContext>,
    name: &str,
    partitions: i32,
    replication: i32,
    settings: &[(&str, &str)],
) -> Result<()> {
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replication));
    for (key, value) in settings {
        topic = topic.set(key, value);
    }
    let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
    let refuse = |why: String| Error::failed(format!("topic {name} cannot be made: {why}"));
    let results = admin.create_topics([&topic], &options).await.map_err(|e| refuse(cause(&e)))?;
    match results.into_iter().next() {
        // Someone else was faster, which is as good.
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) | Some(Ok(_)) => Ok(()),
        Some(Err((_, code))) => Err(refuse(plain(&code.to_string()))),
        None => Err(refuse("the cluster gave no answer".into())),
    }
}

/// Looks only: the topic is someone else's, and reading its settings may be forbidden.
async fn event_time_warning(admin: &AdminClient<DefaultClientContext>, name: &str) -> Option<String> {
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
    let described = admin.describe_configs([&ResourceSpecifier::Topic(name)], &options).await.ok()?;
    let resource = described.into_iter().next()?.ok()?;
    let entries = resource.entry_map();
    let differing: Vec<String> = EVENT_TIME
        .iter()
        .filter(|(key, value)| entries.get(key).is_some_and(|entry| entry.value.as_deref() != Some(*value)))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    (!differing.is_empty()).then(|| {
        format!(
            "topic {name} may refuse or delete records whose event time is not now: set {} on it",
            differing.join(" and ")
        )
    })
}
