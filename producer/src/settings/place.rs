use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use millrace_core::kafka::legal_topic;

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

    /// Whether what is written to the one is written to the other, however the file is named.
    pub fn is_also(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(other)) => is_one_file(one, other),
            _ => self == other,
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

fn is_one_file(one: &Path, other: &Path) -> bool {
    if let (Ok(one), Ok(other)) = (one.metadata(), other.metadata()) {
        return one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino());
    }
    // The file may still be to come; its folder is there, or nothing can be written.
    let place = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some((folder.canonicalize().ok()?, path.file_name()?.to_owned()))
    };
    one == other || place(one).is_some_and(|one| Some(one) == place(other))
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

    #[test]
    fn a_file_is_known_by_any_of_its_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| Place::File(folder.path().join(name));
        let (there, to_come) = (folder.path().join("a.csv"), file("b.csv"));
        assert!(to_come.is_also(&file("./b.csv")) && !to_come.is_also(&file("c.csv")));
        std::fs::write(&there, "row").expect("a file");
        std::os::unix::fs::symlink(&there, folder.path().join("link.csv")).expect("a link");
        assert!(file("link.csv").is_also(&Place::File(there)) && !file("link.csv").is_also(&to_come));
        assert!(!to_come.is_also(&Place::Topic("b.csv".into())));
    }
}
