use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use millrace_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::Sink;
use super::digest::Digest;
use crate::batch::Batch;
use crate::report::rfc3339;
use crate::resume::options_of_plant;
use crate::settings::Settings;

/// A file's sink that says beside the file, when it is complete, what is in it and how it was made.
pub struct Described {
    sink: Box<dyn Sink>,
    digest: Digest,
    sidecar: PathBuf,
    about: Map<String, Value>,
    /// First and last event time.
    span: Option<(i64, i64)>,
}

impl Described {
    /// Describes what `sink` writes to the file at `path`, whose bytes go through `digest`.
    ///
    /// # Errors
    /// When an earlier description, which is wrong from now on, cannot be removed.
    pub fn new(
        settings: &Settings,
        path: &Path,
        format: &str,
        digest: Digest,
        sink: Box<dyn Sink>,
    ) -> Result<Self> {
        let sidecar = Self::forget(path)?;
        let about = about(settings, path, format);
        Ok(Self { sink, digest, sidecar, about, span: None })
    }

    /// Removes what an earlier run said about the file at `path`, and gives the name under which it did.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget(path: &Path) -> Result<PathBuf> {
        let sidecar = PathBuf::from(format!("{}.meta.json", path.display()));
        match std::fs::remove_file(&sidecar) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                Err(Error::failed(format!("{} cannot be removed: {e}", sidecar.display())))
            }
            _ => Ok(sidecar),
        }
    }

    fn write(&mut self) -> std::io::Result<()> {
        let time = |pick: fn((i64, i64)) -> i64| self.span.map(pick).map(rfc3339);
        let found = [
            ("rows", json!(self.sink.acknowledged())),
            ("first_timestamp", json!(time(|span| span.0))),
            ("last_timestamp", json!(time(|span| span.1))),
            ("sha256", json!(self.digest.hex())),
        ];
        self.about.extend(found.map(|(key, value)| (key.to_owned(), value)));
        let text = serde_json::to_string_pretty(&self.about)?;
        std::fs::write(&self.sidecar, text + "\n")
    }
}

/// What is known of a file before it is written.
fn about(settings: &Settings, path: &Path, format: &str) -> Map<String, Value> {
    let mut options = options_of_plant(settings);
    // A long list is told by its hash there; here it is needed to make the file once more.
    let machines = match options.remove("machines") {
        Some(Value::Number(count)) => Value::Number(count),
        _ => json!(settings.machines),
    };
    let known = [
        ("file", path.file_name().unwrap_or_default().to_string_lossy().into()),
        ("format", format.into()),
        ("version", concat!("millrace ", env!("CARGO_PKG_VERSION")).into()),
        ("seed", settings.seed.into()),
        ("start", rfc3339(settings.clock.start).into()),
        ("rate", settings.clock.rate.into()),
        ("machines", machines),
        ("options", json!(options)),
    ];
    // What is said on the keyboard is in none of the options.
    let steered = settings.interactive.then(|| ("steered".to_owned(), json!(true)));
    let known = known.map(|(key, value): (&str, Value)| (key.to_owned(), value));
    known.into_iter().chain(steered).collect()
}

impl Sink for Described {
    fn send(&mut self, batch: &Batch) -> Result<()> {
        self.sink.send(batch)?;
        for record in batch.parts.iter().flat_map(|part| &part.readings.records) {
            let (first, last) = self.span.unwrap_or((record.timestamp, record.timestamp));
            self.span = Some((first.min(record.timestamp), last.max(record.timestamp)));
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.sink.is_done()
    }

    fn acknowledged(&self) -> u64 {
        self.sink.acknowledged()
    }

    fn failed(&self) -> u64 {
        self.sink.failed()
    }

    fn close(&mut self) -> Result<()> {
        self.sink.close()?;
        self.write().map_err(|e| Error::failed(format!("{} cannot be written: {e}", self.sidecar.display())))
    }
}
