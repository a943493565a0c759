//! What a group remembers of each machine, so that whoever gets a partition goes on as if nothing had happened.
//!
//! Now and then a checkpoint is made of a partition: a [`Snapshot`] of each machine that has changed goes to the
//! topic `<group>.state`, and every commit from then on carries a [`Mark`] that says from which offset the input
//! must be taken again on top of these snapshots. What follows from records before the committed offset was
//! given out already and is not given out again.

mod machines;
mod mark;
mod snapshot;
mod store;

pub use machines::{Known, Machines};
pub use mark::Mark;
pub use snapshot::Snapshot;
pub use store::{Begin, Restored, Store};

/// The topic in which a group keeps its state.
pub fn topic(group: &str) -> String {
    format!("{group}.state")
}
