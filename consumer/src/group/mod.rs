//! What the members of a group do, as they tell it, and how far a group is behind.

mod events;
pub mod lag;
pub mod timeline;

use std::io::{ErrorKind, Write};

use millrace_core::{Error, Result};

pub use events::{TOPIC, Teller};

/// Writes to standard output; `false` when its reader closed the pipe (`| head`), having seen what it wanted.
fn print(text: &str) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(Error::failed(format!("standard output cannot be written: {e}"))),
        Ok(()) => Ok(true),
    }
}
