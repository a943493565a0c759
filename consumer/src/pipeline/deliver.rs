//! Where things go: to the screen, to topics, into the next transaction.

use std::sync::Arc;
use std::thread::JoinHandle;

use millrace_core::kafka::rejected_headers;
use millrace_core::{Error, Result};
use millrace_schemas::{AnomalyAlert, SensorReading};
use rdkafka::message::{BorrowedMessage, Message};
use serde_json::Value;

use super::flow::Flow;
use super::{Output, Processor};
use crate::metrics;
use crate::outbox::Letter;
use crate::settings::OnError;
use crate::source::{Cause, Outputs, Reject};

impl<P: Processor> Flow<'_, P> {
    pub(super) fn give_out(&mut self, record: &BorrowedMessage<'_>, output: Output) -> Result<()> {
        let partition = record.partition();
        let letter = match output {
            Output::Text(text) => return self.show(partition, text.into_bytes()),
            Output::Alert(alert) => self.alert(&alert)?,
            Output::Metrics(stats) => {
                self.tally.windows += 1;
                let topics = self.parts.windows.as_ref();
                topics.map(|topics| topics.metrics(partition, &stats)).transpose()?
            }
            Output::Late => {
                self.tally.late += 1;
                self.parts.windows.as_ref().map(|topics| topics.late(record))
            }
        };
        letter.map_or(Ok(()), |letter| self.dispatch(partition, letter))
    }

    /// Prints a record by the user's format, if there is one.
    pub(super) fn print(
        &mut self,
        record: &BorrowedMessage<'_>,
        reading: Option<&SensorReading<'_>>,
    ) -> Result<()> {
        match &self.parts.settings.record_format {
            Some(format) => self.show(record.partition(), format.record(record, reading)),
            None => Ok(()),
        }
    }

    /// A text that follows from a partition's records is shown when they are in their transaction, if there are any.
    fn show(&mut self, partition: i32, text: Vec<u8>) -> Result<()> {
        if self.transactor.is_none() {
            return self.write(text);
        }
        self.batch.text(partition, text);
        Ok(())
    }

    pub(super) fn write(&mut self, text: impl Into<Vec<u8>>) -> Result<()> {
        let outbox = Arc::clone(&self.parts.outbox);
        if outbox.screen().is_full() {
            self.hold("nobody reads standard output fast enough", &|| !outbox.screen().is_full())?;
        }
        outbox.screen().write(text);
        Ok(())
    }

    /// The record of an alert, if there is a topic for it.
    fn alert(&mut self, alert: &AnomalyAlert) -> Result<Option<Letter>> {
        self.tally.alerts += 1;
        let topic = self.parts.settings.alerts_topic.as_ref();
        let (Some(topic), Some((codec, id))) = (topic, &self.parts.alerts) else { return Ok(None) };
        let payload = codec
            .encode(*id, alert)
            .map_err(|e| Error::failed(format!("an alert cannot be written: {e}")))?;
        Ok(Some(Letter {
            topic: topic.clone(),
            key: Some(alert.machine_id.clone().into_bytes()),
            payload: Some(payload),
            timestamp: Some(alert.timestamp),
            ..Letter::default()
        }))
    }

    pub(super) fn reject(&mut self, record: &BorrowedMessage<'_>, reject: &Reject) -> Result<()> {
        self.tally.rejected += 1;
        self.print(record, None)?;
        let settings = self.parts.settings;
        match settings.on_error {
            OnError::Skip => {
                self.tell_of_rejects(record, reject, "is left out");
                Ok(())
            }
            OnError::Fail => Err(unreadable(record, reject)),
            OnError::Dlq => {
                self.tell_of_rejects(record, reject, &format!("goes to {}", settings.dead_letters));
                let headers = Some(rejected_headers(record, reject.cause.exception(), &reject.why));
                let letter = Letter { headers, ..Letter::as_it_came(&settings.dead_letters, record) };
                self.dispatch(record.partition(), letter)
            }
        }
    }

    /// Says once what becomes of records that cannot be read, by the first of them.
    fn tell_of_rejects(&mut self, record: &BorrowedMessage<'_>, reject: &Reject, what: &str) {
        if self.parts.settings.verbose && !std::mem::replace(&mut self.told_of_rejects, true) {
            let (place, why) = (name(record), &reject.why);
            eprintln!(
                "the record at {place} is no reading: {why}; it {what}, as all others that cannot be read"
            );
        }
    }

    /// A record that follows from a partition's records: into the next transaction, or on its way.
    fn dispatch(&mut self, partition: i32, letter: Letter) -> Result<()> {
        if self.transactor.is_none() {
            return self.send(&letter);
        }
        self.batch.letter(partition, letter);
        Ok(())
    }

    pub(super) fn send(&mut self, letter: &Letter) -> Result<()> {
        let outbox = Arc::clone(&self.parts.outbox);
        if outbox.send(letter)? {
            return Ok(());
        }
        let mut sent = false;
        while !sent {
            let has_room = || !matches!(outbox.settled(), Ok(false));
            self.hold("Kafka does not take records fast enough", &has_room)?;
            sent = outbox.send(letter)?;
        }
        Ok(())
    }

    pub(super) fn tell(&mut self, event: &Value) -> Result<()> {
        if self.parts.settings.shows_events {
            self.write(format!("{event}\n"))?;
        }
        if !self.parts.tells_group {
            return Ok(());
        }
        self.send(&self.teller.record(event))
    }

    /// Waits as a living member. Partitions may go meanwhile, and what was done with them is committed then.
    pub(super) fn hold(&mut self, why: &str, done: &dyn Fn() -> bool) -> Result<()> {
        self.note();
        let look = self.parts.source.hold(&mut self.waiting, why, &self.pulse, done)?;
        self.see(look)
    }

    /// Waits for a call that was begun on another thread.
    pub(super) fn wait_for_call<T>(&mut self, why: &str, call: JoinHandle<T>) -> Result<T> {
        self.hold(why, &|| call.is_finished())?;
        Ok(call.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }

    pub(super) fn tell_progress(&mut self) -> Result<()> {
        let consumed = self.tally.take_consumed();
        if consumed.is_empty() {
            return Ok(());
        }
        let event = self.teller.consumed(&consumed);
        self.tell(&event)
    }

    pub(super) fn draw(&mut self) {
        let state = self.tally.state(&self.parts.settings.member.group, self.parts.member);
        if let Some(server) = &self.parts.metrics {
            let standings = self.parts.source.standings();
            server.show(metrics::page(&self.parts.settings.topic, &state, &standings));
        }
        let screen = self.parts.outbox.screen();
        // A picture that nobody has seen yet is worth no second one.
        if screen.is_empty()
            && (self.restoring.is_none() || self.tally.is_at_end())
            && let Some(text) = self.parts.processor.show(&state)
        {
            screen.write(text);
        }
    }
}

/// Where a record lies, in words.
fn name(record: &BorrowedMessage<'_>) -> String {
    format!("{} partition {} offset {}", record.topic(), record.partition(), record.offset())
}

fn unreadable(record: &BorrowedMessage<'_>, reject: &Reject) -> Error {
    let place = name(record);
    let remedy = match reject.cause {
        Cause::UnknownSchema => "check --schema-registry-url, or pass over it with --on-error dlq",
        _ => "pass over it with --on-error dlq",
    };
    Error::failed(format!("the record at {place} is no reading: {}; {remedy}", reject.why))
}
