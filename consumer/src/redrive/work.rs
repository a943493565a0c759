use std::collections::HashMap;

use millrace_core::Result;
use millrace_core::kafka::Kafka;
use millrace_core::shutdown::Shutdown;
use rdkafka::message::BorrowedMessage;

use super::ledger::Ledger;
use super::letter::Return;
use super::sender::Sender;
use super::{Outcome, Redrive};

/// Letters and bytes of a transaction; they are kept until it is committed.
const MOST_LETTERS: usize = 5_000;
const ENOUGH_BYTES: usize = 16 << 20;

/// Letters on their way back.
pub(super) struct Work<'a> {
    kafka: &'a Kafka,
    plan: &'a Redrive,
    ledger: Ledger,
    /// `None` where letters are counted only.
    sender: Option<Sender>,
    shutdown: &'a Shutdown,
    /// How many partitions their topics have; `None` where there is no such topic.
    homes: HashMap<String, Option<i32>>,
    batch: Vec<Return>,
    bytes: usize,
    left_to_send: u64,
    outcome: Outcome,
}

impl<'a> Work<'a> {
    pub fn new(
        kafka: &'a Kafka,
        plan: &'a Redrive,
        ledger: Ledger,
        sender: Option<Sender>,
        shutdown: &'a Shutdown,
    ) -> Self {
        Self {
            kafka,
            plan,
            ledger,
            sender,
            shutdown,
            homes: HashMap::new(),
            batch: Vec::new(),
            bytes: 0,
            left_to_send: plan.most,
            outcome: Outcome::default(),
        }
    }

    /// Takes a record of the topic of letters: it goes back, or is counted among the others.
    pub fn take(&mut self, record: &BorrowedMessage<'_>) -> Result<()> {
        match Return::of(record) {
            None => self.outcome.strangers += 1,
            Some(letter) if self.ledger.has(&letter) => self.outcome.before += 1,
            Some(letter) if self.is_enough() || !self.plan.causes.has(&letter.exception) => {
                Outcome::count(&mut self.outcome.left, &letter.exception);
            }
            Some(letter) => match self.home(&letter.record.topic)? {
                None => Outcome::count(&mut self.outcome.homeless, &letter.record.topic),
                Some(partitions) => self.put_back(letter, partitions)?,
            },
        }
        Ok(())
    }

    fn is_enough(&self) -> bool {
        self.left_to_send == 0 || self.shutdown.is_requested()
    }

    fn home(&mut self, topic: &str) -> Result<Option<i32>> {
        if let Some(known) = self.homes.get(topic) {
            return Ok(*known);
        }
        let found = self.kafka.partitions(topic)?;
        self.homes.insert(topic.to_owned(), found);
        Ok(found)
    }

    fn put_back(&mut self, letter: Return, partitions: i32) -> Result<()> {
        self.left_to_send -= 1;
        Outcome::count(&mut self.outcome.back, &letter.exception);
        if self.sender.is_none() {
            return Ok(());
        }
        let letter = letter.into_topic_of(partitions);
        self.bytes += letter.record.size();
        self.batch.push(letter);
        if self.batch.len() >= MOST_LETTERS || self.bytes >= ENOUGH_BYTES {
            self.send()?;
        }
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        if let Some(sender) = &self.sender
            && !self.batch.is_empty()
        {
            sender.commit(&self.batch)?;
        }
        self.batch.clear();
        self.bytes = 0;
        Ok(())
    }

    /// Sends what is left, and tells what came of all.
    pub fn end(mut self) -> Result<Outcome> {
        self.send()?;
        Ok(self.outcome)
    }
}
