//! A command line run by a shell, as someone types it and ends it with Ctrl-C.

use std::fs::File;
use std::io::Result;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long a program may take to end after Ctrl-C.
const GRACE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// What shells report of a program that a second Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// How a line ended.
pub struct Ended {
    status: ExitStatus,
    interrupted: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn is_good(&self) -> bool {
        self.status.success() || (self.interrupted && self.status.code() == Some(INTERRUPTED))
    }

    /// The status and the last lines of what it said.
    pub fn account(&self) -> String {
        let said: Vec<&str> = self.stderr.lines().rev().take(4).collect();
        let after = if self.interrupted { " after Ctrl-C" } else { "" };
        let lines: Vec<&str> = said.into_iter().rev().collect();
        format!("{}{after}: {}", self.status, lines.join("\n    "))
    }
}

/// A line that runs in a process group of its own; Ctrl-C is pressed when the value goes.
pub struct Line {
    child: Child,
    stdout: File,
    stderr: File,
}

impl Line {
    /// Starts it. What it says goes to files, so that it never waits for a reader.
    pub fn start(mut command: Command) -> Result<Self> {
        let (stdout, stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
        Ok(Self { child: command.process_group(0).spawn()?, stdout, stderr })
    }

    /// Waits for its end; after `patience` Ctrl-C is pressed.
    pub fn end(mut self, patience: Duration) -> Result<Ended> {
        let ended = self.wait(patience)?;
        let interrupted = ended.is_none();
        let status = match ended {
            Some(status) => status,
            None => self.interrupt()?,
        };
        Ok(Ended { status, interrupted, stdout: all(&self.stdout)?, stderr: all(&self.stderr)? })
    }

    /// What it has said so far, but for readings.
    pub fn said(&self) -> Result<String> {
        all(&self.stderr)
    }

    /// Waits until it has said `word`, has ended, or `patience` is over.
    pub fn wait_for(&mut self, word: &str, patience: Duration) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < patience && self.child.try_wait()?.is_none() {
            if self.said()?.contains(word) || all(&self.stdout)?.contains(word) {
                break;
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
        Ok(())
    }

    fn interrupt(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::SIGINT);
        if let Some(status) = self.wait(GRACE)? {
            return Ok(status);
        }
        self.signal(Signal::SIGKILL);
        self.child.wait()
    }

    fn wait(&mut self, patience: Duration) -> Result<Option<ExitStatus>> {
        let began = Instant::now();
        loop {
            let status = self.child.try_wait()?;
            if status.is_some() || began.elapsed() > patience {
                return Ok(status);
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Everyone in the group gets it; that nobody is left is no fault.
    fn signal(&self, signal: Signal) {
        let _ = killpg(Pid::from_raw(self.child.id().cast_signed()), signal);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.interrupt();
        }
    }
}

/// What is in a file now; the position, which its writer shares, stays where it is.
fn all(file: &File) -> Result<String> {
    let mut bytes = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or_default()];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
