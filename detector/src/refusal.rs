//! Why the maths refuses.

use std::fmt;

/// Why something cannot be learnt or judged, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(String);

/// A result of the maths, which knows of no files, flags or exit codes.
pub type Result<T> = std::result::Result<T, Refusal>;

impl Refusal {
    /// A refusal that says this.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}
