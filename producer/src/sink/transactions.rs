use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use millrace_core::Error;
use millrace_core::kafka::{Role, Verdict, cause, drained, while_collecting};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer;

use super::journal::Journal;
use super::link::{Link, Record, Trouble};
use crate::settings::ExactlyOnce;

/// Records that a transaction holds at most, unless one batch has more.
const MOST_RECORDS: u64 = 50_000;
/// Bytes after which a transaction is committed however few its records are: they are kept until then.
const ENOUGH_BYTES: usize = 32 << 20;
/// How long the cluster may take to end what was left open and to let us begin; after an outage the
/// coordinator takes up to 40 s.
const TAKING_OVER: Duration = Duration::from_secs(90);
/// How long one call waits for the coordinator; a call that was in vain is made again.
const CALL: Duration = Duration::from_secs(5);
/// How long a program that fails waits for its transaction to be aborted.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often the transactional id is taken back within a time.
const MOST_REGAINS_LATELY: usize = 3;
const LATELY: Duration = Duration::from_secs(30);

/// Transactions on a link, one after the other. A broken one is aborted and done again from its journal.
pub(super) struct Transactions {
    said: ExactlyOnce,
    began: Cell<Option<Instant>>,
    journal: RefCell<Journal>,
    committed: Cell<u64>,
    notes: RefCell<Notes>,
    regained: RefCell<Vec<Instant>>,
}

/// What the run's notes say: they tell who went on with the run after the transactional id was lost.
#[derive(Default)]
struct Notes {
    run: String,
    committed: Option<String>,
    /// In the open transaction.
    open: Option<String>,
}

/// Why transactions do not go on.
pub(super) enum Ended {
    /// The transactional id is another's now, or Kafka has ended a transaction that took too long.
    Fenced(Error),
    /// A record is refused for good, or Kafka is.
    Failed(Error),
}

type Result<T> = std::result::Result<T, Ended>;

/// What comes after a failed call.
enum Next {
    SameCallAgain,
    Abort,
    Leave(Ended),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Ended {
    /// What the user is told.
    pub fn error(self) -> Error {
        match self {
            Self::Fenced(error) | Self::Failed(error) => error,
        }
    }
}

impl Transactions {
    pub fn new(said: &ExactlyOnce) -> Self {
        Self {
            said: said.clone(),
            began: Cell::new(None),
            journal: RefCell::default(),
            committed: Cell::new(0),
            notes: RefCell::default(),
            regained: RefCell::default(),
        }
    }

    /// Readings in committed transactions.
    pub fn committed(&self) -> u64 {
        self.committed.get()
    }

    pub fn take_over(&self, link: &Link) -> Result<()> {
        let began = Instant::now();
        loop {
            let Err(error) = link.producer.init_transactions(CALL) else { return Ok(()) };
            match self.judge(&error) {
                Next::SameCallAgain if began.elapsed() < TAKING_OVER => link.collect(),
                Next::Leave(error) => return Err(error),
                _ => {
                    let (id, seconds) = (&self.said.transactional_id, TAKING_OVER.as_secs());
                    return Err(Ended::Failed(Error::failed(format!(
                        "Kafka begins no transactions under the id {id} within {seconds} s: {}",
                        cause(&error)
                    ))));
                }
            }
        }
    }

    pub fn is_due(&self, more: u64) -> bool {
        let journal = self.journal.borrow();
        self.began.get().is_some_and(|began| {
            began.elapsed() >= self.said.interval
                || journal.len() as u64 + more > MOST_RECORDS
                || journal.bytes() >= ENOUGH_BYTES
        })
    }

    pub fn send(&self, link: &Link, record: Record<'_>) -> Result<()> {
        if self.began.get().is_none() {
            self.begin(link)?;
        }
        self.journal.borrow_mut().push(&record);
        match link.pass(record) {
            Ok(()) => Ok(()),
            Err(Trouble::Broken) => self.again(link),
            Err(Trouble::Refused(error)) => Err(error.into()),
        }
    }

    pub fn commit(&self, link: &Link) -> Result<()> {
        while !self.try_commit(link)? {
            self.again(link)?;
        }
        self.is_committed();
        Ok(())
    }

    fn is_committed(&self) {
        let mut journal = self.journal.borrow_mut();
        self.committed.set(self.committed.get() + journal.count(Role::Reading as usize));
        journal.clear();
        self.began.set(None);
        let mut notes = self.notes.borrow_mut();
        notes.committed = notes.open.take();
    }

    /// Remembers the note that the open transaction ends with.
    pub fn about_to_commit(&self, run: &str, note: &str) {
        let mut notes = self.notes.borrow_mut();
        run.clone_into(&mut notes.run);
        notes.open = Some(note.to_owned());
    }

