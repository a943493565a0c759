//! Asking a cluster whether it answers, without a word on the terminal.

use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;

/// Swallows what librdkafka says about refused connections: a broker that is not up yet is no news.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Quiet {}

/// A client that only asks for metadata.
pub(super) struct Probe(BaseConsumer<Quiet>);

impl Probe {
    /// A client of `bootstrap_server`; it connects when first asked.
    pub(super) fn new(bootstrap_server: &str) -> Result<Self, KafkaError> {
        ClientConfig::new()
            .set("bootstrap.servers", bootstrap_server)
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "250")
            .create_with_context(Quiet)
            .map(Self)
    }

    /// How many brokers the cluster says it has.
    pub(super) fn brokers(&self, timeout: Duration) -> Result<usize, KafkaError> {
        self.0.fetch_metadata(None, timeout).map(|metadata| metadata.brokers().len())
    }

    /// The identity of the cluster that answers.
    pub(super) fn cluster_id(&self, timeout: Duration) -> Option<String> {
        self.0.client().fetch_cluster_id(timeout)
    }
}
