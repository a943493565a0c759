use serde::{Deserialize, Serialize};

/// The kinds of disorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Written after later records.
    Late,
    /// Written twice.
    Duplicate,
    /// Not written.
    Drop,
    /// One sensor, or all, go on showing what they showed last.
    Stuck,
    /// One sensor shows a value far outside its range.
    Spike,
    /// The value's bytes are no reading.
    Corrupt,
    /// The machine's clock is wrong.
    Skew,
    /// One sensor is missing.
    Null,
}

impl Kind {
    /// All of them, in the order of the guide to `--disorder`.
    pub const ALL: [Self; 8] = [
        Self::Late,
        Self::Duplicate,
        Self::Drop,
        Self::Stuck,
        Self::Spike,
        Self::Corrupt,
        Self::Skew,
        Self::Null,
    ];

    /// Its name in `--disorder` and in the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Duplicate => "duplicate",
            Self::Drop => "drop",
            Self::Stuck => "stuck",
            Self::Spike => "spike",
            Self::Corrupt => "corrupt",
            Self::Skew => "skew",
            Self::Null => "null",
        }
    }
}
