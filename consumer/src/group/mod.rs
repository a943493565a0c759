//! What the members of a group do, as they tell it.

mod events;

pub use events::{TOPIC, Teller};
