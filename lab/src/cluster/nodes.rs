//! The nodes of one cluster of our own, told apart by their number from 1.

use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

use super::node::Node;

/// All nodes; dropping them ends them and removes their data.
pub(super) struct Nodes(Vec<Node>);

impl Nodes {
    /// Starts nodes that `make` prepares for a preferred port and waits until all answer. Where that port
    /// was taken by somebody else meanwhile, it is done once more with any port.
    pub(super) fn start(
        port: u16,
        shutdown: &Shutdown,
        make: impl Fn(u16) -> Result<Vec<Node>>,
    ) -> Result<Self> {
        let mut nodes = Self(make(port)?);
        match nodes.up(shutdown) {
            Err(_) if nodes.0.iter_mut().any(Node::port_was_taken) => {
                drop(nodes);
                nodes = Self(make(0)?);
                nodes.up(shutdown)?;
            }
            outcome => outcome?,
        }
        Ok(nodes)
    }

    /// All at once: a majority of the controllers is needed before any of them answers.
    fn up(&mut self, shutdown: &Shutdown) -> Result<()> {
        self.0.iter_mut().try_for_each(Node::start)?;
        self.0.iter_mut().try_for_each(|node| node.wait(shutdown))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// What clients take as `bootstrap.servers`.
    pub(super) fn bootstrap_servers(&self) -> String {
        self.0.iter().map(Node::address).collect::<Vec<_>>().join(",")
    }

    /// Where a further listener of this name is reached.
    pub(super) fn listener(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|node| node.listener(name))
    }

    /// The node of this number.
    pub(super) fn get(&mut self, number: usize) -> Result<&mut Node> {
        let count = self.0.len();
        let node = number.checked_sub(1).and_then(|index| self.0.get_mut(index));
        node.ok_or_else(|| {
            Error::usage(format!("there is no node {number}; nodes are numbered 1 to {count}"))
        })
    }

    /// Whether every node that is meant to run does.
    pub(super) fn check(&mut self) -> Result<()> {
        self.0.iter_mut().try_for_each(Node::check)
    }
}
