//! `producer control`: says one command to a running producer, and waits for its answer.

mod args;
mod wait;
mod words;

use std::time::Instant;

use chrono::Utc;
use millrace_core::registry::RegistryClient;
use millrace_core::{Error, Result};
use millrace_schemas::codec::RecordCodec;
use millrace_schemas::subject::{CONTROL_COMMAND, value_subject};
use millrace_schemas::{ControlCommand, ControlReply, ControlStatus};
use rdkafka::producer::FutureRecord;

pub use args::ControlArgs;
use args::Wire;

use super::reader::Records;
use crate::settings::replies_to;
use wait::Replies;

/// Says the command, waits, and prints the answer.
///
/// # Errors
/// When the command is refused, has expired or is not answered in time.
pub fn run(args: &ControlArgs) -> Result<()> {
    let deadline = Instant::now() + args.timeout()?;
    let kafka = args.kafka()?;
    let id = args.id.clone().unwrap_or_else(new_id);
    let said = args.command(&id);
    kafka.check()?;
    let registry = args.registry()?.client()?;
    let payload = payload(args, &said, &registry)?;
    let topic = &args.control_topic;
    let mut replies =
        Replies::listen(&kafka, &replies_to(topic), topic, args.id.is_some(), Records::new(registry))?;
    let mut record = FutureRecord::to(topic).payload(&payload);
    record.key = said.machine_id.as_deref();
    let producer = kafka.prompt_producer(args.timeout()?)?;
    let sent = runtime()?.block_on(producer.send(record, args.timeout()?));
    sent.map_err(|(e, _)| {
        Error::failed(format!("topic {topic} does not take the command: {}", millrace_core::kafka::cause(&e)))
    })?;
    match replies.wait(&id, deadline)? {
        Some(reply) => show(args, &reply),
        None => Err(Error::failed(format!(
            "command {id} was not answered within {} s; check that a producer listens to {topic} at {}",
            args.timeout()?.as_secs_f64(),
            kafka.bootstrap_servers()
        ))),
    }
}

fn payload(args: &ControlArgs, said: &ControlCommand, registry: &RegistryClient) -> Result<Vec<u8>> {
    let refuse = |e: String| Error::failed(format!("the command cannot be written: {e}"));
    match args.format {
        Wire::Json => serde_json::to_vec(said).map_err(|e| refuse(e.to_string())),
        Wire::Avro => {
            let id = registry.register(&value_subject(&args.control_topic), CONTROL_COMMAND)?;
            let codec = RecordCodec::new(CONTROL_COMMAND).map_err(|e| refuse(e.to_string()))?;
            codec.encode(id, said).map_err(|e| refuse(e.to_string()))
        }
    }
}

fn show(args: &ControlArgs, reply: &ControlReply) -> Result<()> {
    if args.json {
        println!("{}", serde_json::to_string(reply).map_err(|e| Error::failed(e.to_string()))?);
    } else if reply.status == ControlStatus::Accepted {
        println!("{}", words::accepted(reply));
    }
    match reply.status {
        ControlStatus::Accepted => Ok(()),
        status => Err(Error::failed(words::not_accepted(reply, status))),
    }
}

/// An id that nobody else has.
fn new_id() -> String {
    format!("cli-{}-{:08x}", Utc::now().timestamp_millis(), rand::random::<u32>())
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| Error::failed(format!("no command can be sent: {e}")))
}
