//! What is registered, without any HTTP: schemas by id, and each subject's versions.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde_json::Value;

/// An Avro schema that has been read and found valid.
#[derive(Debug, Clone)]
pub struct AvroSchema {
    text: String,
    parsed: Value,
}

/// Why a text is no Avro schema, in a sentence.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid(pub String);

/// A version asked for: the newest or a numbered one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The subject's newest version.
    Latest,
    /// The version of this number, from 1.
    Number(u32),
}

/// What was asked for and is not there.
#[derive(Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nothing is registered under this subject.
    Subject(String),
    /// The subject has no such version.
    Version(u32),
    /// No schema has this id.
    Id(u32),
    /// The subject does not have this schema.
    Schema,
}

/// A schema in its place under a subject.
#[derive(Debug, PartialEq, Eq)]
pub struct Registered<'a> {
    /// The schema's id, the same under every subject.
    pub id: u32,
    /// The version under this subject, from 1.
    pub version: u32,
    /// The schema as it was first registered.
    pub schema: &'a str,
}

/// Every schema and subject, in memory.
#[derive(Debug, Default)]
pub struct Store {
    /// The schema of id `n` is at `n - 1`.
    texts: Vec<String>,
    ids: HashMap<Value, u32>,
    /// The ids of each subject; version `n` is at `n - 1`.
    subjects: BTreeMap<String, Vec<u32>>,
}

impl AvroSchema {
    /// Reads an Avro schema; the error carries the parser's message.
    pub fn parse(text: String) -> Result<Self, Invalid> {
        let parsed: Value = serde_json::from_str(&text)
            .map_err(|e| Invalid(format!("Invalid schema: it is not JSON: {e}")))?;
        apache_avro::Schema::parse(&parsed)
            .map_err(|e| Invalid(format!("Invalid schema: it is not Avro: {e}")))?;
        Ok(Self { text, parsed })
    }
}

impl Version {
    /// Reads `latest`, `-1` (also the latest) or a number from 1 to 2^31-1.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "latest" | "-1" => Some(Self::Latest),
            _ => text.parse::<i32>().ok().filter(|n| *n > 0).map(|n| Self::Number(n.unsigned_abs())),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject(subject) => write!(f, "Subject '{subject}' not found."),
            Self::Version(version) => write!(f, "Version {version} not found."),
            Self::Id(id) => write!(f, "Schema {id} not found"),
            Self::Schema => f.write_str("Schema not found"),
        }
    }
}

impl Store {
    /// Registers a schema under a subject and returns its id. One that is there already stays as it is.
    pub fn register(&mut self, subject: &str, schema: AvroSchema) -> u32 {
        let id = self.id_for(schema);
        let versions = self.subjects.entry(subject.to_owned()).or_default();
        if !versions.contains(&id) {
            versions.push(id);
        }
        id
    }

    fn id_for(&mut self, schema: AvroSchema) -> u32 {
        let texts = &mut self.texts;
        *self.ids.entry(schema.parsed).or_insert_with(|| {
            texts.push(schema.text);
            number(texts.len())
        })
    }

    /// Finds a schema's place under a subject.
    pub fn look_up(&self, subject: &str, schema: &AvroSchema) -> Result<Registered<'_>, Missing> {
        let versions = self.of_subject(subject)?;
        let id = self.ids.get(&schema.parsed).ok_or(Missing::Schema)?;
        let version = version_of(versions, *id).ok_or(Missing::Schema)?;
        self.place(versions, version).ok_or(Missing::Schema)
    }

    /// Fetches one version of a subject.
    pub fn version(&self, subject: &str, version: Version) -> Result<Registered<'_>, Missing> {
        let versions = self.of_subject(subject)?;
        let wanted = match version {
            Version::Latest => number(versions.len()),
            Version::Number(n) => n,
        };
        self.place(versions, wanted).ok_or(Missing::Version(wanted))
    }

    /// Every subject's name, in order.
    pub fn subjects(&self) -> Vec<&str> {
        self.subjects.keys().map(String::as_str).collect()
    }

    /// The version numbers of a subject, oldest first.
    pub fn versions(&self, subject: &str) -> Result<Vec<u32>, Missing> {
        Ok((1..=number(self.of_subject(subject)?.len())).collect())
    }

    /// The schema of an id.
    pub fn schema(&self, id: u32) -> Result<&str, Missing> {
        self.text(id).ok_or(Missing::Id(id))
    }

    /// Every subject and version that has the schema of an id.
    pub fn places(&self, id: u32) -> Result<Vec<(&str, u32)>, Missing> {
        self.schema(id)?;
        Ok(self
            .subjects
            .iter()
            .filter_map(|(subject, ids)| Some((subject.as_str(), version_of(ids, id)?)))
            .collect())
    }

    fn of_subject(&self, subject: &str) -> Result<&[u32], Missing> {
        self.subjects.get(subject).map(Vec::as_slice).ok_or_else(|| Missing::Subject(subject.to_owned()))
    }

    fn text(&self, id: u32) -> Option<&str> {
        self.texts.get(id.checked_sub(1)? as usize).map(String::as_str)
    }

    fn place(&self, versions: &[u32], version: u32) -> Option<Registered<'_>> {
        let id = *versions.get(version.checked_sub(1)? as usize)?;
        Some(Registered { id, version, schema: self.text(id)? })
    }
}

/// The version at which a subject has an id.
fn version_of(ids: &[u32], id: u32) -> Option<u32> {
    ids.iter().position(|known| *known == id).map(|index| number(index + 1))
}

/// A count as an id or a version; memory ends long before `u32` does.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
