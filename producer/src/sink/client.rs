use millrace_core::Result;
use millrace_core::kafka::Kafka;

use super::link::{Link, Record, Trouble};
use super::transactions::Transactions;
use crate::settings::ExactlyOnce;

/// The one Kafka producer of a run, shared by all that the run writes to topics.
pub struct Client {
    link: Link,
    transactions: Option<Transactions>,
}

impl Client {
    /// A client that connects when it is used. In transactions, what it sends is seen by readers of what is
    /// committed after [`commit`](Self::commit) only, and then all of it.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn new(kafka: &Kafka, exactly_once: Option<&ExactlyOnce>) -> Result<Self> {
        let producer = match exactly_once {
            None => kafka.producer()?,
            Some(said) => kafka.transactional_producer(&said.transactional_id)?,
        };
        Ok(Self { link: Link::new(producer), transactions: exactly_once.map(Transactions::new) })
    }

    /// Makes this process the one that may use the transactional id, and ends what another has left open.
    /// Nothing to do without transactions.
    ///
    /// # Errors
    /// When the cluster has no transactions for us within a bounded time.
    pub fn take_over(&self) -> Result<()> {
        self.transactions.as_ref().map_or(Ok(()), |transactions| transactions.take_over(&self.link))
    }

    /// Takes a record, whose opaque is its [`Role`](millrace_core::kafka::Role). A full queue slows the caller down; it never drops.
    ///
    /// # Errors
    /// When a record was refused for good, now or earlier.
    pub fn send(&self, record: Record<'_>) -> Result<()> {
        match &self.transactions {
            Some(transactions) => transactions.send(&self.link, record),
            None => match self.link.pass(record) {
                Ok(()) => Ok(()),
                Err(Trouble::Refused(error)) => Err(error),
                // Only a transaction can break.
                Err(Trouble::Broken) => self.check(),
            },
        }
    }

    /// Whether it sends in transactions.
    pub fn in_transactions(&self) -> bool {
        self.transactions.is_some()
    }

    /// Whether what was sent since the last commit should be committed before `more` records are sent.
    pub fn is_commit_due(&self, more: u64) -> bool {
        self.transactions.as_ref().is_some_and(|transactions| transactions.is_due(more))
    }

    /// Commits what was sent since the last commit. Nothing to do without transactions.
    ///
    /// # Errors
    /// When a record was refused for good, or another process has taken the transactional id over.
    pub fn commit(&self) -> Result<()> {
        self.transactions.as_ref().map_or(Ok(()), |transactions| transactions.commit(&self.link))
    }

    /// Collects one delivery report, which may stand for many records.
    pub fn poll(&self) {
        self.link.poll();
    }

    /// Collects the delivery reports that are there.
    pub fn collect(&self) {
        self.link.collect();
    }

    /// Waits until every record taken is safe or refused: acknowledged, and committed where there are
    /// transactions.
    ///
    /// # Errors
    /// When one was refused, with its cause.
    pub fn drain(&self) -> Result<()> {
        if self.transactions.is_some() {
            return self.commit();
        }
        while self.link.in_flight() > 0 {
            self.link.collect_and_rest();
        }
        self.check()
    }

    /// Whether every record so far was taken.
    ///
    /// # Errors
    /// When one was refused, with its topic and cause.
    pub fn check(&self) -> Result<()> {
        self.link.check()
    }

    /// Readings that are safe: all in-sync replicas have them, and they are committed where there are
    /// transactions.
    pub fn acknowledged(&self) -> u64 {
        match &self.transactions {
            Some(transactions) => transactions.committed(),
            None => self.link.deliveries.acknowledged(),
        }
    }

    /// Readings that the broker refused.
    pub fn failed(&self) -> u64 {
        self.link.deliveries.failed()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(transactions) = &self.transactions {
            transactions.abandon(&self.link);
        }
    }
}
