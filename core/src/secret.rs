//! Values that are nobody's to read: kept out of every message, and taken from the environment or a file.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};

/// What stands for a secret in messages.
pub const HIDDEN: &str = "***";

/// A text that `{:?}` does not show.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<'de> Deserialize<'de> for Secret {
    /// Numbers are texts here; and no error quotes what it was given, as serde's own would.
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        match Value::deserialize(input)? {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) if !number.is_f64() => Ok(Self(number.to_string())),
            _ => Err(serde::de::Error::custom("is no text; quote it")),
        }
    }
}

/// The value that a text stands for: `env:NAME` is what that variable holds, `file:PATH` what that file
/// holds without the end of its last line, `literal:TEXT` the rest as it is, and anything else itself.
///
/// # Errors
/// When there is no such variable or the file cannot be read; `place` is what the sentence begins with.
pub fn resolve(text: &str, place: &str) -> Result<String> {
    if let Some(name) = text.strip_prefix("env:") {
        return std::env::var(name)
            .map_err(|_| Error::usage(format!("{place}: the variable {name} is not set; export it")));
    }
    if let Some(path) = text.strip_prefix("file:") {
        let held = std::fs::read_to_string(path).map_err(|e| {
            Error::usage(format!("{place}: {path} cannot be read: {e}; name a file that holds the value"))
        })?;
        return Ok(held.strip_suffix('\n').map_or(&*held, |line| line.trim_end_matches('\r')).to_owned());
    }
    Ok(text.strip_prefix("literal:").unwrap_or(text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_nowhere() {
        let secret = Secret::from("hunter2".to_owned());
        assert_eq!(format!("{secret:?}"), HIDDEN);
        let refused = serde_json::from_str::<Secret>("[\"hunter2\"]").expect_err("a list").to_string();
        assert!(!refused.contains("hunter2"), "{refused}");
    }

    #[test]
    fn a_value_comes_from_a_file_without_the_end_of_its_line() {
        let path = std::env::temp_dir().join(format!("millrace-secret-{}", std::process::id()));
        std::fs::write(&path, "hunter2 \r\n").expect("written");
        let found = resolve(&format!("file:{}", path.display()), "-X");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(found, Ok("hunter2 ".to_owned()));
    }

    #[test]
    fn a_variable_or_file_that_is_not_there_is_named() {
        let refused = |text| resolve(text, "-X: sasl.password").expect_err("refused");
        let variable = refused("env:MILLRACE_NO_SUCH");
        assert_eq!(
            variable.to_string(),
            "-X: sasl.password: the variable MILLRACE_NO_SUCH is not set; export it"
        );
        assert_eq!(variable.exit_code(), 2);
        assert!(
            refused("file:/no/such").to_string().starts_with("-X: sasl.password: /no/such cannot be read")
        );
    }

    #[test]
    fn what_only_looks_like_a_place_can_be_said_literally() {
        assert_eq!(resolve("literal:env:X", "-X"), Ok("env:X".to_owned()));
        assert_eq!(resolve("hunter2", "-X"), Ok("hunter2".to_owned()));
        assert_eq!(resolve("env:PATH", "-X"), Ok(std::env::var("PATH").expect("a PATH")));
    }
}
