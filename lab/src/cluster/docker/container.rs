use std::collections::HashMap;
use std::io::BufReader;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use millrace_core::{Error, Result};
use testcontainers::bollard::exec::StartExecResults;
use testcontainers::bollard::models::{ExecConfig, HostConfig, PortBinding};
use testcontainers::bollard::query_parameters::RemoveContainerOptionsBuilder;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::super::properties::Listeners;
use super::super::supervisor::{HOLD, IN_CONTAINER, Place, Supervisor, script};
use super::IMAGE;
use super::engine::{Engine, plain};

/// Marks our containers with the process that holds them.
const LABEL: &str = "millrace.held-by";
const CLIENT_PORT: &str = "9092/tcp";
/// How long the engine may take to remove a container.
const REMOVAL: Duration = Duration::from_secs(15);

/// A container that waits for somebody to hold it and run a broker in it; it is removed when dropped.
pub(super) struct Container {
    engine: Engine,
    running: Option<ContainerAsync<GenericImage>>,
    port: u16,
}

impl Container {
    /// Starts a container whose port for clients is mapped to `port` of the loopback.
    pub fn start(engine: &Engine, port: u16) -> Result<Self> {
        let request = GenericImage::new(IMAGE.0, IMAGE.1)
            .with_cmd(["sh", "-c", HOLD])
            .with_label(LABEL, std::process::id().to_string())
            .with_host_config_modifier(move |host| host_config(host, port));
        let running = engine.runtime.block_on(request.start()).map_err(|e| {
            Error::failed(format!("Docker cannot start a container of {}:{}: {e}", IMAGE.0, IMAGE.1))
        })?;
        Ok(Self { engine: engine.clone(), running: Some(running), port })
    }

    /// Where its broker listens; the other containers reach it by its address on the default network.
    pub fn listeners(&self) -> Result<Listeners> {
        let Engine { docker, runtime } = &self.engine;
        let told = runtime.block_on(docker.inspect_container(self.running()?.id(), None));
        let networks =
            told.map_err(|e| no_address(&plain(&e)))?.network_settings.and_then(|all| all.networks);
        let mut addresses =
            networks.unwrap_or_default().into_values().filter_map(|network| network.ip_address);
        let ip = addresses.find(|ip| !ip.is_empty());
        let ip = ip.ok_or_else(|| no_address("it is on no network"))?;
        Ok(Listeners {
            bind: ":9092".into(),
            address: format!("127.0.0.1:{}", self.port),
            internal: format!("{ip}:9094"),
            controller: format!("{ip}:9093"),
        })
    }

    /// Runs a supervisor inside. When its standard input ends, also because this process is gone, the
    /// container ends and the engine removes it.
    pub fn hold(self, environment: Vec<String>) -> Result<Supervisor> {
        let id = self.running()?.id().to_owned();
        let command = ["sh", "-c", &script(IN_CONTAINER)].map(str::to_owned).to_vec();
        let config = ExecConfig {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            env: Some(environment),
            cmd: Some(command),
            ..Default::default()
        };
        let Engine { docker, runtime } = &self.engine;
        let held = runtime.block_on(async {
            let exec = docker.create_exec(&id, config).await?;
            docker.start_exec(&exec.id, None).await
        });
        let cannot = |why: &str| Error::failed(format!("Docker cannot run `sh` in the container: {why}"));
        match held.map_err(|e| cannot(&plain(&e)))? {
            StartExecResults::Attached { output, input } => {
                let handle = runtime.handle().clone();
                let bytes =
                    StreamReader::new(output.map_ok(|said| said.into_bytes()).map_err(std::io::Error::other));
                let answers = SyncIoBridge::new_with_handle(bytes, handle.clone());
                let orders = SyncIoBridge::new_with_handle(input, handle);
                Ok(Supervisor::over(Box::new(orders), Box::new(BufReader::new(answers)), Box::new(self)))
            }
            StartExecResults::Detached => Err(cannot("it is not attached")),
        }
    }

    fn running(&self) -> Result<&ContainerAsync<GenericImage>> {
        self.running.as_ref().ok_or_else(|| Error::failed("the container was removed already"))
    }

    /// The engine removes it by itself once it has ended; asking as well is quicker.
    fn remove(&mut self) {
        let Some(running) = self.running.take() else { return };
        let Engine { docker, runtime } = &self.engine;
        runtime.block_on(async {
            let id = running.id().to_owned();
            let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            let deadline = Instant::now() + REMOVAL;
            let _ = docker.remove_container(&id, Some(options)).await;
            while docker.inspect_container(&id, None).await.is_ok() && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            drop(running);
        });
    }
}

impl Place for Container {
    fn wait(&mut self) {
        self.remove();
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.remove();
    }
}

fn no_address(why: &str) -> Error {
    Error::failed(format!("Docker gave the container no address: {why}"))
}

/// Ports of the loopback only: the listeners ask nobody who they are.
fn host_config(host: &mut HostConfig, port: u16) {
    let binding = PortBinding { host_ip: Some("127.0.0.1".into()), host_port: Some(port.to_string()) };
    host.port_bindings = Some(HashMap::from([(CLIENT_PORT.to_owned(), Some(vec![binding]))]));
    host.publish_all_ports = Some(false);
    host.auto_remove = Some(true);
}
