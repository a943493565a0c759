//! The lab: brings up a cluster, a registry and the other programs, and measures them.
//!
//! [`main`] is the whole program; [`cluster`] and [`registry`] also serve the tests.

pub mod bench;
pub mod cluster;
mod commands;
mod port;
pub mod registry;
pub mod schemas;
pub mod up;

pub use commands::main;
