//! Numbers in a model file, to the last bit: text, because JSON has no infinity and its quick readers may
//! miss the last bit.

use std::fmt::Debug;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serializer, de};

pub(crate) fn serialize<T: Debug, S: Serializer>(values: &[T], to: S) -> Result<S::Ok, S::Error> {
    let texts: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    to.serialize_str(&texts.join(" "))
}

pub(crate) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    let text = String::deserialize(from)?;
    text.split_ascii_whitespace()
        .map(|word| word.parse().map_err(|_| de::Error::custom(format!("`{word}` is not a number"))))
        .collect()
}

/// The same for a single number.
pub(crate) mod one {
    use super::*;

    pub(crate) fn serialize<T: Debug, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{value:?}"))
    }

    pub(crate) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| de::Error::custom(format!("`{text}` is not a number")))
    }
}
