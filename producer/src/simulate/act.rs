//! What can be done to a machine while it is simulated.

use super::failure::FailureKind;

/// Why something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The plant's own chance.
    Automatic,
    /// A scenario file.
    Scenario,
    /// A control command.
    Command,
}

impl Cause {
    /// The name in episodes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Scenario => "scenario",
            Self::Command => "command",
        }
    }
}

/// How severe an injected failure is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Course {
    /// It grows to full severity within so many stream hours, in the shape most common for its kind.
    Growing {
        /// Stream hours, above 0 and at most 1000.
        hours: f64,
    },
    /// It has this severity at once and keeps it.
    Fixed {
        /// 0.01 to 1, in steps of 0.01.
        severity: f64,
    },
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Deed {
    /// A failure begins, in place of one in progress; on a stopped machine it begins with the restart.
    Inject {
        /// Which one.
        kind: FailureKind,
        /// How severe it is.
        course: Course,
    },
    /// The failure in progress ends, and its effects fade; one injected for later does not begin.
    Clear,
    /// The machine stops for maintenance, or stays stopped for at least as long.
    Maintain {
        /// Stream minutes, above 0.
        minutes: f64,
    },
}

/// Something that is done to one machine at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Act {
    /// Event time, milliseconds since 1970-01-01T00:00:00Z. It shows in the first sample not before it.
    pub at: i64,
    /// What is done.
    pub deed: Deed,
    /// Why.
    pub cause: Cause,
}
