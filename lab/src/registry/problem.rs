//! Why a call is refused, with Confluent's error codes.

use std::fmt;

/// What is wrong with a call, or with what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Nothing is registered under this subject.
    Subject(String),
    /// The subject has no such version; -1 stands for the latest.
    Version(i64),
    /// No schema has this id.
    Id(u32),
    /// The subject does not have this schema.
    Schema,
    /// The subject has been deleted, though not for good.
    SubjectDeleted(String),
    /// The subject must be deleted before it is deleted for good.
    SubjectNotDeleted(String),
    /// The version of this subject has been deleted, though not for good.
    VersionDeleted(String, u32),
    /// The version of this subject must be deleted before it is deleted for good.
    VersionNotDeleted(String, u32),
    /// The subject has no compatibility level of its own.
    NoLevel(String),
    /// The subject has no mode of its own.
    NoMode(String),
    /// The schema does not go with the subject's earlier ones.
    Incompatible(String),
    /// The text is no Avro schema that can be kept here.
    InvalidSchema(String),
    /// A version that is neither a number nor `latest`.
    InvalidVersion(String),
    /// No compatibility level has this name.
    InvalidLevel(String),
    /// No mode has this name.
    InvalidMode(String),
    /// The mode of the subject or of the registry forbids it.
    NotPermitted(String),
    /// The log did not take the change; what was held before still holds.
    Store(String),
    /// The cluster that keeps the log did not answer in time.
    Timeout(String),
}

impl Problem {
    /// Confluent's error code; its first three digits are the HTTP status.
    pub fn code(&self) -> u32 {
        match self {
            Self::Subject(_) => 40401,
            Self::Version(_) => 40402,
            Self::Id(_) | Self::Schema => 40403,
            Self::SubjectDeleted(_) => 40404,
            Self::SubjectNotDeleted(_) => 40405,
            Self::VersionDeleted(..) => 40406,
            Self::VersionNotDeleted(..) => 40407,
            Self::NoLevel(_) => 40408,
            Self::NoMode(_) => 40409,
            Self::Incompatible(_) => 409,
            Self::InvalidSchema(_) => 42201,
            Self::InvalidVersion(_) => 42202,
            Self::InvalidLevel(_) => 42203,
            Self::InvalidMode(_) => 42204,
            Self::NotPermitted(_) => 42205,
            Self::Store(_) => 50001,
            Self::Timeout(_) => 50002,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const FIRST: &str = "must be deleted before it is deleted with permanent=true";
        const AGAIN: &str = "is deleted already; permanent=true deletes it for good";
        match self {
            Self::Subject(subject) => write!(f, "Subject '{subject}' not found."),
            Self::Version(version) => write!(f, "Version {version} not found."),
            Self::Id(id) => write!(f, "Schema {id} not found"),
            Self::Schema => f.write_str("Schema not found"),
            Self::SubjectDeleted(subject) => write!(f, "Subject '{subject}' {AGAIN}"),
            Self::SubjectNotDeleted(subject) => write!(f, "Subject '{subject}' {FIRST}"),
            Self::VersionDeleted(subject, n) => write!(f, "Subject '{subject}' Version {n} {AGAIN}"),
            Self::VersionNotDeleted(subject, n) => write!(f, "Subject '{subject}' Version {n} {FIRST}"),
            Self::NoLevel(subject) => write!(f, "Subject '{subject}' has no compatibility level of its own"),
            Self::NoMode(subject) => write!(f, "Subject '{subject}' has no mode of its own"),
            Self::InvalidVersion(version) => write!(
                f,
                "The specified version '{version}' is not a valid version id. \
                 Allowed values are between [1, 2^31-1] and the string \"latest\""
            ),
            Self::Incompatible(sentence)
            | Self::InvalidSchema(sentence)
            | Self::InvalidLevel(sentence)
            | Self::InvalidMode(sentence)
            | Self::NotPermitted(sentence)
            | Self::Store(sentence)
            | Self::Timeout(sentence) => f.write_str(sentence),
        }
    }
}
