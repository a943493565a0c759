use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as DockerError;
use testcontainers::bollard::query_parameters::CreateImageOptionsBuilder;
use testcontainers::core::client::docker_client_instance;
use tokio::runtime::Runtime;

use super::IMAGE;

/// How long an engine may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a pull is looked at for Ctrl-C.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// A Docker engine that answers, and the runtime for talking to it.
#[derive(Clone)]
pub(super) struct Engine {
    pub docker: Docker,
    pub runtime: Arc<Runtime>,
}

impl Engine {
    /// The engine that `DOCKER_HOST` or Docker's own defaults name.
    pub fn connect() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|e| Error::failed(format!("no thread to talk to Docker with: {e}")))?;
        let answer = runtime.block_on(async {
            let docker = docker_client_instance().await.map_err(|e| e.to_string())?;
            match tokio::time::timeout(PATIENCE, docker.ping()).await {
                Ok(Ok(_)) => Ok(docker),
                Ok(Err(e)) => Err(e.to_string()),
                Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
            }
        });
        let docker = answer.map_err(|_| {
            let host = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
            let place = host.map_or_else(String::new, |host| format!(" at DOCKER_HOST={host}"));
            Error::failed(format!("no Docker engine answers{place}; start it"))
        })?;
        Ok(Self { docker, runtime: Arc::new(runtime) })
    }

    /// Pulls the image unless it is there.
    pub fn ensure_image(&self, shutdown: &Shutdown) -> Result<()> {
        let name = format!("{}:{}", IMAGE.0, IMAGE.1);
        if self.runtime.block_on(self.docker.inspect_image(&name)).is_ok() {
            return Ok(());
        }
        eprintln!("pulling the Docker image {name} (once)");
        self.runtime.block_on(self.pull(shutdown)).map_err(|why| {
            Error::failed(format!(
                "the Docker image {name} is not there and cannot be pulled: {why}; pull or load it"
            ))
        })
    }

    async fn pull(&self, shutdown: &Shutdown) -> std::result::Result<(), String> {
        let options = CreateImageOptionsBuilder::new().from_image(IMAGE.0).tag(IMAGE.1).build();
        let mut progress = Box::pin(self.docker.create_image(Some(options), None, None));
        loop {
            match tokio::time::timeout(BETWEEN_LOOKS, progress.next()).await {
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => return Err(plain(&error)),
                Ok(None) => return Ok(()),
                Err(_) if shutdown.is_requested() => return Err("interrupted".into()),
                Err(_) => {}
            }
        }
    }
}

/// What the engine said, without the library's wrapping, in one line.
pub(super) fn plain(error: &DockerError) -> String {
    let text = match error {
        DockerError::DockerResponseServerError { message, .. } => message.clone(),
        DockerError::DockerStreamError { error } => error.clone(),
        other => other.to_string(),
    };
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}
