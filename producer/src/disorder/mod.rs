//! Disorder on purpose: what happens to records between a sensor and the stream in real life, seeded, and
//! with a ledger in which each act keeps the value as it was.
//!
//! A record meets one act at most. What is done to it depends on the seed, its machine and its sequence
//! alone, never on threads, partitions or other machines, and nothing of the plant moves by it: the ledger
//! applied to the disordered data ([`undo`]) gives the run without disorder, byte for byte.

mod corrupt;
mod draw;
mod kind;
mod late;
mod ledger;
mod spec;
mod spike;
mod stage;
mod stuck;
pub mod undo;

pub use kind::Kind;
pub use ledger::Entry;
pub use spec::Disorder;
pub use stage::{Rows, Stage};
