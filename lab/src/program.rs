//! The programs as children: this one binary once more.

use std::path::PathBuf;
use std::process::Command;

use millrace_core::{Error, Result};

/// A command that runs one of the programs, such as `producer`.
///
/// # Errors
/// When the system does not say where this binary is.
pub(crate) fn program(name: &str) -> Result<Command> {
    let mut command = Command::new(this()?);
    command.arg(name);
    Ok(command)
}

/// A command that runs another binary, which is built with this one and lies beside it.
///
/// # Errors
/// When it does not.
pub(crate) fn beside(name: &str) -> Result<Command> {
    let path = this()?.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() {
        return Ok(Command::new(path));
    }
    Err(Error::failed(format!(
        "there is no `{}`: `cargo build --release -p millrace-lab --bins` builds it with `lab`",
        path.display()
    )))
}

fn this() -> Result<PathBuf> {
    std::env::current_exe().map_err(|e| Error::failed(format!("the path of this program is unknown: {e}")))
}
