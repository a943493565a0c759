//! One Kafka node, broker and controller in one, in a temporary folder of its own.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use millrace_core::{Error, Result};

use super::jars::Jars;
use super::java::Java;
use super::probe::Probe;
use super::supervisor::Supervisor;
use crate::port;

const PATIENCE: Duration = Duration::from_secs(60);
const ONE_PROBE: Duration = Duration::from_millis(500);

/// A node that we run; dropping it ends it and removes its data.
pub(super) struct Node {
    supervisor: Supervisor,
    folder: PathBuf,
    id: String,
    address: String,
}

impl Node {
    /// Starts a node and waits until it answers.
    pub(super) fn start(java: &Java, jars: &Jars, preferred_port: u16) -> Result<Self> {
        let mut node = Self::prepare(java, jars, preferred_port)?;
        match node.resume() {
            // Another program took the port between our look at it and the broker's.
            Err(_) if node.log().contains("Address already in use") => {
                drop(node);
                node = Self::prepare(java, jars, 0)?;
                node.resume()?;
            }
            outcome => outcome?,
        }
        Ok(node)
    }

    fn prepare(java: &Java, jars: &Jars, preferred_port: u16) -> Result<Self> {
        let temporary = tempfile::Builder::new().prefix("millrace-kafka-").tempdir();
        let temporary = temporary.map_err(|e| cannot_write(&std::env::temp_dir(), &e))?;
        let mut broker = java.on(&jars.classpath(), "WARN");
        broker.arg("-Xmx768m");
        let supervisor = Supervisor::spawn(temporary.path(), &broker)?;
        // The supervisor removes it from here on, which works even when we are killed.
        let folder = temporary.keep();
        let (port, controller) = free_ports(preferred_port)?;
        let node = Self { supervisor, folder, id: random_id(), address: format!("127.0.0.1:{port}") };
        node.write("id", &node.id)?;
        node.write("server.properties", &properties(port, controller, &node.folder.join("data")))?;
        Ok(node)
    }

    /// Host and port at which it answers.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Kills the process at once; the data stay.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.supervisor.kill()
    }

    /// Starts the process again unless it runs, and waits until it answers.
    pub(super) fn resume(&mut self) -> Result<()> {
        if !self.supervisor.start()? {
            return Err(self.died());
        }
        let probe = Probe::new(&self.address).map_err(|e| {
            Error::failed(format!("cannot make a Kafka client for {}: {e}; report this", self.address))
        })?;
        let deadline = Instant::now() + PATIENCE;
        while !self.answers(&probe) {
            if !self.supervisor.is_alive()? {
                return Err(self.died());
            }
            if Instant::now() > deadline {
                return Err(self.failed(&format!("does not answer after {} s", PATIENCE.as_secs())));
            }
            // A failed probe may return at once; the JVM needs the processor more than we do.
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Compares identities, because another broker may have taken the port meanwhile.
    fn answers(&self, probe: &Probe) -> bool {
        probe.brokers(ONE_PROBE).is_ok_and(|brokers| brokers > 0)
            && probe.cluster_id(ONE_PROBE).is_some_and(|id| id == self.id)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).map_err(|e| cannot_write(&path, &e))
    }

    fn died(&self) -> Error {
        self.failed("ended before it answered")
    }

    fn failed(&self, what: &str) -> Error {
        Error::failed(format!(
            "the Kafka broker on {} {what}; correct what its log says and start again: {}",
            self.address,
            telling(&self.log())
        ))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

fn cannot_write(place: &Path, error: &std::io::Error) -> Error {
    let place = place.display();
    Error::failed(format!("cannot write {place} ({error}); set TMPDIR to a folder that can be written"))
}

/// Both are held until both are known, so that they differ.
fn free_ports(preferred: u16) -> Result<(u16, u16)> {
    let (broker, controller) = (port::listen(preferred)?, port::listen(0)?);
    Ok((port::of(&broker)?, port::of(&controller)?))
}

/// A cluster identity: 16 random bytes in base64, whose last digit has only two bits to give.
fn random_id() -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AB";
    let random = RandomState::new();
    let digit = |i: usize| char::from(DIGITS[(random.hash_one(i) % 64) as usize]);
    (0..21).map(digit).chain(['Q']).collect()
}

/// The session is short because a killed broker may register again only when its old session is over.
fn properties(port: u16, controller: u16, data: &Path) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=5
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
controlled.shutdown.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
",
        data.display()
    )
}

/// The last lines of a log that tell of an error, else simply the last ones, in one line.
fn telling(log: &str) -> String {
    let lines = || log.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let wrong =
        |line: &&str| ["ERROR", "FATAL", "Exception", "Error:"].iter().any(|word| line.contains(word));
    let mut chosen: Vec<_> = lines().filter(wrong).take(3).collect();
    if chosen.is_empty() {
        chosen = lines().take(3).collect();
    }
    chosen.reverse();
    if chosen.is_empty() { "(it is empty)".to_owned() } else { chosen.join(" | ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_telling_lines_of_a_log_are_its_errors() {
        let log = "INFO up\nERROR port taken\n\tat a.B.c\njava.net.BindException: in use\nINFO bye\n";
        assert_eq!(telling(log), "ERROR port taken | java.net.BindException: in use");
        assert_eq!(telling("a\n\nb\n"), "a | b");
        assert_eq!(telling(""), "(it is empty)");
    }

    #[test]
    fn identities_are_22_digits_and_differ() {
        assert_eq!(random_id().len(), 22);
        assert_ne!(random_id(), random_id());
    }

    #[test]
    fn the_two_ports_differ() {
        let (broker, controller) = free_ports(0).expect("ports");
        assert_ne!(broker, controller);
    }
}
