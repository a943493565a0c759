use std::path::PathBuf;

use clap::Args;

use super::{Kafka, read_properties};
use crate::cli;
use crate::error::Result;

/// Flags that say which cluster, for commands that take no config.
#[derive(Debug, Clone, Args)]
pub struct ClusterFlags {
    /// Kafka brokers, host:port, comma-separated [default: KAFKA_BROKERS, else localhost:9092]
    #[arg(long, value_name = "HOST:PORT", global = true, help_heading = "Kafka")]
    bootstrap_server: Option<String>,
    /// File of librdkafka properties, name=value a line
    #[arg(long, value_name = "FILE", global = true, help_heading = "Kafka")]
    command_config: Option<PathBuf>,
    /// librdkafka property, as in -X security.protocol=SSL
    #[arg(short = 'X', value_name = "NAME=VALUE", global = true, help_heading = "Kafka")]
    properties: Vec<String>,
}

impl ClusterFlags {
    /// The cluster that is said, which need not answer.
    ///
    /// # Errors
    /// When the file cannot be read, or a property is none of ours to take.
    pub fn kafka(&self) -> Result<Kafka> {
        let properties = read_properties(self.command_config.as_deref(), &self.properties)?;
        let servers = cli::said_or_set(self.bootstrap_server.as_ref(), "KAFKA_BROKERS", "localhost:9092");
        Ok(Kafka::new(servers, properties))
    }

    /// One of the flags that is given, if any is.
    pub fn given(&self) -> Option<&'static str> {
        let given = [
            ("--bootstrap-server", self.bootstrap_server.is_some()),
            ("--command-config", self.command_config.is_some()),
            ("-X", !self.properties.is_empty()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }
}
