use std::collections::HashMap;

use millrace_core::registry::RegistryClient;
use millrace_core::{Error, Result};
use millrace_schemas::ControlCommand;
use millrace_schemas::codec::{RecordCodec, read_frame};
use millrace_schemas::subject::CONTROL_COMMAND;
use rdkafka::message::{Message, OwnedMessage};
use serde::de::DeserializeOwned;

use super::command::MAX_ID;

/// Longer than any command; what is longer is not even looked at.
const MAX_COMMAND: usize = 16 * 1024;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Garbage(pub String);

/// A value, or why there is none.
pub(crate) type Read<T> = std::result::Result<T, Garbage>;

/// Reads records of the control topics: Avro of whatever schema, or JSON.
pub(crate) struct Records {
    /// `None` = everything is JSON.
    registry: Option<RegistryClient>,
    /// Schemas by id; `None` where the registry does not know the id.
    schemas: HashMap<u32, Option<String>>,
}

impl Records {
    /// Records whose schemas this registry knows.
    pub fn new(registry: impl Into<Option<RegistryClient>>) -> Self {
        Self { registry: registry.into(), schemas: HashMap::new() }
    }

    /// Reads a value, as one of the schema `ours`.
    ///
    /// # Errors
    /// When the registry is out of reach, so that it cannot be told; garbage is no error.
    pub fn read<T: DeserializeOwned>(&mut self, ours: &str, payload: Option<&[u8]>) -> Result<Read<T>> {
        let garbage = |why: String| Ok(Err(Garbage(why)));
        match payload {
            None | Some([]) => garbage("it is empty".to_owned()),
            Some(text) if text.trim_ascii_start().starts_with(b"{") => {
                Ok(serde_json::from_slice(text)
                    .map_err(|e| Garbage(format!("its JSON is none of ours: {e}"))))
            }
            Some(bytes) => match read_frame(bytes) {
                Err(e) => garbage(format!("it is neither JSON nor Avro: {e}")),
                Ok((id, body)) => match self.schema(id)? {
                    None => garbage(format!("the registry knows no schema {id}")),
                    Some(schema) => {
                        let codec = RecordCodec::new(ours).map_err(|e| Error::failed(e.to_string()))?;
                        Ok(codec.decode(schema, body).map_err(|e| Garbage(e.to_string())))
                    }
                },
            },
        }
    }

    fn schema(&mut self, id: u32) -> Result<Option<&str>> {
        if !self.schemas.contains_key(&id) {
            let found = self.registry.as_ref().map_or(Ok(None), |registry| registry.find_schema(id))?;
            // An id that is unknown now may be known a moment later.
            if found.is_none() {
                return Ok(None);
            }
            self.schemas.insert(id, found);
        }
        Ok(self.schemas.get(&id).and_then(Option::as_deref))
    }
}

/// The command in a record; one that names no machine is for that of the record's key.
///
/// # Errors
/// When the registry is out of reach.
pub(super) fn command(records: &mut Records, record: &OwnedMessage) -> Result<Read<ControlCommand>> {
    let bytes = record.payload().unwrap_or_default().len();
    if bytes > MAX_COMMAND {
        return Ok(Err(Garbage(format!("{bytes} bytes are too many for a command"))));
    }
    let read = records.read::<ControlCommand>(CONTROL_COMMAND, record.payload())?;
    Ok(read.and_then(|said| addressed(said, record.key())))
}

fn addressed(mut said: ControlCommand, key: Option<&[u8]>) -> Read<ControlCommand> {
    if !(1..=MAX_ID).contains(&said.id.chars().count()) || said.id.chars().any(char::is_control) {
        return Err(Garbage(format!("its id is not 1 to {MAX_ID} printable characters")));
    }
    if let (None, Some(key @ [_, ..])) = (&said.machine_id, key) {
        said.machine_id = Some(String::from_utf8_lossy(key).into_owned());
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: Option<&[u8]>) -> Read<ControlCommand> {
        // Discard: not served on a test machine.
        let mut records = Records::new(RegistryClient::new("http://127.0.0.1:9").expect("a client"));
        records.read(CONTROL_COMMAND, payload).expect("no registry is needed")
    }

    #[test]
    fn a_command_may_be_json_as_a_console_producer_writes_it() {
        let said = read(Some(br#"{"id": "1", "action": "clear", "machine_id": "MACHINE_001"}"#));
        assert_eq!(said.expect("a command").machine_id.as_deref(), Some("MACHINE_001"));
    }

    #[test]
    fn a_command_that_names_no_machine_is_for_that_of_its_key() {
        let said = ControlCommand { id: "1".into(), ..ControlCommand::default() };
        let to = |key: Option<&[u8]>| addressed(said.clone(), key).expect("a command").machine_id;
        assert_eq!((to(Some(b"M")), to(Some(b"")), to(None)), (Some("M".into()), None, None));
    }

    #[test]
    fn garbage_is_told_from_a_command_with_the_reason() {
        let long = format!(r#"{{"id": "{}", "action": "stop"}}"#, "x".repeat(200));
        let garbage: [Option<&[u8]>; 6] = [
            None,
            Some(b"stop"),
            Some(br#"{"action": "stop"}"#),
            Some(br#"{"id": "1", "action": "inject", "hour": 2}"#),
            Some(br#"{"id": 1, "action": "stop"}"#),
            Some(long.as_bytes()),
        ];
        let why = garbage
            .map(|payload| read(payload).and_then(|said| addressed(said, None)).expect_err("garbage").0);
        insta::assert_snapshot!(why.join("\n"));
    }
}
