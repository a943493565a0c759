use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use millrace_core::kafka::Kafka;
use millrace_core::{Error, Result};
use rdkafka::message::Message;

use super::topics::existing;
use crate::disorder::Entry;
use crate::settings::Place;

/// A ledger that can be read.
pub(super) enum Source {
    File(PathBuf),
    Topic(Kafka, String),
}

impl Source {
    /// The ledger at a place; the cluster is asked for where it is a topic.
    pub fn of(place: Place, kafka: impl FnOnce() -> Result<Kafka>) -> Result<Self> {
        match place {
            Place::File(path) => Ok(Self::File(path)),
            Place::Topic(topic) => Ok(Self::Topic(kafka()?, topic)),
        }
    }

    /// Shows every entry.
    pub fn read(&self, mut each: impl FnMut(&Entry<'_>) -> Result<()>) -> Result<()> {
        match self {
            Self::File(path) => of_file(path, each),
            Self::Topic(kafka, topic) => existing(kafka, topic)?.each(kafka, |record| {
                let place = || {
                    format!("partition {} offset {} of topic {topic}", record.partition(), record.offset())
                };
                each(&entry(record.payload().unwrap_or_default(), place)?)
            }),
        }
    }
}

fn of_file(path: &Path, mut each: impl FnMut(&Entry<'_>) -> Result<()>) -> Result<()> {
    let name = path.display();
    let refuse = |e: std::io::Error| Error::failed(format!("{name} cannot be read: {e}"));
    let file = BufReader::new(File::open(path).map_err(refuse)?);
    for (index, line) in file.split(b'\n').enumerate() {
        each(&entry(&line.map_err(refuse)?, || format!("line {} of {name}", index + 1))?)?;
    }
    Ok(())
}

fn entry(json: &[u8], place: impl Fn() -> String) -> Result<Entry<'_>> {
    serde_json::from_slice(json).map_err(|e| {
        // The place within the text would read as a second line number.
        let why = e.to_string();
        let why = why.split(" at line ").next().unwrap_or_default();
        Error::failed(format!("{} is no entry of a ledger ({why}); check --ledger", place()))
    })
}
