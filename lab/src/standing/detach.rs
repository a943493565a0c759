use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

use super::state;

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Starts ourselves once more, in the foreground of nobody, and waits until the cluster answers.
pub(super) fn start() -> Result<()> {
    if !state::is_free()? {
        return Err(Error::failed(
            "a cluster of `lab cluster start` runs already; `lab cluster status` shows it, `lab cluster stop` ends it",
        ));
    }
    let log = state::log()?;
    let mut child = spawn(&log)?;
    let shutdown = Shutdown::on_signals()?;
    loop {
        if let Some(state) = state::current()?.filter(|state| state.pid == child.id().cast_signed()) {
            print!("{}", super::text(&state));
            println!("runs until `lab cluster stop`; what it says goes to {}", log.display());
            return Ok(());
        }
        match child.try_wait() {
            Ok(None) if !shutdown.wait(BETWEEN_LOOKS) => {}
            Ok(None) => return Err(interrupted(&mut child)),
            _ => return Err(Error::failed(last_words(&log))),
        }
    }
}

/// The same command line without `--detach`, in a process group of its own, so that Ctrl-C in this terminal
/// does not reach it.
fn spawn(log: &Path) -> Result<Child> {
    let cannot = |e: std::io::Error| Error::failed(format!("cannot start in the background: {e}"));
    let said = File::create(log).map_err(cannot)?;
    let program = std::env::current_exe().map_err(cannot)?;
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--detach");
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(said.try_clone().map_err(cannot)?)
        .stderr(said)
        .process_group(0)
        .spawn()
        .map_err(cannot)
}

fn interrupted(child: &mut Child) -> Error {
    // Its brokers end with it.
    let _ = child.kill();
    let _ = child.wait();
    Error::failed("interrupted before the cluster was up")
}

/// The reason why it ended, which it gave as its last line.
fn last_words(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it ended without a word");
    line.trim_start_matches("lab: ").to_owned()
}
