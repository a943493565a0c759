use std::rc::Rc;

use millrace_core::kafka::Role;
use millrace_core::{Error, Result};
use millrace_schemas::codec::RecordCodec;
use millrace_schemas::subject::CONTROL_REPLY;
use rdkafka::producer::BaseRecord;

use super::{Answer, Origin, Voice, letters};
use crate::sink::Client;

/// Takes answers to where they are waited for.
#[derive(Default)]
pub(crate) struct Outbox {
    /// Every answer goes here, those to the keyboard as well: the topic is the account of all that was done.
    pub topic: Option<Replies>,
    /// Answers to the keyboard.
    pub voice: Voice,
}

/// The topic of the answers.
pub(crate) struct Replies {
    client: Rc<Client>,
    topic: String,
    /// The schema's id; `None` = JSON.
    avro: Option<(RecordCodec, u32)>,
}

impl Outbox {
    pub fn send(&self, answer: &Answer) -> Result<()> {
        if answer.from == Origin::Keyboard {
            self.voice.say(&letters::answer(&answer.reply));
        }
        self.topic.as_ref().map_or(Ok(()), |topic| topic.send(answer))
    }

    /// Waits until the answers are safe, unless a transaction holds them together with what comes behind them.
    pub fn settle(&self) -> Result<()> {
        match &self.topic {
            Some(Replies { client, .. }) if !client.in_transactions() => client.drain(),
            _ => Ok(()),
        }
    }

    /// Whether the topic takes no answers from us, which the user is told when it turns out.
    pub fn is_refused(&mut self) -> bool {
        let refusal = self.topic.as_ref().and_then(|topic| topic.client.refused_answer());
        let Some((topic, why)) = refusal else { return false };
        eprintln!(
            "producer: topic {topic} does not take the answer to a command: {why}; the run goes on without commands, \
             and --resume will not do again what is not answered there"
        );
        self.topic = None;
        true
    }

    pub fn say(&self, line: &str) {
        self.voice.say(line);
    }
}

impl Replies {
    /// Answers into a topic that is there, as Avro with this schema id, or as JSON.
    ///
    /// # Errors
    /// When our own schema is none, which only a defect can cause.
    pub fn new(client: Rc<Client>, topic: String, schema_id: Option<u32>) -> Result<Self> {
        let codec = |id| RecordCodec::new(CONTROL_REPLY).map(|codec| (codec, id));
        let avro =
            schema_id.map(codec).transpose().map_err(|e| Error::failed(format!("ControlReply: {e}")))?;
        Ok(Self { client, topic, avro })
    }

    fn send(&self, answer: &Answer) -> Result<()> {
        let reply = &answer.reply;
        let refuse = |e: String| Error::failed(format!("the answer to {} is none: {e}", reply.command_id));
        let payload = match &self.avro {
            Some((codec, id)) => codec.encode(*id, reply).map_err(|e| refuse(e.to_string()))?,
            None => serde_json::to_vec(reply).map_err(|e| refuse(e.to_string()))?,
        };
        let record = BaseRecord::with_opaque_to(&self.topic, Role::Answer as usize).payload(&payload[..]);
        self.client.send(match &answer.machine_id {
            Some(machine) => record.key(machine),
            None => record,
        })
    }
}
