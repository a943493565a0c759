use std::collections::BTreeSet;

use millrace_consumer::settings::Settings;
use millrace_core::Result;
use millrace_core::kafka::Span;
use millrace_core::registry::RegistryClient;
use millrace_schemas::codec::read_frame;
use rdkafka::message::Message;

use crate::avro::Frames;
use crate::input::sensors;

/// So many offsets at the end of each partition are looked at: the last ones may be markers, or no records.
const LOOKED_AT: i64 = 100;

/// What lies in a topic.
pub(super) enum Content {
    /// Nothing yet.
    Nothing,
    /// Records that tell of no column of numbers.
    NoNumbers,
    /// Records with these columns of numbers: all that the newest of each partition have.
    Numbers(Vec<String>),
}

/// Looks at the newest records of a topic.
///
/// # Errors
/// When the cluster or the registry does not answer.
pub(super) fn of_topic(settings: &Settings) -> Result<Content> {
    let mut look = Looking {
        registry: settings.registry.client()?,
        frames: Frames::default(),
        unknown: BTreeSet::new(),
    };
    let mut all: Vec<String> = Vec::new();
    let mut is_empty = true;
    Span::of(&settings.kafka, &settings.topic)?.tail(LOOKED_AT).each(&settings.kafka, |record| {
        is_empty = false;
        // What cannot be read says nothing of the others.
        for name in look.numbers(record.payload().unwrap_or_default())?.unwrap_or_default() {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        Ok(())
    })?;
    Ok(match sensors(all.iter()).is_empty() {
        true if is_empty => Content::Nothing,
        true => Content::NoNumbers,
        false => Content::Numbers(all),
    })
}

struct Looking {
    registry: RegistryClient,
    frames: Frames,
    /// Ids that the registry does not know.
    unknown: BTreeSet<u32>,
}

impl Looking {
    fn numbers(&mut self, value: &[u8]) -> Result<Option<Vec<String>>> {
        if value.first() == Some(&b'{') {
            return Ok(self.frames.numbers(None, || Ok(String::new()), value).ok());
        }
        let Ok((id, body)) = read_frame(value) else { return Ok(None) };
        if self.unknown.contains(&id) {
            return Ok(None);
        }
        let mut asked = Ok(None);
        let text = || {
            asked = self.registry.find_schema(id);
            asked.as_ref().ok().cloned().flatten().ok_or_else(String::new)
        };
        let names = self.frames.numbers(Some(id), text, body);
        asked?;
        if names.is_err() {
            self.unknown.insert(id);
        }
        Ok(names.ok())
    }
}
