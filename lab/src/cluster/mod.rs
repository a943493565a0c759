//! The one place where a Kafka cluster comes from: somebody else's, or one that we run in Docker, by Java,
//! or as a demo. What it can do is data that callers ask ([`Capabilities`]).

mod demo;
mod docker;
mod java;
mod node;
mod nodes;
mod probe;
mod properties;
mod request;
mod supervisor;

use std::process::Command;

use millrace_core::kafka::{Kafka, Properties};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

use demo::Demo;
use java::JavaKafka;
use node::Node;
use nodes::Nodes;

pub use request::{Capabilities, Choice, Listener, Request, resolve, start};

/// A cluster that answers; one that we run ends when this value goes, or this process does.
pub struct Cluster {
    kind: Kind,
    kafka: Kafka,
    /// Java and jars for Kafka's own tools.
    tools: Option<JavaKafka>,
    choice: Choice,
    description: String,
}

enum Kind {
    External,
    Own(Nodes),
    Demo(Demo),
}

impl Cluster {
    fn external(kafka: Kafka) -> Self {
        let description = format!("Kafka at {}, given by --bootstrap-server", kafka.bootstrap_servers());
        let tools = JavaKafka::at_hand();
        Self { kind: Kind::External, kafka, tools, choice: Choice::External, description }
    }

    fn own(nodes: Nodes, choice: Choice, name: &str, tools: Option<JavaKafka>) -> Self {
        let servers = nodes.bootstrap_servers();
        let count = match nodes.count() {
            1 => String::new(),
            count => format!(", {count} nodes,"),
        };
        let description = format!("{name}{count} on {servers}");
        let kafka = Kafka::new(servers, Properties::default());
        Self { kind: Kind::Own(nodes), kafka, tools, choice, description }
    }

    fn demo(demo: Demo) -> Self {
        let description = format!("the demo broker on {}", demo.address());
        let kafka = Kafka::new(demo.address(), Properties::default());
        let tools = JavaKafka::at_hand();
        Self { kind: Kind::Demo(demo), kafka, tools, choice: Choice::Demo, description }
    }

    fn because(mut self, why: &str) -> Self {
        self.description = format!("{}; {why}", self.description);
        self
    }

    /// The cluster as clients see it.
    pub fn kafka(&self) -> &Kafka {
        &self.kafka
    }

    /// What clients take as `bootstrap.servers`.
    pub fn bootstrap_server(&self) -> &str {
        self.kafka.bootstrap_servers()
    }

    /// Where a further listener of this name is reached.
    pub fn listener(&self, name: &str) -> Option<&str> {
        match &self.kind {
            Kind::Own(nodes) => nodes.listener(name),
            _ => None,
        }
    }

    /// What it is, where it is and why it was chosen, in one line.
    pub fn describe(&self) -> &str {
        &self.description
    }

    /// What people have to be told about it before they use it, if anything.
    pub fn banner(&self) -> Option<&'static str> {
        matches!(self.kind, Kind::Demo(_)).then_some(demo::BANNER)
    }

    /// What it can be asked to do.
    pub fn capabilities(&self) -> Capabilities {
        self.choice.capabilities()
    }

    /// How many brokers it was started with; 0 where that is not ours to know.
    pub fn brokers(&self) -> usize {
        match &self.kind {
            Kind::External => 0,
            Kind::Own(nodes) => nodes.count(),
            Kind::Demo(_) => 1,
        }
    }

    /// Makes a topic where clients cannot ask for one; elsewhere whoever writes to it makes it.
    ///
    /// # Errors
    /// When the demo broker refuses.
    pub fn prepare_topic(&self, name: &str, partitions: i32) -> Result<()> {
        match &self.kind {
            Kind::Demo(demo) => demo.make_topic(name, partitions),
            _ => Ok(()),
        }
    }

    /// A command that runs one of Kafka's Java classes, when Java and the jars are on this machine.
    pub fn tool(&self, class: &str) -> Option<Command> {
        self.tools.as_ref().map(|tools| tools.tool(class))
    }

    /// Whether all that we run still runs.
    ///
    /// # Errors
    /// When a broker ended by itself; the sentence has what its log says.
    pub fn check(&mut self) -> Result<()> {
        match &mut self.kind {
            Kind::Own(nodes) => nodes.check(),
            _ => Ok(()),
        }
    }

    /// Kills a broker at once (SIGKILL); its data stay. Brokers are numbered from 1.
    ///
    /// # Errors
    /// When the cluster is not ours to kill, or has no such broker.
    pub fn kill_broker(&mut self, number: usize) -> Result<()> {
        self.node(number, "killed")?.kill()
    }

    /// Ends a broker in an orderly way (SIGTERM); its data stay.
    ///
    /// # Errors
    /// As [`kill_broker`](Self::kill_broker).
    pub fn stop_broker(&mut self, number: usize) -> Result<()> {
        self.node(number, "stopped")?.stop()
    }

    /// Starts a broker again, with the same data and port, and waits until it answers.
    ///
    /// # Errors
    /// As [`kill_broker`](Self::kill_broker), or when it does not come back.
    pub fn start_broker(&mut self, number: usize) -> Result<()> {
        let node = self.node(number, "started again")?;
        node.start()?;
        node.wait(&Shutdown::new())
    }

    /// Ends a cluster of our own and removes its data, as dropping it does.
    pub fn stop(self) {
        drop(self);
    }

    fn node(&mut self, number: usize, what: &str) -> Result<&mut Node> {
        let server = self.kafka.bootstrap_servers();
        match &mut self.kind {
            Kind::Own(nodes) => nodes.get(number),
            Kind::External => Err(Error::usage(format!(
                "the cluster at {server} is not ours and its brokers cannot be {what}; \
                 leave out --bootstrap-server to have one of our own"
            ))),
            Kind::Demo(_) => Err(Error::usage(format!(
                "the demo broker cannot be {what}; take --cluster docker or --cluster java"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_of_somebody_else_is_never_killed() {
        let mut cluster = Cluster::external(Kafka::new("k:9092", Properties::default()));
        assert!(!cluster.capabilities().restart);
        assert!(cluster.kill_broker(1).is_err_and(|e| e.to_string().contains("k:9092")));
    }

    #[test]
    fn the_demo_broker_makes_topics_but_cannot_be_killed() {
        let mut cluster = Cluster::demo(Demo::start().expect("a mock cluster"));
        cluster.prepare_topic("readings", 3).expect("a topic");
        assert!(cluster.banner().is_some_and(|banner| banner.contains("DEMO")));
        assert!(cluster.kill_broker(1).is_err_and(|e| e.to_string().contains("--cluster java")));
        assert!(!cluster.capabilities().transactions);
    }
}
