//! The flags by which every command of the lab is told which cluster to take.

use millrace_core::kafka::{Kafka, Properties};

use crate::cluster::{Choice, Request};

/// Which cluster to take.
#[derive(Debug, Clone, clap::Args)]
pub struct ClusterArgs {
    /// Which cluster to take
    #[arg(long, value_enum, default_value_t)]
    pub cluster: Choice,
    /// A cluster that is there
    #[arg(long, value_name = "HOST:PORT")]
    pub bootstrap_server: Option<String>,
    /// How many brokers of its own (docker and java): three keep going when one is down [default: 1]
    #[arg(long)]
    pub brokers: Option<usize>,
    /// Port of the first broker of its own, the others take the next; any free ones if they are taken
    #[arg(long, default_value_t = 9092)]
    pub port: u16,
}

impl ClusterArgs {
    /// What these flags ask for; `kafka` is how to talk to a cluster that is there.
    pub fn request(&self, kafka: Kafka) -> Request {
        let external = self.bootstrap_server.is_some().then_some(kafka);
        Request {
            choice: self.cluster,
            external,
            port: self.port,
            brokers: self.brokers.unwrap_or(1),
            ..Request::default()
        }
    }

    /// The same where nothing was said about how to talk to it.
    pub fn plain_request(&self) -> Request {
        let server = self.bootstrap_server.as_deref().unwrap_or_default();
        self.request(Kafka::new(server, Properties::default()))
    }
}
