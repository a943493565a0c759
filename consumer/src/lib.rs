//! The consumer: statistics over readings while they pass.

pub mod window;
