use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use millrace_core::{Error, Result};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

/// What is known about the cluster that runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// The process that runs it; ending that process ends the cluster.
    pub pid: i32,
    /// What it is, in one line.
    pub description: String,
    /// What people have to be told about it.
    pub banner: Option<String>,
    /// What clients take as `bootstrap.servers`.
    pub bootstrap_server: String,
    /// How many brokers it has; 0 where that is not known.
    pub brokers: usize,
    /// Where the registry answers, if there is one.
    pub registry_url: Option<String>,
    /// Since when, in RFC 3339.
    pub since: String,
}

/// The right to run the one standing cluster of this user, held as a lock on its state file. The system
/// lets go of it when the process ends in whatever way.
pub(super) struct Claim {
    file: Flock<File>,
    path: PathBuf,
}

impl Claim {
    /// Takes the right, unless another process has it.
    pub fn take() -> Result<Self> {
        let path = path()?;
        match Flock::lock(open(&path)?, FlockArg::LockExclusiveNonblock) {
            Ok(file) => Ok(Self { file, path }),
            Err(_) => Err(Error::failed(
                "a cluster of `lab cluster start` runs already; `lab cluster status` shows it, `lab cluster stop` ends it",
            )),
        }
    }

    /// Tells other commands what runs.
    pub fn publish(&mut self, state: &State) -> Result<()> {
        let text = serde_json::to_string_pretty(state).map_err(|e| cannot(&self.path, &e.to_string()))?;
        let written = self.file.rewind().and_then(|()| self.file.set_len(0));
        let written = written.and_then(|()| self.file.write_all(text.as_bytes()));
        written.map_err(|e| cannot(&self.path, &e.to_string()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // What stays behind is an empty file; a removed one could be locked by two.
        let _ = self.file.set_len(0);
    }
}

/// What runs now; `None` where nothing does, or does not yet answer.
pub(super) fn current() -> Result<Option<State>> {
    let path = path()?;
    if !path.exists() || Flock::lock(open(&path)?, FlockArg::LockExclusiveNonblock).is_ok() {
        return Ok(None);
    }
    let mut text = String::new();
    open(&path)?.read_to_string(&mut text).map_err(|e| cannot(&path, &e.to_string()))?;
    // Until the cluster answers the file is empty.
    Ok(serde_json::from_str(&text).ok())
}

/// Whether no process has the right.
pub(super) fn is_free() -> Result<bool> {
    Ok(Flock::lock(open(&path()?)?, FlockArg::LockExclusiveNonblock).is_ok())
}

/// Where a detached cluster's words go.
pub(super) fn log() -> Result<PathBuf> {
    Ok(path()?.with_extension("log"))
}

fn path() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    let base = base.ok_or_else(|| {
        Error::failed("no place to note the running cluster: neither XDG_STATE_HOME nor HOME is set; set one")
    })?;
    let folder = base.join("millrace");
    std::fs::create_dir_all(&folder).map_err(|e| cannot(&folder, &e.to_string()))?;
    Ok(folder.join("cluster.json"))
}

fn open(path: &Path) -> Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    file.map_err(|e| cannot(path, &e.to_string()))
}

fn cannot(path: &Path, why: &str) -> Error {
    Error::failed(format!(
        "cannot use {}: {why}; set XDG_STATE_HOME to a folder that can be written",
        path.display()
    ))
}
