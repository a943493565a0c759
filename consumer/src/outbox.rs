//! What leaves the program beside commits: records, and text on standard output.

use std::io::{ErrorKind, Write, stdout};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use millrace_core::kafka::{Deliveries, Kafka, ProducerContext, Role, cause, collect};
use millrace_core::{Error, Result};
use rdkafka::Timestamp;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::source::Outputs;

/// Texts that may wait for their reader.
const MOST_TEXTS: usize = 10_000;

/// A reader that takes nothing for so long reads no more.
const UNREAD: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
/// Slept where records are waited for and nothing else is to be done.
const REST: Duration = Duration::from_micros(100);

/// A record that is to be written.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    /// Its topic.
    pub topic: String,
    /// Its partition; `None` = that of its key.
    pub partition: Option<i32>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub payload: Option<Vec<u8>>,
    /// Its CreateTime in milliseconds; `None` = now.
    pub timestamp: Option<i64>,
    /// Its headers.
    pub headers: Option<OwnedHeaders>,
}

impl Letter {
    /// A record as it came, for another topic; without its headers.
    pub fn as_it_came(topic: &str, record: &impl Message) -> Self {
        Self {
            topic: topic.to_owned(),
            key: record.key().map(<[u8]>::to_vec),
            payload: record.payload().map(<[u8]>::to_vec),
            timestamp: match record.timestamp() {
                Timestamp::CreateTime(time) => Some(time),
                _ => None,
            },
            ..Self::default()
        }
    }

    /// The record as a client takes it.
    pub fn record(&self) -> BaseRecord<'_, [u8], [u8], usize> {
        let mut record = BaseRecord::with_opaque_to(&self.topic, Role::Beside as usize);
        record.partition = self.partition;
        record.key = self.key.as_deref();
        record.payload = self.payload.as_deref();
        record.timestamp = self.timestamp;
        record.headers = self.headers.clone();
        record
    }

    /// How much memory it takes, roughly.
    pub fn size(&self) -> usize {
        let parts = [&self.key, &self.payload];
        256 + parts.into_iter().flatten().map(Vec::len).sum::<usize>()
    }
}

/// Everything that leaves.
pub struct Outbox {
    records: Option<(BaseProducer<ProducerContext>, Arc<Deliveries>)>,
    screen: Screen,
}

impl Outbox {
    /// With a cluster for records, where there are to be any.
    ///
    /// # Errors
    /// When the client or the thread of standard output cannot be made.
    pub fn new(kafka: Option<&Kafka>) -> Result<Self> {
        let producer = kafka.map(Kafka::producer).transpose()?;
        let records = producer.map(|producer| {
            let deliveries = producer.client().context().deliveries();
            (producer, deliveries)
        });
        Ok(Self { records, screen: Screen::start()? })
    }

    /// Gives a record to the client; `false` when it has no room.
    ///
    /// # Errors
    /// When the record or an earlier one is refused for good.
    pub fn send(&self, letter: &Letter) -> Result<bool> {
        let Some((producer, _)) = &self.records else { return Ok(true) };
        match producer.send(letter.record()) {
            Ok(()) => Ok(true),
            Err((error, _)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                producer.poll(Duration::ZERO);
                Ok(false)
            }
            Err((error, _)) => Err(refused(&letter.topic, &cause(&error))),
        }
    }

    /// Gives records to the client, and waits until all have arrived.
    ///
    /// # Errors
    /// When one is refused for good.
    pub fn deliver(&self, letters: impl IntoIterator<Item = Letter>) -> Result<()> {
        for letter in letters {
            while !self.send(&letter)? {
                std::thread::sleep(REST);
            }
        }
        while !self.settled()? {
            std::thread::sleep(REST);
        }
        Ok(())
    }

    /// Standard output.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }
}

impl Outputs for Outbox {
    fn settled(&self) -> Result<bool> {
        let Some((producer, deliveries)) = &self.records else { return Ok(self.screen.is_empty()) };
        collect(producer);
        if let Some((topic, why)) = deliveries.first_failure() {
            return Err(refused(&topic, &why));
        }
        Ok(producer.in_flight_count() == 0 && self.screen.is_empty())
    }
}

pub(crate) fn refused(topic: &str, why: &str) -> Error {
    Error::failed(format!("topic {topic} does not take a record: {why}"))
}

/// Standard output, written by a thread of its own, so that a slow reader holds nothing else up.
pub struct Screen {
    texts: Mutex<Option<Sender<Vec<u8>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    waiting: AtomicUsize,
    closed: AtomicBool,
}

impl Screen {
    fn start() -> Result<Self> {
        let (texts, received) = channel();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("screen".into())
            .spawn(move || write_all(&received, &shared))
            .map_err(|e| Error::failed(format!("standard output cannot be written: {e}")))?;
        Ok(Self { texts: Mutex::new(Some(texts)), thread: Mutex::new(Some(thread)), state })
    }

    /// Writes a text, which is a line or several, when its turn comes.
    pub fn write(&self, text: impl Into<Vec<u8>>) {
        self.state.waiting.fetch_add(1, Ordering::Relaxed);
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(texts) = &*texts {
            // The thread ends only after this end of the channel.
            let _ = texts.send(text.into());
        }
    }

    /// Whether so much waits that no more should be written for now.
    pub fn is_full(&self) -> bool {
        self.state.waiting.load(Ordering::Relaxed) >= MOST_TEXTS
    }

    /// Whether all has been written.
    pub fn is_empty(&self) -> bool {
        self.state.waiting.load(Ordering::Acquire) == 0
    }

    /// Whether nobody reads any more: a reader that closed the pipe has seen what it wanted.
    pub fn is_closed(&self) -> bool {
        self.state.closed.load(Ordering::Relaxed)
    }
}

impl Screen {
    /// Waits until all is written, as long as somebody reads it.
    fn empties(&self) -> bool {
        let mut left = self.state.waiting.load(Ordering::Acquire);
        let mut last = Instant::now();
        while left > 0 && last.elapsed() < UNREAD {
            std::thread::sleep(BETWEEN_LOOKS);
            let now = self.state.waiting.load(Ordering::Acquire);
            if now < left {
                (left, last) = (now, Instant::now());
            }
        }
        left == 0
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.texts.lock().unwrap_or_else(PoisonError::into_inner).take());
        if !self.empties() {
            return;
        }
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

fn write_all(texts: &Receiver<Vec<u8>>, state: &State) {
    while let Ok(first) = texts.recv() {
        let mut all = first;
        let mut count = 1;
        while let Ok(next) = texts.try_recv() {
            all.extend(next);
            count += 1;
        }
        let mut out = stdout().lock();
        match out.write_all(&all).and_then(|()| out.flush()) {
            Err(e) if e.kind() != ErrorKind::BrokenPipe && !state.closed.swap(true, Ordering::Relaxed) => {
                eprintln!("standard output cannot be written: {e}");
            }
            Err(_) => state.closed.store(true, Ordering::Relaxed),
            Ok(()) => {}
        }
        state.waiting.fetch_sub(count, Ordering::Release);
    }
}
