//! The one error type that reaches a user: a sentence and an exit code.

use std::fmt;

/// What went wrong, in one sentence that names the thing, its place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    sentence: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Usage,
    Failed,
}

/// A result whose error is ready to be shown to a user.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Something was said wrongly: a flag, a config file, a value. Exit code 2.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, sentence: sentence.into() }
    }

    /// Something could not be done: network, disk, refused. Exit code 1.
    pub fn failed(sentence: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, sentence: sentence.into() }
    }

    /// The process exit code that goes with this error: 2 (said wrongly) or 1 (could not be done).
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Failed => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Error {}
