use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use millrace_core::kafka::{Kafka, Span, TopicDefaults, cause};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_schemas::ControlReply;
use millrace_schemas::subject::{CONTROL_REPLY, value_subject};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};

use super::dead_letters::DeadLetters;
use super::outbox::Replies;
use super::reader::{Garbage, Records, command};
use super::{Origin, Request};
use crate::settings::{Control, KafkaOutput, Settings};
use crate::sink::Client;

const POLL: Duration = Duration::from_millis(50);
/// How long to wait before something that failed is tried again.
const BETWEEN_TRIES: Duration = Duration::from_millis(500);
/// How long the end of a run waits for the answer to a question that the listener has asked.
const LAST_WORD: Duration = Duration::from_secs(2);

/// Hears the control topic on a thread of its own.
pub(crate) struct Listener {
    ending: Shutdown,
    thread: Option<JoinHandle<()>>,
    /// Closed when the thread is through.
    is_through: Receiver<()>,
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
        let span = |topic: &str| {
            let partitions = output.kafka.ensure_topic(topic, None, &defaults)?.partitions;
            Span::of_partitions(&output.kafka, topic, partitions, true)
        };
        let registry = control.schema_registry.client()?;
        let schema_id = match &output.schema_registry {
            Some(_) => Some(registry.register(&value_subject(&control.replies()), CONTROL_REPLY)?),
            None => None,
        };
        let replies = Replies::new(Rc::clone(client), control.replies(), schema_id)?;
        let hearer = Hearer {
            old: span(&control.topic)?,
            answers: span(&control.replies())?.with_open_transactions(&output.kafka)?,
            reader: output.kafka.reader()?,
            told: None,
            control: control.clone(),
            kafka: output.kafka.clone(),
            records: Records::new(registry),
            // The first share speaks for the fleet here too.
            dead_letters: settings.share.is_first().then_some(defaults),
            desk,
        };
        let ending = Shutdown::new();
        let end = ending.clone();
        let (through, is_through) = channel();
        let thread = std::thread::Builder::new()
            .name("control".into())
            .spawn(move || {
                // Dropped at the very end of the thread.
                let _through: Sender<()> = through;
                hearer.hear(&end);
            })
            .map_err(|e| Error::failed(format!("no thread: {e}")))?;
        Ok((Self { ending, thread: Some(thread), is_through }, replies))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ending.request();
        // A registry or broker that does not answer must not hold up the end of the run.
        if self.is_through.recv_timeout(LAST_WORD) == Err(RecvTimeoutError::Timeout) {
            return;
        }
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

struct Hearer {
    reader: BaseConsumer,
    /// The commands that lay there when the run began.
    old: Span,
    /// The answers that did: what another share answers from now on is still to be obeyed here.
    answers: Span,
    control: Control,
    kafka: Kafka,
    records: Records,
    /// What their topic is made with; `None` = another producer takes care of them.
    dead_letters: Option<TopicDefaults>,
    desk: Sender<Request>,
    /// The trouble that was told last.
    told: Option<String>,
}

impl Hearer {
    fn hear(mut self, ending: &Shutdown) {
        let Some(mut answered) = self.patiently(ending, |hearer| hearer.answered(ending)) else { return };
        let Some(mut dead_letters) = self.patiently(ending, |hearer| hearer.open_dead_letters()) else {
            return;
        };
        if let Err(error) = self.assign() {
            self.tell(&error.to_string());
            return;
        }
        while !ending.is_requested() {
            let record = match self.reader.poll(POLL) {
                Some(Ok(record)) => record.detach(),
                Some(Err(error)) => {
                    // An outage passes, and a right may be granted.
                    let trouble = cause(&error);
                    self.tell(&trouble);
                    continue;
                }
                None => continue,
            };
            let said = match self.patiently(ending, |hearer| command(&mut hearer.records, &record)) {
                None => return,
                Some(Ok(said)) => said,
                Some(Err(garbage)) => {
                    self.patiently(ending, |_| reject(dead_letters.as_mut(), &record, &garbage));
                    continue;
                }
            };
            let is_old = self.old.reaches(record.partition(), record.offset());
            let request = Request { said, from: Origin::Topic, is_old };
            if answered.insert(request.said.id.clone()) && self.desk.send(request).is_err() {
                return;
            }
        }
    }

    /// From the beginning: what nobody answered has expired, and that is answered.
    fn assign(&self) -> Result<()> {
        let topic = &self.control.topic;
        let refuse = |e| Error::failed(cause(&e));
        let mut all = TopicPartitionList::new();
        for partition in 0..self.old.partitions() {
            all.add_partition_offset(topic, partition, Offset::Beginning).map_err(refuse)?;
        }
        self.reader.assign(&all).map_err(refuse)
    }

    /// The ids that had been answered when the run began.
    fn answered(&mut self, ending: &Shutdown) -> Result<HashSet<String>> {
        // What a transaction holds shows a moment after its end.
        while !ending.is_requested() && !self.answers.settles(&self.kafka, BETWEEN_TRIES)? {}
        let mut answered = HashSet::new();
        self.answers.each(&self.kafka, |record| {
            if ending.is_requested() {
                return Err(Error::failed("the run is over"));
            }
            // What is no reply answers nothing.
            if let Ok(reply) = self.records.read::<ControlReply>(CONTROL_REPLY, record.payload())? {
                answered.insert(reply.command_id);
            }
            Ok(())
        })?;
        Ok(answered)
    }

    fn open_dead_letters(&self) -> Result<Option<DeadLetters>> {
        let Some(defaults) = &self.dead_letters else { return Ok(None) };
        let topic = self.control.dead_letters();
        DeadLetters::new(self.kafka.clone(), topic, defaults.clone(), &self.old).map(Some)
    }

    /// Tries until it works, and tells why it does not; `None` when the end is asked for before.
    fn patiently<T>(
        &mut self,
        ending: &Shutdown,
        mut attempt: impl FnMut(&mut Self) -> Result<T>,
    ) -> Option<T> {
        loop {
            match attempt(self) {
                Ok(done) => return Some(done),
                Err(_) if ending.wait(BETWEEN_TRIES) => return None,
                Err(error) => self.tell(&error.to_string()),
            }
        }
    }

    /// Tells a trouble once, however often it comes.
    fn tell(&mut self, trouble: &str) {
        if self.told.as_deref() != Some(trouble) {
            eprintln!("producer: commands of {} wait: {trouble}", self.control.topic);
            self.told = Some(trouble.to_owned());
        }
    }
}

fn reject(dead_letters: Option<&mut DeadLetters>, record: &OwnedMessage, garbage: &Garbage) -> Result<()> {
    dead_letters.map_or(Ok(()), |dead_letters| dead_letters.write(record, &garbage.0))
}
