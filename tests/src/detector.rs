use std::ffi::OsString;

use millrace_consumer::pipeline::Tally;
use millrace_core::registry::RegistryClient;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_detector::stream::Stream;
use millrace_schemas::AnomalyAlert;
use millrace_schemas::codec::{RecordCodec, read_frame};
use millrace_schemas::subject::ANOMALY_ALERT;

use crate::{Lab, topic};

/// Runs the detector over a topic to its end, in this process, with nothing shown.
///
/// # Errors
/// What the detector itself would end with.
pub fn detect(flags: &[impl AsRef<str>]) -> Result<Tally> {
    let flags = flags.iter().map(|flag| OsString::from(flag.as_ref()));
    let args = ["detector", "--input", "kafka", "--quiet"].map(OsString::from).into_iter().chain(flags);
    let stream = Stream::read(args)?.ok_or_else(|| Error::usage("these flags only ask for help"))?;
    stream.silent().run(&Shutdown::new())
}

/// The alerts in a topic, partition by partition in order of arrival.
///
/// # Errors
/// When the topic cannot be read, or a record in it is no alert of its machine and time.
pub fn alerts(lab: &Lab, topic: &str) -> Result<Vec<AnomalyAlert>> {
    let registry = RegistryClient::new(&lab.registry_url())?;
    let unreadable = |why: String| Error::failed(format!("topic {topic}: {why}"));
    let codec = RecordCodec::new(ANOMALY_ALERT).map_err(|e| unreadable(e.to_string()))?;
    let mut all = Vec::new();
    for record in topic::records(&lab.kafka(), topic)? {
        let (id, body) = read_frame(&record.value).map_err(|e| unreadable(e.to_string()))?;
        let alert: AnomalyAlert =
            codec.decode(&registry.schema(id)?, body).map_err(|e| unreadable(e.to_string()))?;
        if (&record.key, record.timestamp) != (&alert.machine_id, Some(alert.timestamp)) {
            return Err(unreadable(format!("{record:?} is not of its alert's machine and time")));
        }
        all.push(alert);
    }
    Ok(all)
}
