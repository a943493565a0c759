//! A schema registry for development: Confluent's REST calls for Avro, on loopback.
//!
//! A write is planned on the store (`store/operations.rs`), written to the log where there is one
//! (`log.rs`, its form in `change.rs`), and then made (`store/mod.rs`), one after the other (`keeper.rs`).
//! Two registries over one topic are not supported: each would miss what the other writes.

mod answer;
mod body;
mod change;
mod keeper;
mod log;
mod problem;
mod request;
mod routes;
mod schema;
mod schemas;
mod settings;
mod store;
mod subjects;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use millrace_core::kafka::Kafka;
use millrace_core::{Error, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::cluster::Cluster;

use keeper::Keeper;
use log::Log;

pub use log::TOPIC;

/// How long requests under way may take to finish once the server is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// A running registry; dropping it stops the server and waits for its thread.
#[derive(Debug)]
pub struct RegistryServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Where a registry answers, and where it keeps what it is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address of this machine that it answers on; 0.0.0.0 is all of them, as in a container.
    pub host: IpAddr,
    /// The preferred port there: used when free, else any; 0 for any.
    pub port: u16,
    /// The cluster whose topic [`TOPIC`] keeps the schemas; without one they are gone with the registry.
    pub store: Option<Kafka>,
}

impl Options {
    /// A registry that keeps what it is told in this cluster, or forgets where the cluster would.
    pub fn on(cluster: &Cluster, port: u16) -> Self {
        Self {
            store: cluster.capabilities().durable.then(|| cluster.kafka().clone()),
            ..Self::in_memory(port)
        }
    }

    /// A registry that forgets when it stops.
    pub fn in_memory(port: u16) -> Self {
        Self { host: Ipv4Addr::LOCALHOST.into(), port, store: None }
    }
}

/// Starts a registry. What its topic holds is read before the first request is answered.
///
/// # Errors
/// When no port can be had, the system refuses a thread, or the topic cannot be made or read.
pub fn start(options: Options) -> Result<RegistryServer> {
    let keeper = Arc::new(Keeper::open(options.store.map(Log::open).transpose()?)?);
    let listener = crate::port::listen_on(options.host, options.port)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(refused)?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener).map_err(refused)?
    };
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("registry".to_owned())
        .spawn(move || serve(&runtime, listener, keeper, stopped))
        .map_err(refused)?;
    Ok(RegistryServer { address, stop: Some(stop), thread: Some(thread) })
}

impl RegistryServer {
    /// Where the registry answers, such as `http://127.0.0.1:8081`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for RegistryServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It fails only if the server is gone already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported on standard error by its own thread.
            let _ = thread.join();
        }
    }
}

fn refused(cause: std::io::Error) -> Error {
    Error::failed(format!(
        "The development registry could not start: {cause}. \
         Look at the limits on open files and threads (ulimit -n, ulimit -u)."
    ))
}

/// Serves until told to stop, then lets requests under way finish within the grace.
fn serve(
    runtime: &Runtime,
    listener: tokio::net::TcpListener,
    keeper: Arc<Keeper>,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        let (close, closing) = oneshot::channel::<()>();
        let server = axum::serve(listener, routes::router(keeper)).with_graceful_shutdown(async {
            // Told or forgotten, the end is the same.
            let _ = closing.await;
        });
        let server = tokio::spawn(server.into_future());
        let _ = stopped.await;
        drop(close);
        // A client that never finishes its request is cut off with the runtime.
        let _ = tokio::time::timeout(GRACE, server).await;
    });
}

#[cfg(test)]
mod tests;
