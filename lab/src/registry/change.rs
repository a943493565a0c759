//! What can happen to the store, and how it is written into the log.
//!
//! The log is a compacted topic in the manner of Confluent's `_schemas`: the key says what a record is
//! about, the value what holds now, and no value (a tombstone) that it is gone for good.
//!
//! | key | value |
//! |---|---|
//! | `{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}` | `{"subject":"s","version":1,"id":1,"schema":"...","deleted":false}` |
//! | `{"keytype":"CONFIG","subject":"s","magic":0}`, `null` for the global level | `{"compatibilityLevel":"FULL"}` |
//! | `{"keytype":"MODE","subject":"s","magic":0}`, `null` for the global mode | `{"mode":"READONLY"}` |
//! | `{"keytype":"LAST_ID","magic":0}` | `{"id":7}` |
//!
//! Two things differ from Confluent's. A deleted subject is a `SCHEMA` record for each of its versions, so
//! that the order in which compaction leaves keys does not matter. `LAST_ID` is written before schemas are
//! deleted for good: an id is never given again, since records in other topics may still carry it.

use std::fmt;
use std::str::FromStr;

use millrace_schemas::compatibility::Compatibility;
use serde::{Deserialize, Serialize};

/// Whether subjects may be written to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// Everything is allowed.
    #[default]
    Readwrite,
    /// Nothing may be registered, deleted or configured.
    Readonly,
    /// Set globally, as `READONLY` whatever a subject's own mode says.
    #[serde(rename = "READONLY_OVERRIDE")]
    ReadonlyOverride,
}

/// One version of a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The subject, as in the key.
    pub subject: String,
    /// The version, from 1, as in the key.
    pub version: u32,
    /// The schema's id, the same under every subject.
    pub id: u32,
    /// The schema's text.
    pub schema: String,
    /// Whether it has been deleted, though not for good.
    #[serde(default)]
    pub deleted: bool,
}

/// One change of the store, one record of the log.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A version is registered, deleted or restored.
    Put(Version),
    /// A version of a subject is gone for good.
    Forget(String, u32),
    /// The level of a subject, or the global one, is set or no longer set.
    Level(Option<String>, Option<Compatibility>),
    /// The mode of a subject, or the global one, is set or no longer set.
    Mode(Option<String>, Option<Mode>),
    /// The highest id given so far.
    LastId(u32),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "keytype", rename_all = "SCREAMING_SNAKE_CASE")]
enum Key {
    Schema { subject: String, version: u32, magic: u8 },
    Config { subject: Option<String>, magic: u8 },
    Mode { subject: Option<String>, magic: u8 },
    LastId { magic: u8 },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LevelValue {
    compatibility_level: Compatibility,
}

#[derive(Serialize, Deserialize)]
struct ModeValue {
    mode: Mode,
}

#[derive(Serialize, Deserialize)]
struct IdValue {
    id: u32,
}

impl Change {
    /// The key and the value of its record; no value is a tombstone.
    ///
    /// # Errors
    /// When serde_json refuses, which these types give it no reason to.
    pub fn record(&self) -> serde_json::Result<(String, Option<String>)> {
        let key = serde_json::to_string(&self.key())?;
        let value = match self {
            Self::Put(version) => Some(serde_json::to_string(version)?),
            Self::Forget(..) | Self::Level(_, None) | Self::Mode(_, None) => None,
            Self::Level(_, Some(level)) => {
                Some(serde_json::to_string(&LevelValue { compatibility_level: *level })?)
            }
            Self::Mode(_, Some(mode)) => Some(serde_json::to_string(&ModeValue { mode: *mode })?),
            Self::LastId(id) => Some(serde_json::to_string(&IdValue { id: *id })?),
        };
        Ok((key, value))
    }

