use millrace_core::Result;
use millrace_core::kafka::{Kafka, Span};
use serde::{Deserialize, Serialize};

use super::tail::settled;

/// Where a topic ended when a run began: what lies behind it may be of this run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The topic.
    pub topic: String,
    /// The end of each partition; none where the topic was not there yet.
    pub offsets: Vec<i64>,
}

impl Mark {
    /// Where a topic ends now.
    ///
    /// # Errors
    /// When the cluster does not tell.
    pub(super) fn now(kafka: &Kafka, topic: &str) -> Result<Self> {
        let offsets = match kafka.partitions(topic)? {
            Some(partitions) => settled(kafka, topic, partitions, false)?.ends(),
            None => Vec::new(),
        };
        Ok(Self { topic: topic.to_owned(), offsets })
    }

    /// What lies behind it now: all that there is, or what is `committed`; `None` where there is no such topic.
    ///
    /// # Errors
    /// When the cluster does not tell.
    pub(super) fn since(&self, kafka: &Kafka, committed: bool) -> Result<Option<Span>> {
        let Some(partitions) = kafka.partitions(&self.topic)? else { return Ok(None) };
        let span = settled(kafka, &self.topic, partitions, committed)?;
        Ok(Some(span.not_before(&self.offsets)))
    }
}
