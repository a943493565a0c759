//! The only place where Kafka clients are built.

mod bounds;
mod compacted;
mod context;
mod flags;
mod member;
mod partition;
mod properties;
mod reach;
mod rejected;
mod security;
mod span;
mod topic;
mod transactions;
mod trouble;

use std::time::{Duration, Instant};

use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::BaseProducer;

pub use bounds::{bounds, edges, known};
pub use context::{Deliveries, ProducerContext, Role};
pub use flags::ClusterFlags;
pub use partition::partition_of;
pub use properties::{Properties, read_command_config, read_properties};
pub use rejected::{REJECTED_PREFIX, rejected_headers};
pub use span::Span;
pub use topic::{PARTITION_COUNTS, Topic, TopicDefaults, legal_topic};
pub use transactions::{Verdict, collect, collect_and_rest, drained, while_collecting};

use crate::error::{Error, Result};
use crate::secret::HIDDEN;
use properties::is_secret;
use trouble::{Listening, Trouble};

/// How long a cluster that was never reached may take to answer.
const FIRST_CONTACT: Duration = Duration::from_secs(10);
/// How long one question waits before it is seen what librdkafka says.
const ONE_QUESTION: Duration = Duration::from_secs(1);
/// How long its log may take to come.
const ONE_GLANCE: Duration = Duration::from_millis(100);
/// What looks like the wrong port or protocol may be a broker on its way up or down; longer it is not.
const LIKELY: Duration = Duration::from_secs(4);

/// What a record may take; a snapshot of a long window is larger than Kafka's usual million.
const MOST_BYTES: &str = "16777216";

/// What every producer of records has.
const PRODUCER: [(&str, &str); 7] = [
    ("acks", "all"),
    ("enable.idempotence", "true"),
    ("queue.buffering.max.messages", "200000"),
    ("queue.buffering.max.kbytes", "131072"),
    ("batch.num.messages", "100000"),
    ("linger.ms", "5"),
    // With more requests in flight librdkafka's broker thread wakes without work to do: twice the
    // CPU time a record, and no more records, measured on 2 cores with 64 KiB batches.
    ("max.in.flight.requests.per.connection", "2"),
];

/// A Kafka cluster as clients see it: where it is and what was said about talking to it.
#[derive(Debug, Clone)]
pub struct Kafka {
    bootstrap_servers: String,
    properties: Properties,
}

impl Kafka {
    /// The cluster at `bootstrap_servers` (host:port, comma-separated), reached with `properties`, which win
    /// over all our own.
    pub fn new(bootstrap_servers: impl Into<String>, properties: Properties) -> Self {
        Self { bootstrap_servers: bootstrap_servers.into(), properties }
    }

    /// Where the cluster is.
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// An idempotent producer: acks from all replicas, an outage of any length waited out.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn producer(&self) -> Result<BaseProducer<ProducerContext>> {
        let context = ProducerContext::new(self);
        // 0 = for ever: a record is given up only when the broker refuses it.
        self.client(
            &[&PRODUCER[..], &[("message.timeout.ms", "0"), ("message.max.bytes", MOST_BYTES)]].concat(),
        )
        .create_with_context(context)
        .map_err(|e| self.cannot_build(&e))
    }

    /// A consumer without group, for reading given partitions.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn reader(&self) -> Result<BaseConsumer> {
        self.client(&[
            ("group.id", "millrace-reader"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("enable.partition.eof", "false"),
            ("fetch.queue.backoff.ms", "10"),
            ("auto.offset.reset", "earliest"),
        ])
        .create()
        .map_err(|e| self.cannot_build(&e))
    }

    /// Waits until a broker answers.
    ///
    /// # Errors
    /// When none does within ten seconds, or sooner when it refuses us; the sentence names the address.
    pub fn check(&self) -> Result<()> {
        self.brokers().map(drop)
    }

    /// How many brokers the cluster counts among its own now.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn brokers(&self) -> Result<usize> {
        let listening = Listening::default();
        let client: BaseConsumer<Listening> = self
            .client(&[("group.id", "millrace-reader")])
            .set_log_level(RDKafkaLogLevel::Info)
            .create_with_context(listening.clone())
            .map_err(|e| self.cannot_build(&e))?;
        let began = Instant::now();
        loop {
            match client.fetch_metadata(None, ONE_QUESTION) {
                Ok(metadata) => return Ok(metadata.brokers().len()),
                Err(error) => {
                    // The log is handed over while the client is polled, up to the next error at a time.
                    let glance = Instant::now();
                    while glance.elapsed() < ONE_GLANCE && client.poll(ONE_GLANCE).is_some() {}
                    self.judge(&error, &listening.lines(), began.elapsed())?;
                }
            }
        }
    }

    /// Whether the cluster may yet answer after what went wrong so far.
    fn judge(&self, error: &KafkaError, lines: &[String], waited: Duration) -> Result<()> {
        let protocol = self.properties.get("security.protocol").unwrap_or_default();
        let speaks_tls = protocol.to_ascii_uppercase().contains("SSL");
        let troubles = || {
            let all = lines.iter().rev().filter_map(|line| Some((Trouble::of(line)?, line)));
            all.filter(|(trouble, _)| !(speaks_tls && *trouble == Trouble::Tls))
        };
        let certain = troubles().find(|(trouble, _)| trouble.is_certain());
        let likely = || troubles().next().filter(|_| waited >= LIKELY);
        if let Some((trouble, line)) = certain.or_else(likely) {
            return Err(Error::failed(self.tell(trouble, line)));
        }
        if waited < FIRST_CONTACT {
            return Ok(());
        }
        Err(Error::failed(format!(
            "no Kafka broker answers at {} within {} s ({}); check --bootstrap-server, or start one with `lab up`",
            self.bootstrap_servers,
            FIRST_CONTACT.as_secs(),
            cause(error)
        )))
    }

    fn admin(&self) -> Result<AdminClient<DefaultClientContext>> {
        self.client(&[]).create().map_err(|e| self.cannot_build(&e))
    }

    fn client(&self, ours: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", "millrace")
            .set("allow.auto.create.topics", "false")
            .set("reconnect.backoff.max.ms", "1000")
            .set_log_level(RDKafkaLogLevel::Error);
        for (name, value) in ours {
            config.set(*name, *value);
        }
        for (name, value) in self.properties.iter() {
            config.set(name, value);
        }
        config
    }

    fn cannot_build(&self, error: &KafkaError) -> Error {
        Error::usage(format!(
            "a Kafka client cannot be built: {}; check -X and --command-config",
            cause(error)
        ))
    }
}

/// The cause without the library's wrapping.
pub fn cause(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, description, name, value) => match value.as_str() {
            "" => description.clone(),
            _ if is_secret(name) || description.contains("No such") => {
                format!("{description} ({name}={HIDDEN})")
            }
            value => format!("{description} ({name}={value})"),
        },
        other => match other.rdkafka_error_code() {
            Some(code) => plain(&code.to_string()),
            None => other.to_string(),
        },
    }
}

/// `Name (Explanation)` reads as the explanation.
fn plain(code: &str) -> String {
    let inner = code.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(code).to_owned()
}
