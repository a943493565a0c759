use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustyline::ExternalPrinter;

/// Says lines to whoever sits before the run: on standard error, or above the line that is being typed.
#[derive(Clone, Default)]
pub(crate) struct Voice {
    terminal: Arc<OnceLock<Mutex<Box<dyn ExternalPrinter + Send>>>>,
}

impl Voice {
    /// From now on a line is edited on a terminal, and this prints above it.
    pub fn edit_with(&self, printer: impl ExternalPrinter + Send + 'static) {
        // There is one terminal, so a second printer is that of the first.
        let _ = self.terminal.set(Mutex::new(Box::new(printer)));
    }

    /// Says some lines.
    pub fn say(&self, lines: &str) {
        if !self.print(lines) {
            eprintln!("{lines}");
        }
    }

    /// Prints above the line that is being typed, if one is.
    fn print(&self, lines: &str) -> bool {
        self.terminal.get().is_some_and(|printer| {
            let mut printer = printer.lock().unwrap_or_else(PoisonError::into_inner);
            printer.print(format!("{lines}\n")).is_ok()
        })
    }
}

/// Records on a terminal on which a line is edited: they scroll by above it.
pub(crate) struct Screen {
    voice: Voice,
    /// The begin of a row whose end is still to come.
    row: Vec<u8>,
}

impl Screen {
    pub fn new(voice: Voice) -> Self {
        Self { voice, row: Vec::new() }
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.row.extend_from_slice(bytes);
        if let Some(end) = self.row.iter().rposition(|byte| *byte == b'\n') {
            if !self.voice.print(&String::from_utf8_lossy(&self.row[..end])) {
                std::io::stdout().write_all(&self.row[..=end])?;
            }
            self.row.drain(..=end);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().flush()
    }
}
