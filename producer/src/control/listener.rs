use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use millrace_core::kafka::{Kafka, TopicDefaults, cause};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_schemas::ControlReply;
use millrace_schemas::subject::{CONTROL_REPLY, value_subject};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::dead_letters::DeadLetters;
use super::outbox::Replies;
use super::reader::{Garbage, Records, command};
use super::{Origin, Request};
use crate::settings::{Control, KafkaOutput, Settings};
use crate::sink::Client;

const CALL: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
/// How long to wait before something that failed is tried again.
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// Hears the control topic on a thread of its own.
pub(crate) struct Listener {
    ending: Shutdown,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens from now on; commands go to `desk`, and their answers are to go to the replies. `None` = the run
    /// is not to be controlled, or cannot be, which is told.
    pub fn start(
        settings: &Settings,
        output: &KafkaOutput,
        client: &Rc<Client>,
        desk: Sender<Request>,
    ) -> Option<(Self, Replies)> {
        let control = output.control.as_ref()?;
        let started = Self::try_start(settings, output, control, client, desk);
        if let Some(error) = started.as_ref().err().filter(|_| settings.verbose) {
            eprintln!("producer: no commands are taken from {}: {error}", control.topic);
        }
        started.ok()
    }

    fn try_start(
        settings: &Settings,
        output: &KafkaOutput,
        control: &Control,
        client: &Rc<Client>,
        desk: Sender<Request>,
    ) -> Result<(Self, Replies)> {
        let defaults = topics(control, &output.topic_defaults);
        let partitions = output.kafka.ensure_topic(&control.topic, None, &defaults)?.partitions;
        let reply_partitions = output.kafka.ensure_topic(&control.replies(), None, &defaults)?.partitions;
        let registry = control.schema_registry.client()?;
        let schema_id = match &output.schema_registry {
            Some(_) => Some(registry.register(&value_subject(&control.replies()), CONTROL_REPLY)?),
            None => None,
        };
        let replies = Replies::new(Rc::clone(client), control.replies(), schema_id)?;
        let reader = output.kafka.reader()?;
        let hearer = Hearer {
            ends: ends(&reader, &control.topic, partitions)?,
            reply_ends: ends(&output.kafka.isolated_reader(false)?, &control.replies(), reply_partitions)?,
            reader,
            control: control.clone(),
            kafka: output.kafka.clone(),
            records: Records::new(registry),
            // The first share speaks for the fleet here too.
            dead_letters: settings.share.is_first().then_some(defaults),
            desk,
        };
        let ending = Shutdown::new();
        let end = ending.clone();
        let thread = std::thread::Builder::new()
            .name("control".into())
            .spawn(move || hearer.hear(&end))
            .map_err(|e| Error::failed(format!("no thread: {e}")))?;
        Ok((Self { ending, thread: Some(thread) }, replies))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ending.request();
        // A panic in there was printed when it happened.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// One partition each: commands have an order.
fn topics(control: &Control, others: &TopicDefaults) -> TopicDefaults {
    let ours = [control.topic.clone(), control.replies(), control.dead_letters()];
    let one_each: BTreeMap<String, i32> = ours.into_iter().map(|topic| (topic, 1)).collect();
    TopicDefaults { topics: Some(one_each), ..others.clone() }
}

fn ends(reader: &BaseConsumer, topic: &str, partitions: i32) -> Result<Vec<i64>> {
    let end = |partition| {
        let bounds = reader.fetch_watermarks(topic, partition, CALL);
        bounds.map(|(_, end)| end).map_err(|e| Error::failed(format!("topic {topic}: {}", cause(&e))))
    };
    (0..partitions).map(end).collect()
}

struct Hearer {
    reader: BaseConsumer,
    /// Where each partition ended when the run began.
    ends: Vec<i64>,
    /// The same of the replies: what another share answers from now on is still to be obeyed here.
    reply_ends: Vec<i64>,
    control: Control,
    kafka: Kafka,
    records: Records,
    /// What their topic is made with; `None` = another producer takes care of them.
    dead_letters: Option<TopicDefaults>,
    desk: Sender<Request>,
}

impl Hearer {
    fn hear(mut self, ending: &Shutdown) {
        let Some(mut answered) = patiently(ending, || self.answered(ending)) else { return };
        let Some(mut dead_letters) = patiently(ending, || self.open_dead_letters()) else { return };
        let mut all = TopicPartitionList::new();
        for partition in 0..self.ends.len() as i32 {
            // From the beginning: what nobody answered has expired, and that is answered.
            let _ = all.add_partition_offset(&self.control.topic, partition, Offset::Beginning);
        }
        if let Err(error) = self.reader.assign(&all) {
            eprintln!("producer: no commands are taken from {}: {}", self.control.topic, cause(&error));
            return;
        }
        while !ending.is_requested() {
            // An error is an outage, which passes.
            let Some(Ok(record)) = self.reader.poll(POLL) else { continue };
            match patiently(ending, || command(&mut self.records, &record)) {
                None => return,
                Some(Ok(said)) => {
                    let is_old = is_before(&self.ends, &record);
                    let request = Request { said, from: Origin::Topic, is_old };
                    if answered.insert(request.said.id.clone()) && self.desk.send(request).is_err() {
                        return;
                    }
                }
                Some(Err(garbage)) => reject(dead_letters.as_mut(), &record, &garbage),
            }
        }
    }

    /// The ids that had been answered when the run began.
    fn answered(&mut self, ending: &Shutdown) -> Result<HashSet<String>> {
        let topic = self.control.replies();
        let refuse = |e: KafkaError| Error::failed(format!("topic {topic}: {}", cause(&e)));
        let reader = self.kafka.reader_to_end()?;
        let mut open = self.reply_ends.len();
        // What a transaction holds shows a moment after its end.
        while !ending.is_requested() && !reaches(&ends(&reader, &topic, open as i32)?, &self.reply_ends) {
            ending.wait(POLL);
        }
        let mut all = TopicPartitionList::new();
        for partition in 0..open as i32 {
            all.add_partition_offset(&topic, partition, Offset::Beginning).map_err(refuse)?;
        }
        reader.assign(&all).map_err(refuse)?;
        let mut answered = HashSet::new();
        while open > 0 && !ending.is_requested() {
            match reader.poll(POLL) {
                Some(Ok(record)) if is_before(&self.reply_ends, &record) => {
                    // What is no reply answers nothing.
                    if let Ok(reply) = self.records.read::<ControlReply>(CONTROL_REPLY, record.payload())? {
                        answered.insert(reply.command_id);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
                _ => {}
            }
        }
        Ok(answered)
    }

    fn open_dead_letters(&self) -> Result<Option<DeadLetters>> {
        let Some(defaults) = &self.dead_letters else { return Ok(None) };
        let topic = self.control.dead_letters();
        DeadLetters::new(self.kafka.clone(), topic, defaults.clone()).map(Some)
    }
}

fn reaches(ends: &[i64], others: &[i64]) -> bool {
    ends.iter().zip(others).all(|(end, other)| end >= other)
}

fn is_before(ends: &[i64], record: &BorrowedMessage<'_>) -> bool {
    ends.get(record.partition() as usize).is_some_and(|end| record.offset() < *end)
}

/// Tries until it works; `None` when the end is asked for before.
fn patiently<T>(ending: &Shutdown, mut attempt: impl FnMut() -> Result<T>) -> Option<T> {
    loop {
        match attempt() {
            Ok(done) => return Some(done),
            Err(_) if ending.wait(BETWEEN_TRIES) => return None,
            Err(_) => {}
        }
    }
}

fn reject(dead_letters: Option<&mut DeadLetters>, record: &BorrowedMessage<'_>, garbage: &Garbage) {
    let Some(dead_letters) = dead_letters else { return };
    if let Err(error) = dead_letters.write(record, &garbage.0) {
        let place = format!("record {} of {}", record.offset(), record.topic());
        eprintln!("producer: {place} is no command ({}), and cannot be kept: {error}", garbage.0);
    }
}
