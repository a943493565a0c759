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

/// The columns of numbers of what lies in the topic, by the newest record of a partition that has any; None where
/// there is no such record yet.
///
/// # Errors
/// When the cluster or the registry does not answer.
pub(super) fn of_topic(settings: &Settings) -> Result<Option<Vec<String>>> {
    let registry = settings.registry.client()?;
    let mut frames = Frames::default();
    let mut found = None;
    Span::of(&settings.kafka, &settings.topic)?.tail(LOOKED_AT).each(&settings.kafka, |record| {
        if let Some(names) = numbers(&mut frames, &registry, record.payload().unwrap_or_default())? {
            found = Some(names);
        }
        Ok(())
    })?;
    Ok(found)
}

fn numbers(frames: &mut Frames, registry: &RegistryClient, value: &[u8]) -> Result<Option<Vec<String>>> {
    let names = if value.first() == Some(&b'{') {
        frames.numbers(None, || Ok(String::new()), value)
    } else {
        let Ok((id, body)) = read_frame(value) else { return Ok(None) };
        let Some(text) = registry.find_schema(id)? else { return Ok(None) };
        frames.numbers(Some(id), || Ok(text), body)
    };
    // What cannot be read says nothing of the others.
    Ok(names.ok().map(|names| sensors(names.iter())).filter(|names| !names.is_empty()))
}
