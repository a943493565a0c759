use millrace_consumer::settings::Settings;
use std::collections::BTreeSet;

use millrace_core::Result;
use millrace_core::kafka::Span;
use millrace_core::registry::RegistryClient;
use millrace_schemas::codec::read_frame;
use rdkafka::message::Message;

use crate::avro::Frames;
use crate::input::sensors;

/// So many offsets at the end of each partition are looked at: the last ones may be markers, or no records.
const LOOKED_AT: i64 = 100;

/// The columns of numbers of what lies in the topic: all that the newest records of its partitions have, and our
/// plant's where they have all seven of them; None where there is no such record yet.
///
/// # Errors
/// When the cluster or the registry does not answer.
pub(super) fn of_topic(settings: &Settings) -> Result<Option<Vec<String>>> {
    let mut look = Looking {
        registry: settings.registry.client()?,
        frames: Frames::default(),
        unknown: BTreeSet::new(),
    };
    let mut all: Vec<String> = Vec::new();
    Span::of(&settings.kafka, &settings.topic)?.tail(LOOKED_AT).each(&settings.kafka, |record| {
        // What cannot be read says nothing of the others.
        for name in look.numbers(record.payload().unwrap_or_default())?.unwrap_or_default() {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        Ok(())
    })?;
    Ok(Some(sensors(all.iter())).filter(|names| !names.is_empty()))
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
