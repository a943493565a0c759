use millrace_core::Result;
use millrace_core::kafka::{Kafka, PARTITION_COUNTS, Properties, TopicDefaults, legal_topic};

use super::resolve::Check;
use super::{Format, KafkaOutput, Options};

pub(super) const DEFAULT_TOPIC: &str = "sensor-data";

impl Check<'_> {
    pub(super) fn kafka(
        &self,
        said: Options,
        topics: TopicDefaults,
        properties: Properties,
    ) -> Result<KafkaOutput> {
        let control = self.control(&said)?;
        let topic = said.kafka_topic.clone().unwrap_or_else(|| DEFAULT_TOPIC.into());
        self.topic_name("kafka_topic", &topic)?;
        if let Some(count) = said.partitions.filter(|count| !PARTITION_COUNTS.contains(count)) {
            let range = "it must be from 1 to 100000 partitions";
            return self.refuse("partitions", format!("{count} is out of range: {range}"));
        }
        if said.resume == Some(true) {
            self.keeps_promises(&properties)?;
        }
        let kafka = self.cluster(&said, properties)?;
        let schema_registry = match said.data_format {
            None | Some(Format::Avro) => Some(self.registry(&said)?),
            Some(Format::Json) => None,
            Some(format @ (Format::Csv | Format::Parquet)) => {
                let format = if format == Format::Csv { "csv" } else { "parquet" };
                let problem = format!("{format} does not go to Kafka; take avro or json");
                return self.refuse("data_format", problem);
            }
        };
        let recovery = self.recovery(&said, &topic)?;
        Ok(KafkaOutput {
            kafka,
            topic,
            partitions: said.partitions,
            topic_defaults: topics,
            schema_registry,
            recovery,
            control,
        })
    }

    /// What is resumed goes on behind the last record in the topic, so all before it must be there.
    fn keeps_promises(&self, properties: &Properties) -> Result<()> {
        let gives_up = |name: &str, value: &str| match name {
            "acks" | "request.required.acks" => !matches!(value, "all" | "-1"),
            "enable.idempotence" => value.eq_ignore_ascii_case("false"),
            "message.timeout.ms" | "delivery.timeout.ms" => value != "0",
            _ => false,
        };
        match properties.iter().find(|(name, value)| gives_up(name, value)) {
            Some((name, value)) => {
                let why =
                    "lets a record go missing unseen, so nothing can be resumed behind it; leave it out";
                self.refuse("resume", format!("the client property {name}={value} {why}"))
            }
            None => Ok(()),
        }
    }

    pub(super) fn cluster(&self, said: &Options, properties: Properties) -> Result<Kafka> {
        let servers = said.kafka_bootstrap_servers.clone().unwrap_or_default().join(",");
        if servers.trim_matches([',', ' ']).is_empty() {
            return self
                .refuse("kafka_bootstrap_servers", "no broker is given, such as localhost:9092".into());
        }
        Ok(Kafka::new(servers, properties))
    }

    pub(super) fn topic_name(&self, key: &str, topic: &str) -> Result<()> {
        legal_topic(topic).or_else(|problem| self.refuse(key, problem))
    }
}
