use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use millrace_core::kafka::{Kafka, Properties};
use millrace_core::{Error, Result};
use millrace_lab::cluster::{self, Cluster, Request};
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
        let cluster = cluster::start(&Request::default())?;
        eprintln!("cluster: {}", cluster.describe());
        Ok(Self { cluster, registry: registry::start(registry::Options::in_memory(0))? })
    }

    /// The cluster as clients see it.
    pub fn kafka(&self) -> Kafka {
        Kafka::new(self.cluster.bootstrap_server(), Properties::default())
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

/// Whether a broker of our own can be had; the error is one sentence that says why not.
pub(crate) fn available() -> std::result::Result<(), String> {
    match std::env::var("MILLRACE_TEST_CLUSTER") {
        Ok(choice) if choice == "none" => {
            Err("MILLRACE_TEST_CLUSTER=none pretends that none is there".into())
        }
        Ok(choice) if !choice.is_empty() => {
            Err(format!("MILLRACE_TEST_CLUSTER={choice} is not known; leave it out, or set it to none"))
        }
        _ => cluster::available(),
    }
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
