//! The one place where a Kafka cluster comes from: somebody else's, or one that we run.

mod external;
mod jars;
mod java;
mod node;
mod probe;
mod supervisor;

use std::process::Command;

use millrace_core::{Error, Result};

use jars::Jars;
use java::Java;
use node::Node;

/// Where the cluster is to come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    /// The cluster of --bootstrap-server when it is given, else Java
    #[default]
    Auto,
    /// The cluster of --bootstrap-server
    External,
    /// An Apache Kafka broker of our own, run by Java 17 or later
    Java,
}

/// What kind of cluster is wanted.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Where it is to come from.
    pub choice: Choice,
    /// A cluster that runs already.
    pub bootstrap_server: Option<String>,
    /// The preferred port of a broker of our own: used when free, else any; 0 for any.
    pub port: u16,
}

/// What a cluster can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Transactions, their isolation and fencing.
    pub transactions: bool,
    /// Making, describing and deleting topics.
    pub admin: bool,
    /// Records outlive a crash of the broker.
    pub durable: bool,
    /// The broker can be killed and started again by us.
    pub restart: bool,
}

/// A cluster that answers; one that we run ends when this value goes, or this process does.
pub struct Cluster {
    kind: Kind,
    /// Java and jars for Kafka's own tools.
    tools: Option<Tools>,
    description: String,
}

enum Kind {
    External { bootstrap_server: String },
    Java(Box<Node>),
}

struct Tools {
    java: Java,
    jars: Jars,
}

/// Starts, or reaches, the cluster that is asked for.
///
/// # Errors
/// When it does not answer, or Java or Kafka cannot be had.
pub fn start(request: &Request) -> Result<Cluster> {
    match (request.choice, request.bootstrap_server.as_deref()) {
        (Choice::Auto | Choice::External, Some(server)) => external(server),
        (Choice::External, None) => {
            Err(Error::usage("an external cluster needs its address; give --bootstrap-server HOST:PORT"))
        }
        (Choice::Auto, None) => own(request.port, "no --bootstrap-server was given"),
        (Choice::Java, None) => own(request.port, "as asked for"),
        (Choice::Java, Some(server)) => Err(Error::usage(format!(
            "a broker run by Java was asked for as well as --bootstrap-server {server}; drop one of the two"
        ))),
    }
}

/// Whether a broker of our own can be had, found out without starting or fetching anything.
///
/// # Errors
/// One sentence that says why not.
pub fn available() -> std::result::Result<(), String> {
    java()?;
    Jars::can_be_had().map_err(|e| e.to_string())
}

fn external(server: &str) -> Result<Cluster> {
    external::check(server)?;
    Ok(Cluster {
        kind: Kind::External { bootstrap_server: server.to_owned() },
        tools: Tools::at_hand(),
        description: format!("Kafka at {server}, given by --bootstrap-server"),
    })
}

fn own(port: u16, why: &str) -> Result<Cluster> {
    let java = java().map_err(Error::failed)?;
    let jars = Jars::get()?;
    let node = Node::start(&java, &jars, port)?;
    let (version, release, address) = (&jars.version, java.release, node.address());
    let description = format!("Apache Kafka {version} run by Java {release} on {address}, {why}");
    Ok(Cluster { kind: Kind::Java(Box::new(node)), tools: Some(Tools { java, jars }), description })
}

fn java() -> std::result::Result<Java, String> {
    Java::find().map_err(|found| format!("{found}; install it, or give --bootstrap-server HOST:PORT"))
}

impl Tools {
    /// What is on this machine already: nothing is fetched for a cluster that runs without us.
    fn at_hand() -> Option<Self> {
        let jars = Jars::at_hand().ok()??;
        Java::find().ok().map(|java| Self { java, jars })
    }
}

impl Cluster {
    /// What clients take as `bootstrap.servers`.
    pub fn bootstrap_server(&self) -> &str {
        match &self.kind {
            Kind::External { bootstrap_server } => bootstrap_server,
            Kind::Java(node) => node.address(),
        }
    }

    /// What it is, where it is and why it was chosen, in one line.
    pub fn describe(&self) -> String {
        self.description.clone()
    }

    /// What it can be asked to do.
    pub fn capabilities(&self) -> Capabilities {
        let restart = matches!(self.kind, Kind::Java(_));
        Capabilities { transactions: true, admin: true, durable: true, restart }
    }

    /// A command that runs one of Kafka's Java classes, when Java and the jars are on this machine.
    pub fn tool(&self, class: &str) -> Option<Command> {
        let tools = self.tools.as_ref()?;
        let mut command = tools.java.on(&tools.jars.classpath(), "ERROR");
        command.arg(class);
        Some(command)
    }

    /// The class path of Kafka's jars, when they are on this machine.
    pub fn classpath(&self) -> Option<String> {
        self.tools.as_ref().map(|tools| tools.jars.classpath())
    }

    /// Kills the broker at once (SIGKILL); its data stay.
    ///
    /// # Errors
    /// When the cluster is not ours to kill.
    pub fn kill_broker(&mut self) -> Result<()> {
        self.node("killed")?.kill()
    }

    /// Starts a killed broker again, with the same data and port, and waits until it answers.
    ///
    /// # Errors
    /// When the cluster is not ours, or the broker does not come back.
    pub fn restart_broker(&mut self) -> Result<()> {
        self.node("started again")?.resume()
    }

    /// Ends a broker of our own and removes its data, as dropping the cluster does.
    pub fn stop(self) {
        drop(self);
    }

    fn node(&mut self, what: &str) -> Result<&mut Node> {
        match &mut self.kind {
            Kind::Java(node) => Ok(node),
            Kind::External { bootstrap_server } => Err(Error::usage(format!(
                "the cluster at {bootstrap_server} is not ours and cannot be {what}; \
                 leave out --bootstrap-server to have a broker of our own"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(choice: Choice, server: Option<&str>) -> Error {
        let request = Request { choice, bootstrap_server: server.map(str::to_owned), port: 0 };
        start(&request).err().expect("an error")
    }

    #[test]
    fn contradictory_requests_are_usage_errors() {
        assert_eq!(refused(Choice::External, None).exit_code(), 2);
        assert_eq!(refused(Choice::Java, Some("127.0.0.1:1")).exit_code(), 2);
    }

    #[test]
    fn a_cluster_of_somebody_else_is_never_killed() {
        let kind = Kind::External { bootstrap_server: "k:9092".into() };
        let mut cluster = Cluster { kind, tools: None, description: String::new() };
        assert!(!cluster.capabilities().restart);
        assert!(cluster.tool("any").is_none());
        assert!(cluster.kill_broker().is_err_and(|e| e.to_string().contains("k:9092")));
    }
}
