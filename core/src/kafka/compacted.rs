use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::FutureProducer;

use super::topic::{TIMEOUT, create};
use super::{Kafka, MOST_BYTES, cause};
use crate::error::{Error, Result};

/// What a topic needs to keep the newest record of each key for ever, however large it is.
const SETTINGS: [(&str, &str); 3] =
    [("cleanup.policy", "compact"), ("retention.ms", "-1"), ("max.message.bytes", MOST_BYTES)];

impl Kafka {
    /// Makes a compacted topic of so many partitions unless it is there.
    ///
    /// # Errors
    /// When the cluster refuses, or the topic is there and has another number of partitions or is not compacted.
    pub fn ensure_compacted_topic(&self, name: &str, partitions: i32) -> Result<()> {
        let admin = self.admin()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::failed(format!("the topic {name} cannot be looked up: {e}")))?;
        match self.partitions_of(&admin, name)? {
            None => {
                runtime.block_on(create(&admin, name, partitions, -1, &SETTINGS))?;
                self.wait_for_topic(&admin, name).map(drop)
            }
            Some(found) if found == partitions => runtime.block_on(check_compacted(&admin, name)),
            Some(found) => Err(Error::failed(format!(
                "topic {name} at {} has {found} partitions, and its order needs {partitions}: delete it, or use \
                 another cluster",
                self.bootstrap_servers()
            ))),
        }
    }

    /// An idempotent producer for records that are waited for one by one: acks from all replicas, each sent
    /// at once and given up after `timeout`.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn prompt_producer(&self, timeout: Duration) -> Result<FutureProducer> {
        let milliseconds = timeout.as_millis().to_string();
        self.client(&[
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("linger.ms", "0"),
            ("message.timeout.ms", &milliseconds),
        ])
        .create()
        .map_err(|e| self.cannot_build(&e))
    }
}

async fn check_compacted(admin: &AdminClient<DefaultClientContext>, name: &str) -> Result<()> {
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
    let described = admin.describe_configs([&ResourceSpecifier::Topic(name)], &options).await;
    let described = described.map_err(|e| Error::failed(format!("topic {name}: {}", cause(&e))))?;
    // Where its settings may not be read, the topic is taken as its owner made it.
    let resource = described.into_iter().next().and_then(std::result::Result::ok);
    let policy = resource.and_then(|resource| resource.get(SETTINGS[0].0).and_then(|e| e.value.clone()));
    match policy {
        Some(policy) if !policy.contains(SETTINGS[0].1) => Err(Error::failed(format!(
            "topic {name} has cleanup.policy={policy}, which deletes records that are still needed: \
             set cleanup.policy=compact on it"
        ))),
        _ => Ok(()),
    }
}
