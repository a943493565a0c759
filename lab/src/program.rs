//! The programs as children: this one binary once more.

use std::process::Command;

use millrace_core::{Error, Result};

/// A command that runs one of the programs, such as `producer`.
///
/// # Errors
/// When the system does not say where this binary is.
pub(crate) fn program(name: &str) -> Result<Command> {
    let path = std::env::current_exe()
        .map_err(|e| Error::failed(format!("the path of this program is unknown: {e}")))?;
    let mut command = Command::new(path);
    command.arg(name);
    Ok(command)
}
