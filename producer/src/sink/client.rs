use std::cell::RefCell;
use std::time::{Duration, Instant};

use millrace_core::Result;
use millrace_core::kafka::{Kafka, Role};
use rdkafka::producer::BaseRecord;

use super::link::{Link, Record, Trouble};
use super::transactions::{Ended, Transactions};
use crate::resume::{self, RUNS_TOPIC};
use crate::settings::ExactlyOnce;

/// How long a process that takes a transactional id needs at most to note that the run is its own now.
const UNTIL_CLAIMED: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// The one Kafka producer of a run, shared by all that the run writes to topics.
pub struct Client {
    kafka: Kafka,
    link: RefCell<Link>,
    transactions: Option<Transactions>,
}

impl Client {
    /// A client that connects when it is used. In transactions, what it sends is seen by readers of what is
    /// committed after the next [`note`](Self::note) only, and then all of it.
    ///
    /// # Errors
    /// When a property is unknown or does not fit the others.
    pub fn new(kafka: &Kafka, exactly_once: Option<&ExactlyOnce>) -> Result<Self> {
        let producer = match exactly_once {
            None => kafka.producer()?,
            Some(said) => kafka.transactional_producer(&said.transactional_id)?,
        };
        let transactions = exactly_once.map(Transactions::new);
        Ok(Self { kafka: kafka.clone(), link: RefCell::new(Link::new(producer)), transactions })
    }

    /// Makes this process the one that may use the transactional id, and ends what another has left open.
    /// Nothing to do without transactions.
    ///
    /// # Errors
    /// When the cluster has no transactions for us within a bounded time.
    pub fn take_over(&self) -> Result<()> {
        match &self.transactions {
            Some(transactions) => transactions.take_over(&self.link.borrow()).map_err(Ended::error),
            None => Ok(()),
        }
    }

    /// Takes a record, whose opaque is its [`Role`](millrace_core::kafka::Role). A full queue slows the caller down; it never drops.
    ///
    /// # Errors
    /// When a record was refused for good, now or earlier.
    pub fn send(&self, record: Record<'_>) -> Result<()> {
        let Some(transactions) = &self.transactions else { return self.pass(record) };
        let sent = transactions.send(&self.link.borrow(), record);
        match sent {
            Err(Ended::Fenced(error)) => self.regain(transactions, error).map(drop),
            sent => sent.map_err(Ended::error),
        }
    }

    fn pass(&self, record: Record<'_>) -> Result<()> {
        match self.link.borrow().pass(record) {
            Ok(()) => Ok(()),
            Err(Trouble::Refused(error)) => Err(error),
            // Only a transaction can break.
            Err(Trouble::Broken) => self.check(),
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

    /// Sends a note on how far a run is, and commits it with all that was sent since the last one. Notes of
    /// other processes must differ from it.
    ///
    /// # Errors
    /// When a record was refused for good, or another process has taken the transactional id over.
    pub fn note(&self, run: &str, note: &str) -> Result<()> {
        if let Some(transactions) = &self.transactions {
            transactions.about_to_commit(run, note);
        }
        let record = BaseRecord::with_opaque_to(RUNS_TOPIC, Role::Beside as usize);
        self.send(record.key(run).payload(note.as_bytes()))?;
        let Some(transactions) = &self.transactions else { return Ok(()) };
        loop {
            let committed = transactions.commit(&self.link.borrow());
            let is_done = match committed {
                Err(Ended::Fenced(error)) => self.regain(transactions, error)?,
                committed => committed.map(|()| true).map_err(Ended::error)?,
            };
            if is_done {
                return Ok(());
            }
        }
    }

    /// Takes the transactional id back and does the open transaction again, if nobody else has gone on with
    /// the run: then Kafka itself has ended a transaction that took too long, as when this computer slept.
    /// Whether it turned out to be committed.
    fn regain(&self, transactions: &Transactions, error: millrace_core::Error) -> Result<bool> {
        let Some((id, run)) = transactions.may_regain() else { return Err(error) };
        if self.is_anothers(transactions, &run)? {
            return Err(error);
        }
        let link = Link::new(self.kafka.transactional_producer(&id)?);
        transactions.take_over(&link).map_err(Ended::error)?;
        let found = resume::last_note(&self.kafka, &run, true)?;
        self.link.replace(link);
        match transactions.standing(found.as_deref()) {
            Some(committed) => {
                eprintln!(
                    "an open transaction was ended by Kafka or by a producer that is gone; what it held is sent again"
                );
                if !committed {
                    transactions.do_again(&self.link.borrow()).map_err(Ended::error)?;
                }
                Ok(committed)
            }
            None => Err(error),
        }
    }

    /// Whether another process goes on with the run. It takes the transactional id before it can say so.
    fn is_anothers(&self, transactions: &Transactions, run: &str) -> Result<bool> {
        let began = Instant::now();
        while began.elapsed() < UNTIL_CLAIMED {
            if transactions.is_anothers(resume::last_note(&self.kafka, run, true)?.as_deref()) {
                return Ok(true);
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
        Ok(false)
    }

    /// Collects one delivery report, which may stand for many records.
    pub fn poll(&self) {
        self.link.borrow().poll();
    }

    /// Collects the delivery reports that are there.
    pub fn collect(&self) {
        self.link.borrow().collect();
    }

    /// Waits until every record taken is acknowledged or refused; in transactions the next note commits.
    ///
    /// # Errors
    /// When one was refused, with its cause.
    pub fn drain(&self) -> Result<()> {
        let link = self.link.borrow();
        if self.transactions.is_none() {
            while link.in_flight() > 0 {
                link.collect_and_rest();
            }
        }
        link.check()
    }

    /// The topic that does not take the answers to commands from us, and why; the run can do without.
    pub fn refused_answer(&self) -> Option<(String, String)> {
        self.link.borrow().deliveries.refused_answer()
    }

    /// Whether every record so far was taken.
    ///
    /// # Errors
    /// When one was refused, with its topic and cause.
    pub fn check(&self) -> Result<()> {
        self.link.borrow().check()
    }

    /// Readings that are safe: all in-sync replicas have them, and they are committed where there are
    /// transactions.
    pub fn acknowledged(&self) -> u64 {
        match &self.transactions {
            Some(transactions) => transactions.committed(),
            None => self.link.borrow().deliveries.acknowledged(),
        }
    }

    /// Readings that the broker refused.
    pub fn failed(&self) -> u64 {
        self.link.borrow().deliveries.failed()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(transactions) = &self.transactions {
            transactions.abandon(&self.link.borrow());
        }
    }
}
