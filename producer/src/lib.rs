//! The producer: a simulated plant into Kafka, a file or the console.

pub mod features;
pub mod simulate;
