use millrace_core::kafka::Kafka;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

use super::Cluster;
use super::demo::Demo;
use super::docker::DockerKafka;
use super::java::JavaKafka;

/// The most brokers that one machine is asked to run.
const MOST_BROKERS: usize = 9;

/// Where the cluster is to come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    /// The first that works of: --bootstrap-server where it is given, docker, java, demo
    #[default]
    Auto,
    /// The cluster of --bootstrap-server
    External,
    /// Apache Kafka in Docker, a container a node
    Docker,
    /// Apache Kafka run by Java 17 or later
    Java,
    /// A stand-in inside this program that needs nothing installed
    Demo,
}

/// What kind of cluster is wanted.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where it is to come from.
    pub choice: Choice,
    /// A cluster that runs already, and how to talk to it.
    pub external: Option<Kafka>,
    /// The preferred port of the first broker of our own: used when free, else any; 0 for any.
    pub port: u16,
    /// How many brokers of our own.
    pub brokers: usize,
    /// Listeners that a broker of our own has besides the plain one; only with [`Choice::Java`], and one broker.
    pub listeners: Vec<Listener>,
    /// Further settings of every broker of our own; only with [`Choice::Java`].
    pub properties: Vec<(&'static str, String)>,
}

/// A further listener of a broker, for clients that are let in by it alone.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Its name, in capitals.
    pub name: &'static str,
    /// Its security protocol, such as SASL_SSL.
    pub protocol: &'static str,
    /// Its settings, without the `listener.name.` and the name before them.
    pub properties: Vec<(&'static str, String)>,
}

/// What a cluster can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Transactions, their isolation and fencing.
    pub transactions: bool,
    /// Making, describing and deleting topics; retention and compaction.
    pub admin: bool,
    /// Records outlive a crash of the broker, and all of them are kept.
    pub durable: bool,
    /// Brokers can be killed and started again by us.
    pub restart: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            choice: Choice::Auto,
            external: None,
            port: 0,
            brokers: 1,
            listeners: Vec::new(),
            properties: Vec::new(),
        }
    }
}

impl Choice {
    /// What a cluster of this kind can do; of `Auto` what is certain whichever it takes.
    pub fn capabilities(self) -> Capabilities {
        let real = !matches!(self, Self::Auto | Self::Demo);
        let restart = matches!(self, Self::Docker | Self::Java);
        Capabilities { transactions: real, admin: real, durable: real, restart }
    }
}

/// Something that can start a cluster of our own.
enum Source {
    Docker(DockerKafka),
    Java(JavaKafka),
    Demo,
}

impl Source {
    fn get(choice: Choice, shutdown: &Shutdown) -> Result<Self> {
        match choice {
            Choice::Docker => DockerKafka::get(shutdown).map(Self::Docker),
            Choice::Java => JavaKafka::get(shutdown).map(Self::Java),
            _ => Ok(Self::Demo),
        }
    }

    fn start(self, request: &Request, shutdown: &Shutdown) -> Result<Cluster> {
        let Request { brokers, port, ref listeners, ref properties, .. } = *request;
        if !properties.is_empty() && !matches!(self, Self::Java(_)) {
            return Err(Error::usage("further settings are for brokers run by Java; take --cluster java"));
        }
        if !listeners.is_empty() && (brokers > 1 || !matches!(self, Self::Java(_))) {
            return Err(Error::usage(
                "further listeners are for one broker run by Java; take --cluster java",
            ));
        }
        match self {
            Self::Docker(docker) => {
                let (nodes, name) = (docker.start(brokers, port, shutdown)?, docker.name());
                Ok(Cluster::own(nodes, Choice::Docker, &name, JavaKafka::at_hand()))
            }
            Self::Java(java) => {
                let (nodes, name) = (java.start(request, shutdown)?, java.name());
                Ok(Cluster::own(nodes, Choice::Java, &name, Some(java)))
            }
            Self::Demo if brokers > 1 => Err(Error::failed("it has one broker only; take --brokers 1")),
            Self::Demo => Demo::start().map(Cluster::demo),
        }
    }
}

