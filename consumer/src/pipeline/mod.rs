//! From records to what follows from them, with a guarantee: whatever a [`Processor`] makes of readings, their
//! offsets are committed when it has arrived (at least once), with it in one transaction (exactly once), or before
//! they are looked at (at most once). The processor's state goes where its partitions go.

mod at_most_once;
mod batch;
mod commit;
mod deliver;
mod flow;
mod format;
mod keeper;
mod mischief;
mod points;
mod pulse;
mod take_over;
mod tally;
mod transactor;
mod windows;

use millrace_schemas::{AnomalyAlert, SensorReading, WindowStats};

use crate::source::{Raw, Reject};
use crate::state::Restored;

pub use flow::{Flow, Parts};
pub use format::Format;
pub use mischief::{Crash, Hang, Mischief, Misdeeds, Point, Poison, time_of};
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
    /// The reading came too late; its record goes aside, where there is a topic for such.
    Late,
}

/// The state of a partition, as far as it has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Machines that have changed, each with its state.
    pub machines: Vec<(String, Vec<u8>)>,
    /// What belongs to the partition itself; it goes into the commit's metadata, so some hundred bytes at most.
    pub partition: String,
}

/// What is done with readings. Its state belongs to partitions and goes with them.
pub trait Processor {
    /// Takes in a reading and adds what follows from it.
    fn take(&mut self, at: Place, reading: &SensorReading<'_>, out: &mut Vec<Output>);

    /// Whether records hold something else than readings of our plant, and are [taken in](Self::take_raw) unread.
    fn reads_itself(&self) -> bool {
        false
    }

    /// Takes in a record of which nothing was read and adds what follows from it.
    ///
    /// # Errors
    /// Why nothing can be made of it.
    fn take_raw(&mut self, at: Place, raw: &Raw<'_>, out: &mut Vec<Output>) -> Result<(), Reject> {
        let _ = (at, raw, out);
        Ok(())
    }

    /// Words for all that shapes its state; state under other words is not taken over.
    fn version(&self) -> String;

    /// What has changed in a partition since the last checkpoint.
    fn checkpoint(&mut self, partition: i32) -> Checkpoint;

    /// Takes over a partition's state. Records behind its checkpoint follow, those that it takes account of
    /// among them; the state must come out as if they had been taken once.
    ///
    /// # Errors
    /// A clause about what cannot be read.
    fn restore(&mut self, restored: &Restored) -> Result<(), String>;

    /// How many readings a partition's state holds, or costs as much as to write down.
    fn readings(&self, partition: i32) -> u64;

    /// Lets go of all that belongs to a partition, which is read by others now.
    fn drop_partition(&mut self, partition: i32);

    /// What the screen shows now and then, if anything.
    fn show(&mut self, state: &State) -> Option<String>;
}
