use std::sync::Arc;
use std::time::{Duration, Instant};

use millrace_core::kafka::rejected_headers;
use millrace_core::registry::RegistryClient;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_schemas::AnomalyAlert;
use millrace_schemas::codec::RecordCodec;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, Timestamp, TopicPartitionList};
use serde_json::Value;

use super::{Output, Place, Processor, Tally};
use crate::group::{self, Teller};
use crate::metrics;
use crate::outbox::{Letter, Outbox};
use crate::settings::{Form, Guarantee, OnError, Settings};
use crate::source::{Cause, Change, Decoder, Ledger, Look, Outputs, Reject, Source, Waiting, ask};

/// Records that are taken before anything else is seen to.
const BATCH: usize = 2_000;
const LOOK: Duration = Duration::from_millis(100);
const TELL: Duration = Duration::from_secs(1);
const DRAW: Duration = Duration::from_millis(500);
/// What the registry did not know is asked for again after this time.
const FORGET: Duration = Duration::from_secs(10);

/// What a flow is made of.
pub struct Parts<'a, P> {
    /// What is to be done.
    pub settings: &'a Settings,
    /// Where records come from.
    pub source: &'a Source,
    /// How far they are done with.
    pub ledger: Arc<Ledger>,
    /// Where everything goes.
    pub outbox: Arc<Outbox>,
    /// Where schemas are known.
    pub registry: RegistryClient,
    /// How alerts are written, and the id of their schema.
    pub alerts: Option<(RecordCodec, u32)>,
    /// What is done with readings.
    pub processor: P,
    /// The member's name.
    pub member: &'a str,
    /// Whether the topic `group-events` is there.
    pub tells_group: bool,
    /// Where metrics are read, if they are to be.
    pub metrics: Option<metrics::Server>,
}

/// The flow of records through a processor.
pub struct Flow<'a, P> {
    parts: Parts<'a, P>,
    decoder: Decoder,
    waiting: Waiting<'a>,
    out: Vec<Output>,
    teller: Teller,
    tally: Tally,
    committed: Instant,
    told: Instant,
    drawn: Instant,
    forgot: Instant,
}

impl<'a, P: Processor> Flow<'a, P> {
    /// A flow that has not begun.
    pub fn new(parts: Parts<'a, P>) -> Self {
        let now = Instant::now();
        Self {
            teller: Teller::new(&parts.settings.member.group, parts.member, &parts.settings.topic),
            parts,
            decoder: Decoder::default(),
            waiting: Waiting::new(),
            out: Vec::new(),
            tally: Tally::default(),
            committed: now,
            told: now,
            drawn: now,
            forgot: now,
        }
    }

    /// Runs until the end is asked for or reached, and leaves the group in order.
    ///
    /// # Errors
    /// When the member cannot go on, an output is refused, or a record cannot be read and that is to end it.
    pub fn run(mut self, shutdown: &Shutdown) -> Result<Tally> {
        self.tell(&self.teller.plain("startup_complete"))?;
        while !shutdown.is_requested() && !self.is_done() {
            let most = usize::try_from(self.left()).unwrap_or(BATCH).min(BATCH);
            let look = self.parts.source.look(&mut self.waiting, most, LOOK)?;
            self.see(look)?;
            match self.parts.settings.guarantee {
                Guarantee::AtLeastOnce => self.take_waiting()?,
                Guarantee::AtMostOnce => self.commit_and_take()?,
            }
            self.see_to_the_rest()?;
        }
        self.end()?;
        Ok(self.tally)
    }

    /// Records that may yet be taken.
    fn left(&self) -> u64 {
        self.parts.settings.max_messages.map_or(u64::MAX, |most| most.saturating_sub(self.tally.records))
    }

    fn is_done(&self) -> bool {
        let at_end = || self.parts.settings.until_end && self.waiting.is_empty() && self.tally.is_at_end();
        self.left() == 0 || self.parts.outbox.screen().is_closed() || at_end()
    }