/// Starts, or reaches, the cluster that is asked for; `shutdown` interrupts what takes long.
///
/// # Errors
/// When it does not answer, or what it needs cannot be had.
pub fn start(request: &Request, shutdown: &Shutdown) -> Result<Cluster> {
    if !(1..=MOST_BROKERS).contains(&request.brokers) {
        return Err(Error::usage(format!("--brokers: {} is not from 1 to {MOST_BROKERS}", request.brokers)));
    }
    match (request.choice, &request.external) {
        (Choice::Auto | Choice::External, Some(_)) if request.brokers > 1 => Err(Error::usage(
            "--brokers: a cluster given by --bootstrap-server has its own; drop one of the two",
        )),
        (Choice::Auto | Choice::External, Some(kafka)) => {
            kafka.check()?;
            Ok(Cluster::external(kafka.clone()))
        }
        (Choice::External, None) => {
            Err(Error::usage("an external cluster needs its address; give --bootstrap-server HOST:PORT"))
        }
        (Choice::Auto, None) => first_that_works(request, shutdown),
        (choice, None) => {
            Ok(Source::get(choice, shutdown)?.start(request, shutdown)?.because("as asked for"))
        }
        (choice, Some(kafka)) => Err(Error::usage(format!(
            "--cluster {choice} was asked for as well as --bootstrap-server {}; drop one of the two",
            kafka.bootstrap_servers()
        ))),
    }
}

/// The kind of cluster that `choice` comes to on this machine, without starting it. What is needed is
/// fetched.
///
/// # Errors
/// When what is asked for cannot be had.
pub fn resolve(choice: Choice) -> Result<Choice> {
    let shutdown = Shutdown::new();
    match choice {
        Choice::Auto => Ok(LADDER
            .into_iter()
            .find(|choice| Source::get(*choice, &shutdown).is_ok())
            .unwrap_or(Choice::Demo)),
        choice => Source::get(choice, &shutdown).map(|_| choice),
    }
}

/// The kinds of our own, the truest and simplest first.
const LADDER: [Choice; 3] = [Choice::Docker, Choice::Java, Choice::Demo];

fn first_that_works(request: &Request, shutdown: &Shutdown) -> Result<Cluster> {
    let mut passed_over = vec!["no --bootstrap-server was given".to_owned()];
    for choice in LADDER {
        let started = Source::get(choice, shutdown).and_then(|source| source.start(request, shutdown));
        match started {
            Ok(cluster) => return Ok(cluster.because(&passed_over.join("; "))),
            Err(error) if shutdown.is_requested() => return Err(error),
            Err(error) => passed_over.push(format!("not {choice}: {error}")),
        }
    }
    Err(Error::failed(format!("no cluster can be had: {}", passed_over.join("; "))))
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::External => "external",
            Self::Docker => "docker",
            Self::Java => "java",
            Self::Demo => "demo",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_core::kafka::Properties;

    fn refused(choice: Choice, server: Option<&str>, brokers: usize) -> Error {
        let external = server.map(|server| Kafka::new(server, Properties::default()));
        let request = Request { choice, external, brokers, ..Request::default() };
        start(&request, &Shutdown::new()).err().expect("an error")
    }

    #[test]
    fn contradictory_requests_are_usage_errors() {
        assert_eq!(refused(Choice::External, None, 1).exit_code(), 2);
        assert_eq!(refused(Choice::Java, Some("127.0.0.1:1"), 1).exit_code(), 2);
        assert_eq!(refused(Choice::Auto, Some("127.0.0.1:1"), 3).exit_code(), 2);
        assert_eq!(refused(Choice::Java, None, 0).exit_code(), 2);
        assert!(refused(Choice::Demo, None, 3).to_string().contains("--brokers 1"));
    }
}
