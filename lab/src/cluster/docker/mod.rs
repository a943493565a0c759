//! Kafka in Docker: a container a node, on the engine's default network, so that nothing but containers
//! has to be removed; and those end by themselves when we are gone.

mod container;
mod engine;

use std::net::TcpListener;

use millrace_core::Result;
use millrace_core::shutdown::Shutdown;

use super::node::{Node, random_id};
use super::nodes::Nodes;
use super::properties::{Listeners, properties, variables};
use crate::port;

use container::Container;
use engine::Engine;

/// The image that nodes are made of; the same Kafka that Java runs.
pub(super) const IMAGE: (&str, &str) = ("apache/kafka", super::java::VERSION);

/// An engine that answers and has the image.
pub(super) struct DockerKafka {
    engine: Engine,
}

impl DockerKafka {
    /// Finds the engine, and the image in it or pulled by it.
    pub(super) fn get(shutdown: &Shutdown) -> Result<Self> {
        let engine = Engine::connect()?;
        engine.ensure_image(shutdown)?;
        Ok(Self { engine })
    }

    /// What it is, such as `Apache Kafka 4.3.1 in Docker`.
    pub(super) fn name(&self) -> String {
        format!("Apache Kafka {} in Docker", IMAGE.1)
    }

    /// Starts so many nodes, the first at `port` if that is free.
    pub(super) fn start(&self, brokers: usize, port: u16, shutdown: &Shutdown) -> Result<Nodes> {
        Nodes::start(port, shutdown, |port| self.prepare(brokers, port))
    }

    /// The containers come first, because the nodes need to know each other's addresses.
    fn prepare(&self, brokers: usize, preferred: u16) -> Result<Vec<Node>> {
        let id = random_id();
        let containers = self.containers(brokers, preferred)?;
        let listeners = containers.iter().map(Container::listeners).collect::<Result<Vec<Listeners>>>()?;
        let nodes = containers.into_iter().enumerate().map(|(index, container)| {
            let mut environment = variables(&properties(&listeners, index));
            environment.push(format!("CLUSTER_ID={id}"));
            Ok(Node::new(container.hold(environment)?, &id, &listeners[index].address))
        });
        nodes.collect()
    }

    fn containers(&self, brokers: usize, preferred: u16) -> Result<Vec<Container>> {
        let held = port::listen_in_a_row(preferred, brokers)?;
        let ports = held.iter().map(port::of).collect::<Result<Vec<u16>>>()?;
        drop::<Vec<TcpListener>>(held);
        ports.into_iter().map(|port| Container::start(&self.engine, port)).collect()
    }
}
