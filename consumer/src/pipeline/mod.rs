//! From records to what follows from them, with a guarantee: whatever a [`Processor`] makes of readings, their
//! offsets are committed when it has arrived (at least once), or before they are looked at (at most once).

mod flow;
mod tally;
mod windows;

use millrace_schemas::{AnomalyAlert, SensorReading, WindowStats};

pub use flow::{Flow, Parts};
pub use tally::{State, Tally};
pub use windows::WindowTopics;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

/// What follows from a reading.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Text for standard output, with its line ends.
    Text(String),
    /// An alert for the topic of alerts, if there is one.
    Alert(Box<AnomalyAlert>),
    /// A closed window of a machine of the reading's partition, for the topic of such.
    Metrics(Box<WindowStats>),
    /// The reading came when its windows were closed; its record goes aside.
    Late,
}

/// What is done with readings. Its state belongs to partitions and goes with them.
pub trait Processor {
    /// Takes in a reading and adds what follows from it.
    fn take(&mut self, at: Place, reading: &SensorReading<'_>, out: &mut Vec<Output>);

    /// Lets go of all that belongs to a partition, which is read by others now.
    fn drop_partition(&mut self, partition: i32);

    /// What the screen shows now and then, if anything.
    fn show(&mut self, state: &State) -> Option<String>;
}
