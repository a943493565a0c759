//! One Kafka node that we run, broker and controller in one, wherever its supervisor runs it.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

use super::probe::Probe;
use super::supervisor::{Status, Supervisor};

const PATIENCE: Duration = Duration::from_secs(90);
const ONE_PROBE: Duration = Duration::from_millis(500);

/// A node that we run; dropping it ends it and removes its data.
pub(super) struct Node {
    supervisor: Supervisor,
    cluster_id: String,
    address: String,
    /// Its further listeners, by name.
    listeners: Vec<(&'static str, String)>,
    /// Whether it is meant to run.
    wanted: bool,
}

impl Node {
    /// A node that its supervisor can start; it answers clients at `address`.
    pub(super) fn new(supervisor: Supervisor, cluster_id: &str, address: &str) -> Self {
        let (cluster_id, address) = (cluster_id.to_owned(), address.to_owned());
        Self { supervisor, cluster_id, address, listeners: Vec::new(), wanted: false }
    }

    /// The same with further listeners, each with its address.
    pub(super) fn with(self, listeners: Vec<(&'static str, String)>) -> Self {
        Self { listeners, ..self }
    }

    /// Where a further listener of this name is reached.
    pub(super) fn listener(&self, name: &str) -> Option<&str> {
        self.listeners.iter().find(|(known, _)| *known == name).map(|(_, address)| address.as_str())
    }

    /// Host and port at which it answers.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Kills the process at once; the data stay.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.wanted = false;
        self.supervisor.kill()
    }

    /// Ends the process in an orderly way; the data stay.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.wanted = false;
        self.supervisor.stop()
    }

    /// Starts the process unless it runs.
    pub(super) fn start(&mut self) -> Result<()> {
        self.wanted = true;
        if self.supervisor.start()? { Ok(()) } else { Err(self.failed("could not be set up")) }
    }

    /// Waits until it answers.
    pub(super) fn wait(&mut self, shutdown: &Shutdown) -> Result<()> {
        let probe = Probe::new(&self.address).map_err(|e| {
            Error::failed(format!("cannot make a Kafka client for {}: {e}; report this", self.address))
        })?;
        let deadline = Instant::now() + PATIENCE;
        while !self.answers(&probe) {
            self.check()?;
            if Instant::now() > deadline {
                return Err(self.failed(&format!("does not answer after {} s", PATIENCE.as_secs())));
            }
            // A failed probe may return at once; the JVM needs the processor more than we do.
            if shutdown.wait(Duration::from_millis(50)) {
                return Err(Error::failed("interrupted before Kafka was up"));
            }
        }
        Ok(())
    }

    /// Whether it still runs, if it is meant to.
    pub(super) fn check(&mut self) -> Result<()> {
        match self.supervisor.status()? {
            Status::Ended(_) if self.wanted => Err(self.failed("ended by itself")),
            _ => Ok(()),
        }
    }

    /// Whether another program took its port between our look at it and the broker's.
    pub(super) fn port_was_taken(&mut self) -> bool {
        self.supervisor.log().contains("Address already in use")
    }

    /// Compares identities, because another broker may have taken the port meanwhile.
    fn answers(&self, probe: &Probe) -> bool {
        probe.brokers(ONE_PROBE).is_ok_and(|brokers| brokers > 0)
            && probe.cluster_id(ONE_PROBE).is_some_and(|id| id == self.cluster_id)
    }

    fn failed(&mut self, what: &str) -> Error {
        Error::failed(format!(
            "the Kafka broker on {} {what}; correct what its log says and start again: {}",
            self.address,
            telling(&self.supervisor.log())
        ))
    }
}

/// A cluster identity: 16 random bytes in base64, whose last digit has only two bits to give.
pub(super) fn random_id() -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AB";
    let random = RandomState::new();
    let digit = |i: usize| char::from(DIGITS[(random.hash_one(i) % 64) as usize]);
    (0..21).map(digit).chain(['Q']).collect()
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
}
