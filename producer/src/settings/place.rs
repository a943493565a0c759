use std::fmt;
use std::path::PathBuf;

/// Where something is written that a run tells beside its readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// A topic.
    Topic(String),
}

const TOPIC: &str = "topic:";

impl Place {
    /// Understands `FILE` and `topic:NAME`; `topic:` alone is `default_topic`.
    ///
    /// # Errors
    /// A clause about what is wrong, for the end of a sentence.
    pub fn parse(text: &str, default_topic: &str) -> Result<Self, String> {
        match text.strip_prefix(TOPIC) {
            Some("") => Ok(Self::Topic(default_topic.to_owned())),
            Some(name) => legal_topic(name).map(|()| Self::Topic(name.to_owned())),
            None if text.is_empty() => Err("is empty: it must be a file, or topic:NAME".to_owned()),
            None => Ok(Self::File(PathBuf::from(text))),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Topic(name) => write!(f, "topic {name}"),
        }
    }
}

/// Whether Kafka takes a topic of this name.
///
/// # Errors
/// A clause about what is wrong, for the end of a sentence.
pub(super) fn legal_topic(name: &str) -> Result<(), String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    if (1..=249).contains(&name.len()) && name.bytes().all(legal) && !matches!(name, "." | "..") {
        return Ok(());
    }
    Err(format!("topic name `{name}` must be 1 to 249 letters, digits, `_`, `.` or `-`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_file_or_a_topic() {
        let parse = |text| Place::parse(text, "usual");
        assert_eq!(parse("a/b.csv"), Ok(Place::File("a/b.csv".into())));
        assert_eq!(parse("topic:other-1"), Ok(Place::Topic("other-1".into())));
        assert_eq!(parse("topic:"), Ok(Place::Topic("usual".into())));
        assert!(parse("").is_err_and(|why| why.contains("topic:NAME")));
        assert!(parse("topic:a b").is_err_and(|why| why.contains("`a b`")));
        assert!(parse("topic:..").is_err());
    }
}
