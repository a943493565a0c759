//! `lab schemas register`: puts a schema under a subject.

use std::path::PathBuf;

use millrace_core::{Error, Result};

use super::source::{self, Registry};

/// The schema and its subject.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The schema
    pub(super) file: PathBuf,
    /// The subject to register it under, such as sensor-data-value
    #[arg(long)]
    pub(super) subject: String,
    #[command(flatten)]
    pub(super) registry: Registry,
}

pub(super) fn run(args: &Args) -> Result<String> {
    let (client, subject) = (args.registry.client()?, &args.subject);
    let id = client.register(subject, &source::read(&args.file)?)?;
    let versions = client.versions(subject)?;
    let version = versions.iter().rev().find(|version| version.id == id);
    let version = version.ok_or_else(|| {
        let gone = format!("registered {subject} as id {id}, but it has no version with this id any more");
        Error::failed(format!("{gone}; look at who deletes it"))
    })?;
    Ok(format!("id {id}, version {} of {subject}\n", version.number))
}
