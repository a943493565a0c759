//! Whether the schemas of a subject may follow each other, judged as Java's Avro does.
//!
//! apache-avro has a judge too, but it knows no aliases of records, enums and fixed, follows no named
//! references between differing places, compares the scales of decimals, and says neither where nor every
//! fault. Two judges could disagree, so this one is the only one; `tests/tests/evolution.rs` holds it
//! against Java's.
//!
//! What is allowed here is what Java reads. apache-avro, which resolves other writers' schemas for us, reads
//! less: no renamed fields (it ignores aliases), and no logical type as another type.

mod judge;
mod level;
mod names;
mod reason;

pub use judge::incompatibilities;
pub use level::{Compatibility, Conflict, Direction, UnknownLevel};
pub use reason::{Incompatibility, Kind};

#[cfg(test)]
mod tests;
