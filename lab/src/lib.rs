//! Everything that starts, serves, measures or checks the other programs: clusters and the
//! development registry.

pub mod cluster;
mod port;
pub mod registry;