    /// The transactional id and the run to look at before it is taken back. Not again and again: two
    /// processes that take it from each other would do so for ever.
    pub fn may_regain(&self) -> Option<(String, String)> {
        let mut regained = self.regained.borrow_mut();
        regained.retain(|last| last.elapsed() < LATELY);
        regained.push(Instant::now());
        let may = regained.len() <= MOST_REGAINS_LATELY && self.notes.borrow().committed.is_some();
        may.then(|| (self.said.transactional_id.clone(), self.notes.borrow().run.clone()))
    }

    /// Whether the last committed note of the run is another process's.
    pub fn is_anothers(&self, found: Option<&str>) -> bool {
        let notes = self.notes.borrow();
        found != notes.committed.as_deref() && found != notes.open.as_deref()
    }

    /// Whether the open transaction was committed, by the last committed note of the run; `None` where it
    /// is another's.
    pub fn standing(&self, found: Option<&str>) -> Option<bool> {
        let notes = self.notes.borrow();
        if found.is_some() && found == notes.open.as_deref() {
            drop(notes);
            self.is_committed();
            return Some(true);
        }
        (found == notes.committed.as_deref()).then_some(false)
    }

    /// Sends what the journal holds in a new transaction, on a link that has none.
    pub fn do_again(&self, link: &Link) -> Result<()> {
        self.begin(link)?;
        if self.replay(link)? { Ok(()) } else { self.again(link) }
    }

    /// Aborts what is open, so that nobody waits for its end; the program is on its way out with an error,
    /// and has no second one to tell.
    pub fn abandon(&self, link: &Link) {
        if self.began.take().is_some() {
            let _ = while_collecting(&link.producer, || link.producer.abort_transaction(FAREWELL));
        }
    }

    /// Whether the transaction is committed; if not, it is broken.
    fn try_commit(&self, link: &Link) -> Result<bool> {
        loop {
            if !drained(&link.producer, || false) {
                return Ok(false);
            }
            link.check()?;
            let Err(error) = link.producer.commit_transaction(CALL) else { return Ok(true) };
            match self.judge(&error) {
                Next::SameCallAgain => link.collect(),
                Next::Abort => return Ok(false),
                Next::Leave(error) => return Err(error),
            }
        }
    }

    /// Aborts the broken transaction and sends all its records in a new one.
    fn again(&self, link: &Link) -> Result<()> {
        loop {
            link.check()?;
            self.abort(link)?;
            if link.deliveries.refused_answer().is_some() {
                // With them it would be broken again; the run can do without.
                self.journal.borrow_mut().forget(Role::Answer as usize);
            }
            self.begin(link)?;
            if self.replay(link)? {
                return Ok(());
            }
        }
    }

    fn abort(&self, link: &Link) -> Result<()> {
        loop {
            // The library wants its reports collected while it aborts.
            let Err(error) = while_collecting(&link.producer, || link.producer.abort_transaction(CALL))
            else {
                return Ok(());
            };
            match self.judge(&error) {
                Next::SameCallAgain | Next::Abort => link.collect_and_rest(),
                Next::Leave(error) => return Err(error),
            }
        }
    }

    fn begin(&self, link: &Link) -> Result<()> {
        link.producer.begin_transaction().map_err(|error| self.lost(&error))?;
        self.began.set(Some(Instant::now()));
        Ok(())
    }

    /// Whether all records went into the queue.
    fn replay(&self, link: &Link) -> Result<bool> {
        for record in self.journal.borrow().records() {
            match link.pass(record) {
                Ok(()) => link.poll(),
                Err(Trouble::Broken) => return Ok(false),
                Err(Trouble::Refused(error)) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    fn judge(&self, error: &KafkaError) -> Next {
        // Another attempt would be refused again, for ever.
        let is_forbidden = error.rdkafka_error_code() == Some(RDKafkaErrorCode::TopicAuthorizationFailed)
            && !self.holds_answers();
        match Verdict::of(error) {
            Verdict::SameCallAgain if !is_forbidden => Next::SameCallAgain,
            Verdict::Abort if !is_forbidden => Next::Abort,
            _ => Next::Leave(self.lost(error)),
        }
    }

    fn holds_answers(&self) -> bool {
        self.journal.borrow().count(Role::Answer as usize) > 0
    }

    #[cold]
    fn lost(&self, error: &KafkaError) -> Ended {
        use RDKafkaErrorCode as Code;
        let id = &self.said.transactional_id;
        match error.rdkafka_error_code() {
            Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => {
                Ended::Fenced(Error::failed(format!(
                    "the transactional id {id} was taken over by another producer; what was committed is safe: end \
                     the other one, or give this one another --transactional-id and --run-id"
                )))
            }
            Some(Code::TopicAuthorizationFailed) => Ended::Failed(Error::failed(format!(
                "we may not write to one of the topics {}: have it allowed by Kafka's ACLs; what was committed is \
                 safe, go on with --resume",
                self.journal.borrow().topics().join(", ")
            ))),
            _ => Ended::Failed(Error::failed(format!(
                "transactions under the id {id} cannot go on: {}; what was committed is safe, go on with --resume",
                cause(error)
            ))),
        }
    }
}
