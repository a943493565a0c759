//! Statistics over the newest readings of a machine, by event time.
//!
//! What a window holds follows from the set of its readings alone, not from the order in which they came:
//! with a span of time, those less than the span older than the machine's newest reading; with a number, so
//! many of the newest values of each sensor. Only a leap of more than a day has to be borne out by the readings
//! behind it. Windows that close are in [`closing`].

pub mod closing;
mod extremes;
mod moments;
mod packed;
mod row;
mod saved;
mod sliding;
mod span;
mod sums;
#[cfg(test)]
mod tests;

pub use closing::{Closing, MachineWindows, PartitionWindows};
pub use sliding::{Sliding, Spread, Stats};
pub use span::{MOST_SAMPLES, Span, time_span};

/// A window over the seven sensors of a machine. It takes at most 1 KiB, its readings apart.
pub type MachineWindow = Sliding<{ millrace_schemas::reading::SENSORS }>;
