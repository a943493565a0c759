use std::rc::Rc;

use millrace_core::Result;
use millrace_core::kafka::Topic;
use millrace_core::registry::RegistryClient;
use millrace_schemas::subject::{EPISODE, SENSOR_TRUTH, value_subject};
use millrace_schemas::text::{episode_csv_header, truth_csv_header};

use super::TruthEncoding;
use crate::batch::LaneOf;
use crate::settings::{TextFormat, TruthFiles, TruthOutput, TruthTopic};
use crate::sink::{Beside, Client};

/// Where the episodes of failures go when the truth goes to a topic.
pub const EPISODES_TOPIC: &str = "anomaly-episodes";
/// Where the episodes of maintenance go then.
pub const MAINTENANCE_TOPIC: &str = "maintenance-events";

/// The lanes of the truth, in the order of their topics.
const LANES: [LaneOf; 3] = [|part| &part.truth, |part| &part.episodes, |part| &part.maintenance];

/// What takes the truth of a run, ready to be written to.
#[derive(Default)]
pub struct OpenTruth {
    /// How it is encoded; `None` where it was not asked for.
    pub encoding: Option<TruthEncoding>,
    /// What takes it.
    pub beside: Vec<Beside>,
}

impl OpenTruth {
    /// Opens its files, or makes its topics. `shared` is the client that the readings take, and how many partitions
    /// their topic has; without one, topics get a client of their own.
    ///
    /// # Errors
    /// When a file cannot be written, or broker or registry refuse.
    pub fn open(output: Option<&TruthOutput>, shared: Option<(&Rc<Client>, i32)>) -> Result<Self> {
        match (output, shared) {
            (None, _) => Ok(Self::default()),
            (Some(TruthOutput::Files(files)), _) => Self::files(files),
            (Some(TruthOutput::Topic(topic)), Some((client, partitions))) => {
                Self::topics(topic, client, Some(partitions))
            }
            (Some(TruthOutput::Topic(topic)), None) => {
                let client = Rc::new(Client::new(&topic.kafka, None)?);
                topic.kafka.check()?;
                Self::topics(topic, &client, None)
            }
        }
    }

    fn files(files: &TruthFiles) -> Result<Self> {
        let TruthFiles { truth, episodes, format, append } = files;
        let header = |text: String| (*format == TextFormat::Csv).then_some(text);
        let open = |lane, path, text| Beside::file(lane, path, *append, header(text).as_deref());
        let beside =
            vec![open(LANES[0], truth, truth_csv_header())?, open(LANES[1], episodes, episode_csv_header())?];
        Ok(Self { encoding: Some(TruthEncoding::Rows(*format)), beside })
    }

    fn topics(output: &TruthTopic, client: &Rc<Client>, partitions: Option<i32>) -> Result<Self> {
        let names = [output.topic.as_str(), EPISODES_TOPIC, MAINTENANCE_TOPIC];
        let encoding = match &output.schema_registry {
            None => TruthEncoding::Json,
            Some(registry) => register(&registry.client()?, names)?,
        };
        let wanted = [partitions.unwrap_or_else(|| output.topic_defaults.partitions(&output.readings)), 1, 1];
        let mut beside = Vec::with_capacity(names.len());
        for ((name, lane), partitions) in names.into_iter().zip(LANES).zip(wanted) {
            let topic = ensure(output, name, partitions)?;
            if name == output.topic && topic.partitions != partitions && output.verbose {
                let (found, other) = (topic.partitions, "the topic of the readings");
                let so = "a record's truth lies in another partition than its reading";
                eprintln!("producer: topic {name} has {found} partitions, {other} {partitions}: {so}");
            }
            let taker = Beside::topic(lane, Rc::clone(client), topic);
            // A run that is resumed tells no episode again that its readings are past; the truth has its own place.
            beside.push(if name == output.topic { taker } else { taker.waited_for() });
        }
        Ok(Self { encoding: Some(encoding), beside })
    }
}

fn register(registry: &RegistryClient, topics: [&str; 3]) -> Result<TruthEncoding> {
    let [truth, failures, maintenance] = topics.map(value_subject);
    Ok(TruthEncoding::Avro {
        truth: registry.register(&truth, SENSOR_TRUTH)?,
        failures: registry.register(&failures, EPISODE)?,
        maintenance: registry.register(&maintenance, EPISODE)?,
    })
}

/// Makes a topic with so many partitions, unless it is there or the config lists it with another number.
fn ensure(output: &TruthTopic, name: &str, partitions: i32) -> Result<Topic> {
    let mut defaults = output.topic_defaults.clone();
    defaults.topics.get_or_insert_default().entry(name.to_owned()).or_insert(partitions);
    let topic = output.kafka.ensure_topic(name, None, &defaults)?;
    if let Some(warning) = topic.warning.as_ref().filter(|_| output.verbose) {
        eprintln!("producer: {warning}");
    }
    Ok(topic)
}
