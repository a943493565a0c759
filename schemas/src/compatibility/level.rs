use std::fmt;
use std::str::FromStr;

use apache_avro::Schema;
use serde::{Deserialize, Serialize};

use super::{Incompatibility, incompatibilities};

/// How new schemas of a subject must relate to earlier ones; the names are Confluent's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Compatibility {
    /// Anything goes.
    None,
    /// The new schema reads what the newest earlier one wrote.
    #[default]
    Backward,
    /// The new schema reads what all earlier ones wrote.
    BackwardTransitive,
    /// The newest earlier schema reads what the new one writes.
    Forward,
    /// All earlier schemas read what the new one writes.
    ForwardTransitive,
    /// Both ways with the newest earlier one.
    Full,
    /// Both ways with all earlier ones.
    FullTransitive,
}

/// Which of two schemas is to read the other's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The new schema reads what an earlier one wrote.
    Backward,
    /// An earlier schema reads what the new one writes.
    Forward,
}

/// A text that names no level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLevel(String);

/// The earlier schema that a new one does not go with, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The index of the earlier schema in the list that was given.
    pub earlier: usize,
    /// Which of the two cannot read the other.
    pub direction: Direction,
    /// Every reason, at least one.
    pub reasons: Vec<Incompatibility>,
}

impl Compatibility {
    /// Every level, from the loosest, each after those it contains.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Backward,
        Self::BackwardTransitive,
        Self::Forward,
        Self::ForwardTransitive,
        Self::Full,
        Self::FullTransitive,
    ];

    /// Whether `new` may follow `earlier` (oldest first) at this level.
    ///
    /// # Errors
    /// When it may not: the newest of the earlier schemas that it does not go with, backward before forward.
    pub fn check(self, new: &Schema, earlier: &[Schema]) -> Result<(), Conflict> {
        let looked_at = if self.is_transitive() { earlier.len() } else { 1 };
        for (index, old) in earlier.iter().enumerate().rev().take(looked_at) {
            for &direction in self.directions() {
                let reasons = direction.judge(new, old);
                if !reasons.is_empty() {
                    return Err(Conflict { earlier: index, direction, reasons });
                }
            }
        }
        Ok(())
    }

    /// Whether all earlier schemas count, not the newest alone.
    pub fn is_transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }

    fn directions(self) -> &'static [Direction] {
        match self {
            Self::None => &[],
            Self::Backward | Self::BackwardTransitive => &[Direction::Backward],
            Self::Forward | Self::ForwardTransitive => &[Direction::Forward],
            Self::Full | Self::FullTransitive => &[Direction::Backward, Direction::Forward],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Self::Forward => "FORWARD",
            Self::ForwardTransitive => "FORWARD_TRANSITIVE",
            Self::Full => "FULL",
            Self::FullTransitive => "FULL_TRANSITIVE",
        }
    }
}

impl Direction {
    fn judge(self, new: &Schema, old: &Schema) -> Vec<Incompatibility> {
        match self {
            Self::Backward => incompatibilities(new, old),
            Self::Forward => incompatibilities(old, new),
        }
    }
}

impl Conflict {
    /// One sentence for each reason, with what to do about it. `version` is what to call the earlier schema.
    pub fn sentences(&self, version: &str) -> Vec<String> {
        let who = match self.direction {
            Direction::Backward => format!("the new schema cannot read what {version} wrote"),
            Direction::Forward => format!("{version} cannot read what the new schema writes"),
        };
        let sentence = |reason: &Incompatibility| {
            format!("{who}: {}; {}", reason.message, reason.remedy(self.direction))
        };
        self.reasons.iter().map(sentence).collect()
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentences("the earlier schema").join("; "))
    }
}

impl std::error::Error for Conflict {}

impl fmt::Display for Compatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Compatibility {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let said = text.trim().replace('-', "_");
        let level = Self::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(&said));
        level.ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Compatibility::ALL.map(Compatibility::name).join(", ");
        write!(f, "`{}` is no compatibility level; use one of {names}", self.0)
    }
}

impl std::error::Error for UnknownLevel {}
