//! Kafka run by a Java of this machine, each node in a temporary folder of its own.

mod jars;
mod runtime;

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

use super::Request;
use super::node::{Node, random_id};
use super::nodes::Nodes;
use super::properties::{Listeners, add_listener, file, lines, properties};
use super::supervisor::{Program, Supervisor};
use crate::port;

use jars::Jars;
use runtime::Java;

pub(super) use jars::VERSION;

/// A Java and the jars for it.
pub(super) struct JavaKafka {
    java: Java,
    jars: Jars,
}

impl JavaKafka {
    /// Finds Java, and the jars or a Maven that fetches them.
    pub(super) fn get(shutdown: &Shutdown) -> Result<Self> {
        let java =
            Java::find().map_err(|found| Error::failed(format!("{found}; install Java 17 or later")))?;
        Ok(Self { java, jars: Jars::get(shutdown)? })
    }

    /// What is on this machine already: nothing is fetched for a cluster that runs without us.
    pub(super) fn at_hand() -> Option<Self> {
        let jars = Jars::at_hand().ok()??;
        Java::find().ok().map(|java| Self { java, jars })
    }

    /// What it is, such as `Apache Kafka 4.3.1 run by Java 17`.
    pub(super) fn name(&self) -> String {
        format!("Apache Kafka {} run by Java {}", self.jars.version, self.java.release)
    }

    /// Starts the nodes that are asked for, the first at the preferred port if that is free.
    pub(super) fn start(&self, request: &Request, shutdown: &Shutdown) -> Result<Nodes> {
        Nodes::start(request.port, shutdown, |port| self.prepare(port, request))
    }

    /// A command that runs one of Kafka's classes.
    pub(super) fn tool(&self, class: &str) -> Command {
        let mut command = self.java.on(&self.jars.classpath(), "ERROR");
        command.arg(class);
        command
    }

    fn prepare(&self, port: u16, request: &Request) -> Result<Vec<Node>> {
        let (listeners, id) = (free_listeners(request.brokers, port)?, random_id());
        (0..request.brokers).map(|index| self.prepare_one(&listeners, index, &id, request)).collect()
    }

    fn prepare_one(&self, nodes: &[Listeners], index: usize, id: &str, request: &Request) -> Result<Node> {
        let Request { listeners: further, properties: more, .. } = request;
        let temporary = tempfile::Builder::new().prefix("millrace-kafka-").tempdir();
        let temporary = temporary.map_err(|e| cannot_write(&std::env::temp_dir(), &e))?;
        let mut broker = self.java.on(&self.jars.classpath(), "WARN");
        broker.arg("-Xmx768m");
        let supervisor = Supervisor::spawn(Program::Broker, temporary.path(), &broker)?;
        // The supervisor removes it from here on, which works even when we are killed.
        let folder = temporary.keep();
        let mut all = properties(nodes, index);
        all.push(("log.dirs", folder.join("data").display().to_string()));
        all.extend(more.iter().cloned());
        let ports = port::listen_in_a_row(0, further.len())?;
        let mut listeners = Vec::new();
        for (listener, port) in further.iter().zip(&ports) {
            // By name, because that is what certificates are for.
            let address = format!("localhost:{}", port::of(port)?);
            add_listener(&mut all, listener, &address);
            listeners.push((listener.name, address));
        }
        let further: String = further.iter().map(lines).collect();
        write(&folder.join("id"), id)?;
        write(&folder.join("server.properties"), &(file(&all) + &further))?;
        Ok(Node::new(supervisor, id, &nodes[index].address).with(listeners))
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| cannot_write(path, &e))
}

fn cannot_write(place: &Path, error: &std::io::Error) -> Error {
    let place = place.display();
    Error::failed(format!("cannot write {place} ({error}); set TMPDIR to a folder that can be written"))
}

/// Three ports a node; all are held until all are known, so that they differ.
fn free_listeners(brokers: usize, preferred: u16) -> Result<Vec<Listeners>> {
    let clients = port::listen_in_a_row(preferred, brokers)?;
    let others = port::listen_in_a_row(0, 2 * brokers)?;
    let address = |listener: &TcpListener| Ok(format!("127.0.0.1:{}", port::of(listener)?));
    clients
        .iter()
        .zip(others.chunks_exact(2))
        .map(|(client, pair)| {
            let (internal, controller) = (address(&pair[0])?, address(&pair[1])?);
            let client = address(client)?;
            Ok(Listeners { bind: client.clone(), address: client, internal, controller })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_listeners_share_a_port() {
        let nodes = free_listeners(3, 0).expect("ports");
        let mut all: Vec<_> = nodes.iter().flat_map(|n| [&n.address, &n.internal, &n.controller]).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 9);
    }
}
