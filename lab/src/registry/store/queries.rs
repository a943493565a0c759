use std::collections::BTreeMap;

use millrace_schemas::compatibility::Compatibility;

use super::{Held, Problem, Store};
use crate::registry::change::Mode;

/// A version asked for: the newest or a numbered one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionAsked {
    /// The subject's newest version that is not deleted.
    Latest,
    /// The version of this number, from 1.
    Number(u32),
}

/// Which versions count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those that are not deleted.
    Live,
    /// Deleted ones too.
    All,
    /// Deleted ones alone.
    Deleted,
}

/// A subject and one of its versions.
#[derive(Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The subject.
    pub subject: &'a str,
    /// The version, from 1.
    pub version: u32,
}

/// A schema in its place.
#[derive(Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Its place.
    pub place: Place<'a>,
    /// Its id.
    pub id: u32,
    /// Its text.
    pub schema: &'a str,
}

impl VersionAsked {
    /// Reads `latest`, `-1` (also the latest) or a number from 1 to 2^31-1.
    ///
    /// # Errors
    /// When the text is nothing of these.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        match text {
            "latest" | "-1" => Ok(Self::Latest),
            _ => {
                let number = text.parse::<i32>().ok().filter(|number| *number > 0);
                let number = number.ok_or_else(|| Problem::InvalidVersion(text.to_owned()))?;
                Ok(Self::Number(number.unsigned_abs()))
            }
        }
    }

    pub(super) fn number(self) -> i64 {
        match self {
            Self::Latest => -1,
            Self::Number(number) => number.into(),
        }
    }
}

impl Scope {
    pub(super) fn takes(self, held: Held) -> bool {
        match self {
            Self::Live => !held.deleted,
            Self::All => true,
            Self::Deleted => held.deleted,
        }
    }
}

impl Store {
    /// The names of the subjects that begin with `prefix`, in order. Under [`Scope::Deleted`], those that
    /// have no other than deleted versions.
    pub fn subjects(&self, prefix: &str, scope: Scope) -> Vec<&str> {
        let takes = |versions: &BTreeMap<u32, Held>| match scope {
            Scope::Live => versions.values().any(|held| !held.deleted),
            Scope::All => true,
            Scope::Deleted => versions.values().all(|held| held.deleted),
        };
        let named = self.subjects.iter().filter(|(name, _)| name.starts_with(prefix));
        named.filter(|(_, versions)| takes(versions)).map(|(name, _)| name.as_str()).collect()
    }

    /// The version numbers of a subject, oldest first.
    ///
    /// # Errors
    /// When the subject is not there.
    pub fn versions(&self, subject: &str, scope: Scope) -> Result<Vec<u32>, Problem> {
        // Deleted ones alone: the subject need not be deleted itself.
        let versions =
            self.of_subject(subject, if scope == Scope::Live { Scope::Live } else { Scope::All })?;
        Ok(versions.iter().filter(|(_, held)| scope.takes(**held)).map(|(version, _)| *version).collect())
    }

    /// One version of a subject.
    ///
    /// # Errors
    /// When the subject or the version is not there.
    pub fn version(&self, subject: &str, asked: VersionAsked, scope: Scope) -> Result<Listed<'_>, Problem> {
        let missing = || Problem::Version(asked.number());
        let (name, versions) =
            self.subjects.get_key_value(subject).ok_or_else(|| Problem::Subject(subject.to_owned()))?;
        self.of_subject(subject, scope)?;
        let found = match asked {
            VersionAsked::Latest => versions.iter().rev().find(|(_, held)| !held.deleted),
            VersionAsked::Number(number) => versions.get_key_value(&number),
        };
        let (version, held) = found.filter(|(_, held)| scope.takes(**held)).ok_or_else(missing)?;
        self.listed(name, *version, *held).ok_or_else(missing)
    }

    /// The place of a schema, by its canonical form, under a subject; the newest if there are several.
    ///
    /// # Errors
    /// When the subject is not there, or has no such schema.
    pub fn look_up(&self, subject: &str, canonical: &str, scope: Scope) -> Result<Listed<'_>, Problem> {
        let versions = self.of_subject(subject, scope)?;
        let id = *self.ids.get(canonical).ok_or(Problem::Schema)?;
        let has_it = |(_, held): &(&u32, &Held)| held.id == id && scope.takes(**held);
        let (version, _) = versions.iter().rev().find(has_it).ok_or(Problem::Schema)?;
        self.version(subject, VersionAsked::Number(*version), scope)
    }

    /// The text of a schema; that of a deleted version too, since records may still carry its id.
    ///
    /// # Errors
    /// When no schema has the id.
    pub fn schema(&self, id: u32) -> Result<&str, Problem> {
        self.schemas.get(&id).map(super::AvroSchema::text).ok_or(Problem::Id(id))
    }

    /// Every place that has the schema of an id.
    ///
    /// # Errors
    /// When no schema has the id.
    pub fn places(&self, id: u32, scope: Scope) -> Result<Vec<Place<'_>>, Problem> {
        self.schema(id)?;
        Ok(self.all(scope).filter(|listed| listed.id == id).map(|listed| listed.place).collect())
    }

    /// Every version of every subject, in order.
    pub fn all(&self, scope: Scope) -> impl Iterator<Item = Listed<'_>> {
        self.subjects.iter().flat_map(move |(subject, versions)| {
            let taken = versions.iter().filter(move |(_, held)| scope.takes(**held));
            taken.filter_map(move |(version, held)| self.listed(subject, *version, *held))
        })
    }

    /// The highest id given so far; 0 before the first.
    pub fn last_id(&self) -> u32 {
        self.last_id
    }

    /// The level that is set for a subject, or globally.
    pub fn own_level(&self, subject: Option<&str>) -> Option<Compatibility> {
        self.levels.get(&subject.map(str::to_owned)).copied()
    }

    /// The level that holds for a subject.
    pub fn level(&self, subject: Option<&str>) -> Compatibility {
        self.own_level(subject).or_else(|| self.own_level(None)).unwrap_or_default()
    }

    /// The mode that is set for a subject, or globally.
    pub fn own_mode(&self, subject: Option<&str>) -> Option<Mode> {
        self.modes.get(&subject.map(str::to_owned)).copied()
    }

    /// The mode that holds for a subject.
    pub fn mode(&self, subject: Option<&str>) -> Mode {
        let global = self.own_mode(None).unwrap_or_default();
        match global {
            Mode::ReadonlyOverride => global,
            _ => self.own_mode(subject).unwrap_or(global),
        }
    }

    pub(super) fn of_subject(&self, subject: &str, scope: Scope) -> Result<&BTreeMap<u32, Held>, Problem> {
        let versions = self.subjects.get(subject);
        let there = versions.filter(|versions| versions.values().any(|held| scope.takes(*held)));
        there.ok_or_else(|| Problem::Subject(subject.to_owned()))
    }

    fn listed<'a>(&'a self, subject: &'a str, version: u32, held: Held) -> Option<Listed<'a>> {
        let schema = self.schemas.get(&held.id)?.text();
        Some(Listed { place: Place { subject, version }, id: held.id, schema })
    }
}
