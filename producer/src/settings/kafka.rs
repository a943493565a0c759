use millrace_core::Result;
use millrace_core::kafka::{Kafka, PARTITION_COUNTS, Properties, TopicDefaults};

use super::place::legal_topic;
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