    fn see(&mut self, look: Look) -> Result<()> {
        for told in look.changes {
            match &told.change {
                Change::Assigned(partitions) => self.tally.assigned(partitions),
                Change::Revoked(partitions) | Change::Lost(partitions) => {
                    self.tally.gone(partitions);
                    partitions.iter().for_each(|partition| self.parts.processor.drop_partition(*partition));
                }
                Change::Committed(..) => {}
                Change::Failed(why) => return Err(Error::failed(format!("the group: {why}"))),
            }
            if let Some(event) = self.teller.change(&told) {
                self.tell(&event)?;
            }
        }
        self.tally.ended(&look.more, &look.ends);
        Ok(())
    }

    fn take_waiting(&mut self) -> Result<()> {
        while self.left() > 0 {
            let Some(record) = self.waiting.pop_front() else { break };
            self.take(&record)?;
            self.parts.ledger.note(record.partition(), record.offset());
        }
        Ok(())
    }

    /// What is not committed is not taken: it may be another member's by now.
    fn commit_and_take(&mut self) -> Result<()> {
        let most = usize::try_from(self.left()).unwrap_or(usize::MAX).min(self.waiting.len());
        let batch: Vec<BorrowedMessage<'a>> = self.waiting.drain(..most).collect();
        if batch.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for record in &batch {
            let (topic, partition) = (record.topic(), record.partition());
            let next = Offset::Offset(record.offset() + 1);
            if list.find_partition(topic, partition).is_none() {
                list.add_partition(topic, partition);
            }
            list.set_partition_offset(topic, partition, next)
                .map_err(|e| Error::failed(format!("topic {topic}: {e}")))?;
        }
        if self.parts.source.commit_list(&list)? {
            for record in &batch {
                self.take(record)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, record: &BorrowedMessage<'_>) -> Result<()> {
        let at = Place { partition: record.partition(), offset: record.offset() };
        self.tally.note(at);
        if let Some(id) = self.decoder.wants(record.payload()) {
            self.learn(id)?;
        }
        match self.decoder.decode(record.key(), record.payload()) {
            Ok(reading) => self.parts.processor.take(at, &reading, &mut self.out),
            Err(reject) => return self.reject(record, &reject),
        }
        self.give()
    }

    fn learn(&mut self, id: u32) -> Result<()> {
        let (source, waiting) = (self.parts.source, &mut self.waiting);
        let mut looks = Vec::new();
        let found = ask(&self.parts.registry, id, &mut |done| {
            looks.push(source.hold(waiting, "the schema registry takes its time", done)?);
            Ok(())
        })?;
        self.decoder.learn(id, found.as_deref());
        looks.into_iter().try_for_each(|look| self.see(look))
    }

    fn give(&mut self) -> Result<()> {
        for output in std::mem::take(&mut self.out) {
            match output {
                Output::Text(text) => self.write(text)?,
                Output::Alert(alert) => self.alert(&alert)?,
            }
        }
        Ok(())
    }

    fn write(&mut self, text: String) -> Result<()> {
        let outbox = Arc::clone(&self.parts.outbox);
        if outbox.screen().is_full() {
            self.hold("nobody reads standard output fast enough", &|| !outbox.screen().is_full())?;
        }
        outbox.screen().write(text);
        Ok(())
    }

    fn alert(&mut self, alert: &AnomalyAlert) -> Result<()> {
        self.tally.alerts += 1;
        let detection = self.parts.settings.detection.as_ref();
        let topic = detection.and_then(|detection| detection.topic.as_ref());
        let (Some(topic), Some((codec, id))) = (topic, &self.parts.alerts) else { return Ok(()) };
        let payload = codec
            .encode(*id, alert)
            .map_err(|e| Error::failed(format!("an alert cannot be written: {e}")))?;
        let letter = Letter {
            topic: topic.clone(),
            key: Some(alert.machine_id.clone().into_bytes()),
            payload: Some(payload),
            timestamp: Some(alert.timestamp),
            headers: None,
        };
        self.send(&letter)
    }

    fn reject(&mut self, record: &BorrowedMessage<'_>, reject: &Reject) -> Result<()> {
        self.tally.rejected += 1;
        let settings = self.parts.settings;
        match settings.on_error {
            OnError::Skip => Ok(()),
            OnError::Fail => Err(unreadable(record, reject)),
            OnError::Dlq => self.send(&Letter {
                topic: settings.dead_letters.clone(),
                key: record.key().map(<[u8]>::to_vec),
                payload: record.payload().map(<[u8]>::to_vec),
                timestamp: match record.timestamp() {
                    Timestamp::CreateTime(time) => Some(time),
                    _ => None,
                },
                headers: Some(rejected_headers(record, reject.cause.exception(), &reject.why)),
            }),
        }
    }

    fn send(&mut self, letter: &Letter) -> Result<()> {
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

    fn tell(&mut self, event: &Value) -> Result<()> {
        if self.parts.settings.form == Form::Json {
            self.write(format!("{event}\n"))?;
        }
        if !self.parts.tells_group {
            return Ok(());
        }
        self.send(&Letter {
            topic: group::TOPIC.to_owned(),
            key: Some(self.teller.group().as_bytes().to_vec()),
            payload: Some(event.to_string().into_bytes()),
            ..Letter::default()
        })
    }

    fn hold(&mut self, why: &str, done: &dyn Fn() -> bool) -> Result<()> {
        let look = self.parts.source.hold(&mut self.waiting, why, done)?;
        self.see(look)
    }

    fn see_to_the_rest(&mut self) -> Result<()> {
        if self.committed.elapsed() >= self.parts.settings.commit_interval {
            self.settle()?;
            self.parts.source.commit()?;
            self.committed = Instant::now();
        }
        if self.told.elapsed() >= TELL {
            self.tell_progress()?;
            self.tell(&self.teller.plain("alive"))?;
            self.told = Instant::now();
        }
        if self.drawn.elapsed() >= DRAW {
            self.draw();
            self.drawn = Instant::now();
        }
        if self.forgot.elapsed() >= FORGET {
            self.decoder.forget_unknown();
            self.forgot = Instant::now();
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        let ledger = Arc::clone(&self.parts.ledger);
        self.wait_for("what follows from the records has not arrived yet", &|| ledger.settle())
    }

    /// Waits as a living member; an error of what is waited for is found by the last look.
    fn wait_for(&mut self, why: &str, is_settled: &dyn Fn() -> Result<bool>) -> Result<()> {
        if !is_settled()? {
            self.hold(why, &|| !matches!(is_settled(), Ok(false)))?;
            is_settled()?;
        }
        Ok(())
    }

    fn tell_progress(&mut self) -> Result<()> {
        let consumed = self.tally.take_consumed();
        if consumed.is_empty() {
            return Ok(());
        }
        let event = self.teller.consumed(&consumed);
        self.tell(&event)
    }

    fn draw(&mut self) {
        let state = self.tally.state(&self.parts.settings.member.group, self.parts.member);
        if let Some(server) = &self.parts.metrics {
            let standings = self.parts.source.standings();
            server.show(metrics::page(&self.parts.settings.topic, &state, &standings));
        }
        let screen = self.parts.outbox.screen();
        // A picture that nobody has seen yet is worth no second one.
        if screen.is_empty()
            && let Some(text) = self.parts.processor.show(&state)
        {
            screen.write(text);
        }
    }

    fn end(&mut self) -> Result<()> {
        self.settle()?;
        self.parts.source.commit_now()?;
        self.tell_progress()?;
        self.draw();
        let changes = self.parts.source.leave()?;
        self.see(Look { changes, ..Look::default() })?;
        self.tell(&self.teller.plain("shutdown_complete"))?;
        let outbox = Arc::clone(&self.parts.outbox);
        self.wait_for("the last records are not acknowledged yet", &|| outbox.settled())
    }
}

fn unreadable(record: &BorrowedMessage<'_>, reject: &Reject) -> Error {
    let place = format!("{} partition {} offset {}", record.topic(), record.partition(), record.offset());
    let remedy = match reject.cause {
        Cause::UnknownSchema => "check --schema-registry-url, or pass over it with --on-error dlq",
        _ => "pass over it with --on-error dlq",
    };
    Error::failed(format!("the record at {place} is no reading: {}; {remedy}", reject.why))
}
