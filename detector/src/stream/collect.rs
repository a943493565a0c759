use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use clap::Args;
use millrace_core::kafka::{ClusterFlags, Kafka, Span};
use millrace_core::registry::RegistryClient;
use millrace_core::{Error, Result, cli};
use millrace_schemas::codec::read_frame;
use rdkafka::message::{BorrowedMessage, Message};
use tempfile::TempDir;

use crate::avro::Frames;

/// Where a run of the plant is in Kafka, instead of a folder.
#[derive(Debug, Args)]
pub struct RunTopics {
    /// Topic of the readings, for `plant`: readings, truth and episodes are read from Kafka, as far as they are there
    #[arg(long, value_name = "TOPIC", help_heading = "Kafka")]
    topic: Option<String>,
    /// Topic of the truth [default: sensor-truth]
    #[arg(long, value_name = "TOPIC", requires = "topic", help_heading = "Kafka")]
    truth_topic: Option<String>,
    /// Topic of the episodes [default: anomaly-episodes]
    #[arg(long, value_name = "TOPIC", requires = "topic", help_heading = "Kafka")]
    episodes_topic: Option<String>,
    /// Schema registry for Avro [default: SCHEMA_REGISTRY_URL, else http://localhost:8081]
    #[arg(long, value_name = "URL", requires = "topic", help_heading = "Kafka")]
    schema_registry_url: Option<String>,
    #[command(flatten)]
    cluster: ClusterFlags,
}

impl RunTopics {
    /// Whether a run in Kafka is meant.
    pub fn is_said(&self) -> bool {
        self.topic.is_some()
    }

    /// A flag that says something of Kafka without a topic.
    pub fn idle(&self) -> Option<&'static str> {
        let said = [
            (self.truth_topic.is_some(), "--truth-topic"),
            (self.episodes_topic.is_some(), "--episodes-topic"),
            (self.schema_registry_url.is_some(), "--schema-registry-url"),
        ];
        let own = said.into_iter().find_map(|(is_said, flag)| is_said.then_some(flag));
        own.or_else(|| self.cluster.given()).filter(|_| !self.is_said())
    }

    /// The run as a folder of JSON lines, which goes when the value does.
    ///
    /// # Errors
    /// When the cluster or the registry does not answer, a topic is not there, or a record of it cannot be read.
    pub fn collect(&self) -> Result<TempDir> {
        let kafka = self.cluster.kafka()?;
        kafka.check()?;
        let url = cli::said_or_set(
            self.schema_registry_url.as_ref(),
            "SCHEMA_REGISTRY_URL",
            "http://localhost:8081",
        );
        let mut reading = Reading { registry: RegistryClient::new(&url)?, frames: Frames::default() };
        let folder =
            TempDir::new().map_err(|e| Error::failed(format!("no temporary folder can be made: {e}")))?;
        let topics = [
            (self.topic.as_deref().unwrap_or_default(), "readings"),
            (self.truth_topic.as_deref().unwrap_or("sensor-truth"), "truth"),
            (self.episodes_topic.as_deref().unwrap_or("anomaly-episodes"), "episodes"),
        ];
        for (topic, name) in topics {
            reading.write(&kafka, topic, &folder.path().join(format!("{name}.jsonl")))?;
        }
        Ok(folder)
    }
}

/// Reads records of any Avro schema, or JSON.
struct Reading {
    registry: RegistryClient,
    frames: Frames,
}

impl Reading {
    /// Writes all that is in a topic now as a JSON object a line, each partition in its order.
    fn write(&mut self, kafka: &Kafka, topic: &str, path: &Path) -> Result<()> {
        if kafka.partitions(topic)?.is_none() {
            return Err(Error::failed(format!(
                "there is no topic {topic} at {}; `producer --mode kafka --truth topic:` makes readings, truth and \
                 episodes",
                kafka.bootstrap_servers()
            )));
        }
        let unwritten = |e: std::io::Error| Error::failed(format!("cannot write `{}`: {e}", path.display()));
        let mut file = BufWriter::new(File::create(path).map_err(unwritten)?);
        Span::of(kafka, topic)?.each(kafka, |record| {
            let line = self.line(record.payload().unwrap_or_default()).or_else(|why| unread(record, &why))?;
            file.write_all(line.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(unwritten)
        })?;
        file.flush().map_err(unwritten)
    }

    fn line(&mut self, value: &[u8]) -> std::result::Result<String, String> {
        if value.first() == Some(&b'{') {
            return String::from_utf8(value.to_vec()).map_err(|e| e.to_string());
        }
        let (id, body) = read_frame(value).map_err(|e| e.to_string())?;
        let text = || self.registry.schema(id).map_err(|e| e.to_string());
        let object = self.frames.object(Some(id), text, body)?;
        serde_json::to_string(&object).map_err(|e| e.to_string())
    }
}

fn unread<T>(record: &BorrowedMessage<'_>, why: &str) -> Result<T> {
    let (topic, partition, offset) = (record.topic(), record.partition(), record.offset());
    Err(Error::failed(format!("topic {topic} partition {partition} offset {offset} cannot be read: {why}")))
}
