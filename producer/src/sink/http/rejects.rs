use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use millrace_core::{Error, Result};
use serde_json::json;

use super::request::Request;

/// The file of what was given up, one JSON object a request; written at once, so a killed run keeps it.
pub(super) struct Rejects {
    file: Option<(Mutex<File>, PathBuf)>,
}

impl Rejects {
    /// Begins the file, over what is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let file = path.map(|path| match File::create(path) {
            Ok(file) => Ok((Mutex::new(file), path.to_owned())),
            Err(e) => Err(refused(path, &e)),
        });
        Ok(Self { file: file.transpose()? })
    }

    /// Adds a request that was given up.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn add(&self, request: &Request, given_up: &GivenUp) -> Result<()> {
        let Some((file, path)) = &self.file else { return Ok(()) };
        let GivenUp { cause, status, attempts } = given_up;
        let head = json!({ "cause": cause, "status": status, "attempts": attempts }).to_string();
        // The readings are already JSON, and stay as they were sent.
        let mut line = head.trim_end_matches('}').as_bytes().to_vec();
        line.extend_from_slice(b",\"readings\":");
        line.extend_from_slice(&request.array());
        line.extend_from_slice(b"}\n");
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).map_err(|e| refused(path, &e))
    }
}

/// Why a request is not tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GivenUp {
    /// What went wrong the last time, as in `answered 404 Not Found`.
    pub cause: String,
    /// The answer's status; `None` = there was no answer.
    pub status: Option<u16>,
    /// How often it was tried.
    pub attempts: u32,
}

fn refused(path: &Path, e: &std::io::Error) -> Error {
    Error::failed(format!("rejects file {} cannot be written: {e}", path.display()))
}
