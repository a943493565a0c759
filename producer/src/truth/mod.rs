//! What is true of the readings, written apart from them: a record for each, and the plant's episodes.

mod open;
mod scribe;

pub use open::{EPISODES_TOPIC, MAINTENANCE_TOPIC, OpenTruth};
pub use scribe::Scribe;

use crate::settings::TextFormat;

/// How the truth becomes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TruthEncoding {
    /// Confluent frames for three topics, with the ids of their schemas.
    Avro {
        /// Of the truth's.
        truth: u32,
        /// Of the failures'.
        failures: u32,
        /// Of the maintenances'.
        maintenance: u32,
    },
    /// JSON values for three topics.
    Json,
    /// Rows of two files: the truth's, and that of all episodes.
    Rows(TextFormat),
}
