//! The ground that every Millrace program stands on: config, Kafka clients, the registry client,
//! the command line and shutdown.

pub mod access;
pub mod certificate;
pub mod cli;
pub mod config;
pub mod error;
pub mod http;
pub mod kafka;
pub mod registry;
pub mod secret;
pub mod shutdown;

pub use error::{Error, Result};
