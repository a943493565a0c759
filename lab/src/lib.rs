//! The lab: brings up a cluster, a registry and the other programs, and measures them.
//!
//! [`main`] is the whole program; [`cluster`] and [`registry`] also serve the tests.

pub mod bench;
pub mod cluster;
mod cluster_args;
mod commands;
mod complete;
mod guarantees;
pub mod outage;
mod plant;
mod port;
mod program;
pub mod registry;
pub mod schemas;
mod standing;
mod table;
pub mod topic;
pub mod up;
mod written;

pub use commands::main;
