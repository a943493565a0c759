//! What is registered, without HTTP and without Kafka.
//!
//! The store changes only by [`apply`](Store::apply). Operations (`operations.rs`) look at it and say which
//! changes they come to, so that these can be written to the log first; reading the log back and applying
//! it gives the same store.

mod operations;
mod queries;

use std::collections::{BTreeMap, HashMap};

use millrace_schemas::compatibility::Compatibility;

use super::change::{Change, Mode, Version};
use super::problem::Problem;
use super::schema::AvroSchema;

pub use operations::Planned;
pub use queries::{Listed, Place, Scope, VersionAsked};

/// Every schema, subject and setting.
#[derive(Debug, Default, PartialEq)]
pub struct Store {
    schemas: BTreeMap<u32, AvroSchema>,
    /// The id of each schema that is held, by its canonical form.
    ids: HashMap<String, u32>,
    subjects: BTreeMap<String, BTreeMap<u32, Held>>,
    /// The levels that are set; `None` is the global one.
    levels: BTreeMap<Option<String>, Compatibility>,
    /// The modes that are set; `None` is the global one.
    modes: BTreeMap<Option<String>, Mode>,
    last_id: u32,
}

/// What a version of a subject holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    id: u32,
    deleted: bool,
}

impl Store {
    /// Makes a change that was planned here or read from the log.
    ///
    /// # Errors
    /// When the schema of a version is not Avro.
    pub fn apply(&mut self, change: Change) -> Result<(), Problem> {
        match change {
            Change::Put(version) => self.put(version)?,
            Change::Forget(subject, version) => self.forget(&subject, version),
            Change::Level(subject, level) => set(&mut self.levels, subject, level),
            Change::Mode(subject, mode) => set(&mut self.modes, subject, mode),
            Change::LastId(id) => self.last_id = self.last_id.max(id),
        }
        Ok(())
    }

    fn put(&mut self, put: Version) -> Result<(), Problem> {
        if !self.schemas.contains_key(&put.id) {
            let schema = AvroSchema::parse(put.schema)?;
            self.ids.insert(schema.canonical().to_owned(), put.id);
            self.schemas.insert(put.id, schema);
        }
        self.last_id = self.last_id.max(put.id);
        let held = Held { id: put.id, deleted: put.deleted };
        self.subjects.entry(put.subject).or_default().insert(put.version, held);
        Ok(())
    }

    fn forget(&mut self, subject: &str, version: u32) {
        let Some(versions) = self.subjects.get_mut(subject) else { return };
        let Some(held) = versions.remove(&version) else { return };
        if versions.is_empty() {
            self.subjects.remove(subject);
        }
        let is_used = self.subjects.values().flat_map(BTreeMap::values).any(|other| other.id == held.id);
        if !is_used && let Some(schema) = self.schemas.remove(&held.id) {
            self.ids.remove(schema.canonical());
        }
    }
}

fn set<T>(settings: &mut BTreeMap<Option<String>, T>, subject: Option<String>, value: Option<T>) {
    match value {
        Some(value) => settings.insert(subject, value),
        None => settings.remove(&subject),
    };
}

#[cfg(test)]
mod tests;
