use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use clap::ValueEnum;
use millrace_core::kafka::Kafka;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_lab::cluster::{self, Choice, Cluster, Request};
use millrace_lab::registry::{self, RegistryServer};

static SHARED: Mutex<Option<Result<Arc<Lab>>>> = Mutex::new(None);
static TOPICS: AtomicU32 = AtomicU32::new(0);

/// A cluster and a registry; both end when the value goes.
pub struct Lab {
    /// The cluster.
    pub cluster: Cluster,
    registry: RegistryServer,
}

impl Lab {
    /// Starts a broker and an empty registry on free ports.
    ///
    /// # Errors
    /// When one of them does not come up.
    pub fn start() -> Result<Self> {
        Self::of(1)
    }

    /// The same with so many brokers.
    ///
    /// # Errors
    /// When one of them does not come up.
    pub fn of(brokers: usize) -> Result<Self> {
        let request = Request { choice: choice()?, brokers, ..Request::default() };
        let cluster = cluster::start(&request, &Shutdown::new())?;
        eprintln!("cluster: {}", cluster.describe());
        Ok(Self { cluster, registry: registry::start(registry::Options::in_memory(0))? })
    }

    /// The cluster as clients see it.
    pub fn kafka(&self) -> Kafka {
        self.cluster.kafka().clone()
    }

    /// Where the registry answers.
    pub fn registry_url(&self) -> String {
        self.registry.url()
    }

    /// A topic name that no other test uses.
    pub fn topic(&self, about: &str) -> String {
        format!("{about}-{}", TOPICS.fetch_add(1, Ordering::Relaxed))
    }

    /// The flags of a quiet run into `topic` of this cluster, followed by `more`.
    pub fn into_topic<'a>(&'a self, topic: &'a str, more: &[&'a str]) -> Vec<String> {
        let url = self.registry_url();
        let bootstrap = self.cluster.bootstrap_server();
        let ours = ["--mode", "kafka", "--bootstrap-server", bootstrap, "--topic", topic];
        let registry = ["--schema-registry-url", &url];
        ours.iter().chain(&registry).chain(more).map(|flag| (*flag).to_owned()).collect()
    }
}

/// The kind of cluster that the tests run on: what MILLRACE_TEST_CLUSTER says, else the best that can be had.
///
/// # Errors
/// When it says something else, or what it says cannot be had.
pub fn choice() -> Result<Choice> {
    static FOUND: OnceLock<Result<Choice>> = OnceLock::new();
    FOUND.get_or_init(find).clone()
}

fn find() -> Result<Choice> {
    let said = std::env::var("MILLRACE_TEST_CLUSTER").unwrap_or_default();
    let choice = match said.as_str() {
        "" => Choice::Auto,
        said => Choice::from_str(said, false).map_err(|_| {
            Error::usage(format!("MILLRACE_TEST_CLUSTER: `{said}` is not one of docker, java, demo"))
        })?,
    };
    cluster::resolve(choice)
}

/// The lab that all tests share, started by the first that asks; its failure is remembered.
pub(crate) fn shared() -> Result<Arc<Lab>> {
    let mut held = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    held.get_or_insert_with(|| Lab::start().map(Arc::new).map_err(unavailable)).clone()
}

/// Ends the shared lab, if one was started.
pub(crate) fn end() {
    drop(SHARED.lock().unwrap_or_else(PoisonError::into_inner).take());
}

fn unavailable(cause: Error) -> Error {
    Error::failed(format!("the tests' cluster does not start: {cause}"))
}
