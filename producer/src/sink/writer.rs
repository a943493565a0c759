use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use millrace_core::{Error, Result};

use super::{Digest, Sink};
use crate::batch::{Batch, LaneOf};

/// Writes rows to the console or a file.
pub struct WriterSink {
    output: Box<dyn Write>,
    name: String,
    written: u64,
    reader_gone: bool,
}

impl WriterSink {
    /// Rows on standard output, under a header if there is one.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn console(header: Option<&str>) -> Result<Self> {
        // Flushed after each batch, so whoever follows sees it at once.
        let output = Box::new(std::io::stdout().lock());
        Self { output, name: "standard output".into(), written: 0, reader_gone: false }.begun(header)
    }

    /// Rows on something else that stands for the console.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub fn screen(output: impl Write + 'static, header: Option<&str>) -> Result<Self> {
        let output = Box::new(output);
        Self { output, name: "the terminal".into(), written: 0, reader_gone: false }.begun(header)
    }

    /// Rows in a file, over what is there, or behind it with `append`.
    ///
    /// # Errors
    /// When the file cannot be opened or written to.
    pub fn file(path: &Path, append: bool, header: Option<&str>) -> Result<Self> {
        let name = path.display().to_string();
        let refuse = |e: std::io::Error| Error::failed(format!("{name} cannot be written: {e}"));
        let mut options = File::options();
        options.create(true).write(true).append(append).truncate(!append);
        let file = options.open(path).map_err(refuse)?;
        let is_empty = file.metadata().map_err(refuse)?.len() == 0;
        let sink = Self { output: Box::new(file), name, written: 0, reader_gone: false };
        sink.begun(header.filter(|_| is_empty))
    }

    /// Rows in a file, over what is there, hashed on their way.
    ///
    /// # Errors
    /// When the file cannot be opened or written to.
    pub fn hashed_file(path: &Path, header: Option<&str>, digest: &Digest) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::create(path).map_err(|e| Error::failed(format!("{name} cannot be written: {e}")))?;
        Self { output: Box::new(digest.of(file)), name, written: 0, reader_gone: false }.begun(header)
    }

    fn begun(mut self, header: Option<&str>) -> Result<Self> {
        if let Some(header) = header {
            self.write(format!("{header}\n").as_bytes())?;
        }
        Ok(self)
    }

    /// Writes the rows of one lane.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn write_lane(&mut self, batch: &Batch, lane: LaneOf) -> Result<()> {
        match batch.parts.as_slice() {
            [part] => self.write(&lane(part).bytes),
            _ => self.write(&batch.slices(lane).collect::<Vec<_>>().concat()),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self.output.write_all(bytes).and_then(|()| self.output.flush()) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == ErrorKind::BrokenPipe => {
                self.reader_gone = true;
                Ok(())
            }
            Err(e) => Err(Error::failed(format!("{} cannot be written: {e}", self.name))),
        }
    }
}

impl Sink for WriterSink {
    fn send(&mut self, batch: &Batch) -> Result<()> {
        self.write_lane(batch, |part| &part.readings)?;
        self.written += batch.records();
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.reader_gone
    }

    fn acknowledged(&self) -> u64 {
        self.written
    }

    fn failed(&self) -> u64 {
        0
    }

    fn close(&mut self) -> Result<()> {
        Ok(())
    }
}
