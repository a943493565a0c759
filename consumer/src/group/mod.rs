//! What the members of a group do, as they tell it, and how far a group is behind.

mod events;
pub mod lag;

pub use events::{TOPIC, Teller};