    /// Reads a record of the log.
    ///
    /// # Errors
    /// What is wrong with it, as a clause.
    pub fn read(key: &[u8], value: Option<&[u8]>) -> Result<Self, String> {
        let key = serde_json::from_slice(key).map_err(|e| format!("its key is not one of ours: {e}"))?;
        let change = match (key, value) {
            (Key::Schema { subject, version, .. }, None) => return Ok(Self::Forget(subject, version)),
            (Key::Config { subject, .. }, None) => return Ok(Self::Level(subject, None)),
            (Key::Mode { subject, .. }, None) => return Ok(Self::Mode(subject, None)),
            (Key::LastId { .. }, None) => return Ok(Self::LastId(0)),
            (Key::Schema { subject, version, .. }, Some(value)) => of_version(&subject, version, value),
            (Key::Config { subject, .. }, Some(value)) => serde_json::from_slice(value)
                .map(|value: LevelValue| Self::Level(subject, Some(value.compatibility_level)))
                .map_err(|e| e.to_string()),
            (Key::Mode { subject, .. }, Some(value)) => serde_json::from_slice(value)
                .map(|value: ModeValue| Self::Mode(subject, Some(value.mode)))
                .map_err(|e| e.to_string()),
            (Key::LastId { .. }, Some(value)) => serde_json::from_slice(value)
                .map(|value: IdValue| Self::LastId(value.id))
                .map_err(|e| e.to_string()),
        };
        change.map_err(|e| format!("its value cannot be read: {e}"))
    }

    fn key(&self) -> Key {
        match self {
            Self::Put(Version { subject, version, .. }) | Self::Forget(subject, version) => {
                Key::Schema { subject: subject.clone(), version: *version, magic: 1 }
            }
            Self::Level(subject, _) => Key::Config { subject: subject.clone(), magic: 0 },
            Self::Mode(subject, _) => Key::Mode { subject: subject.clone(), magic: 0 },
            Self::LastId(_) => Key::LastId { magic: 0 },
        }
    }
}

fn of_version(subject: &str, version: u32, value: &[u8]) -> Result<Change, String> {
    let read: Version = serde_json::from_slice(value).map_err(|e| e.to_string())?;
    if (read.subject.as_str(), read.version) == (subject, version) {
        return Ok(Change::Put(read));
    }
    Err(format!("it is of {} version {}, unlike its key", read.subject, read.version))
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Readwrite, Self::Readonly, Self::ReadonlyOverride];
        all.into_iter().find(|mode| mode.to_string().eq_ignore_ascii_case(text)).ok_or(())
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Readwrite => "READWRITE",
            Self::Readonly => "READONLY",
            Self::ReadonlyOverride => "READONLY_OVERRIDE",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(deleted: bool) -> Change {
        let schema = r#""int""#.to_owned();
        Change::Put(Version { subject: "s".into(), version: 2, id: 7, schema, deleted })
    }

    #[test]
    fn records_have_the_form_of_confluents() {
        let schema = r#"{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}"#;
        let value = r#"{"subject":"s","version":2,"id":7,"schema":"\"int\"","deleted":true}"#;
        let forms = [
            (version(true), schema, Some(value)),
            (Change::Forget("s".into(), 2), schema, None),
            (
                Change::Level(None, Some(Compatibility::FullTransitive)),
                r#"{"keytype":"CONFIG","subject":null,"magic":0}"#,
                Some(r#"{"compatibilityLevel":"FULL_TRANSITIVE"}"#),
            ),
            (
                Change::Mode(Some("s".into()), Some(Mode::ReadonlyOverride)),
                r#"{"keytype":"MODE","subject":"s","magic":0}"#,
                Some(r#"{"mode":"READONLY_OVERRIDE"}"#),
            ),
            (Change::LastId(7), r#"{"keytype":"LAST_ID","magic":0}"#, Some(r#"{"id":7}"#)),
        ];
        for (change, key, value) in forms {
            assert_eq!(change.record().expect("a record"), (key.to_owned(), value.map(str::to_owned)));
            assert_eq!(Change::read(key.as_bytes(), value.map(str::as_bytes)), Ok(change));
        }
    }

    #[test]
    fn a_record_that_is_none_of_ours_says_which_part_is_wrong() {
        let (key, value) = version(false).record().expect("a record");
        let other = key.replace(r#""s""#, r#""t""#);
        for (key, value, part) in [
            ("x", "{}", "its key"),
            (r#"{"keytype":"NOOP","magic":0}"#, "{}", "its key"),
            (&key, "{}", "its value cannot be read: missing field"),
            (&other, &value.expect("a value"), "it is of s version 2, unlike its key"),
        ] {
            let why = Change::read(key.as_bytes(), Some(value.as_bytes())).expect_err(part);
            assert!(why.contains(part), "{why}");
        }
    }
}
