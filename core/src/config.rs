//! The only place where config is merged: defaults < file < preset < environment < flags.
//!
//! A program describes what can be said in one struct of options (`T`), which both its flags and its
//! config keys fill. Each layer is checked for itself, so an error names the layer at fault.

mod values;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use values::{finite, text, texts};

use crate::cli::suggestion;
use crate::error::{Error, Result};

/// What was said so far, key by key, and where.
pub struct Layers<T> {
    said: BTreeMap<String, (Value, String)>,
    known: Vec<String>,
    _marker: std::marker::PhantomData<T>,
}

/// Where each key's value was said, for errors about it.
#[derive(Debug, Clone, Default)]
pub struct Origins(BTreeMap<String, String>);

impl Origins {
    /// The flag, file key or variable that set `key`, or the key itself where nothing did.
    pub fn of<'a>(&'a self, key: &'a str) -> &'a str {
        self.0.get(key).map_or(key, String::as_str)
    }

    /// A refusal of what `key` was set to, beginning with its place.
    ///
    /// # Errors
    /// Always.
    pub fn refuse<V>(&self, key: &str, problem: impl std::fmt::Display) -> Result<V> {
        Err(Error::usage(format!("{}: {problem}", self.of(key))))
    }

    /// The value of `key`, which must be in a range that is also given in words.
    ///
    /// # Errors
    /// When it is not.
    pub fn within(
        &self,
        key: &str,
        value: f64,
        range: std::ops::RangeInclusive<f64>,
        words: &str,
    ) -> Result<f64> {
        if range.contains(&value) {
            return Ok(value);
        }
        self.refuse(key, format!("{value} is out of range: it must be {words}"))
    }

    /// Whether `key` was set by a flag of this command line.
    pub fn is_flag(&self, key: &str) -> bool {
        self.of(key).starts_with("--")
    }
}

impl<T: Default + Serialize + DeserializeOwned> Layers<T> {
    /// No layer yet.
    pub fn new() -> Self {
        let known = match serde_json::to_value(T::default()) {
            Ok(Value::Object(map)) => map.keys().cloned().collect(),
            _ => Vec::new(),
        };
        Self { said: BTreeMap::new(), known, _marker: std::marker::PhantomData }
    }

    /// Lays a mapping over what was said; `place` is the path to it, as in `streaming in my.yaml`. A value
    /// that is a mapping itself is laid over the one below it entry by entry.
    ///
    /// # Errors
    /// One sentence about the first unknown key or value of the wrong type.
    pub fn overlay(&mut self, map: Map<String, Value>, place: &dyn Fn(&str) -> String) -> Result<()> {
        for (key, value) in map {
            let origin = place(&key);
            if !self.known.contains(&key) {
                let hint = suggestion(&key, self.known.iter().map(String::as_str));
                return Err(Error::usage(format!("{origin}: there is no such key; {hint}")));
            }
            Self::check(&key, &value).map_err(|e| Error::usage(format!("{origin}: {e}")))?;
            let value = self.merged(&key, value);
            self.said.insert(key, (value, origin));
        }
        Ok(())
    }

    fn merged(&mut self, key: &str, above: Value) -> Value {
        match (self.said.remove(key), above) {
            (Some((Value::Object(mut below), _)), Value::Object(above)) => {
                below.extend(above);
                Value::Object(below)
            }
            (_, above) => above,
        }
    }

    fn check(key: &str, value: &Value) -> serde_json::Result<()> {
        let alone = Map::from_iter([(key.to_owned(), value.clone())]);
        serde_json::from_value::<T>(Value::Object(alone)).map(drop)
    }

    /// Lays the variables `MILLRACE_<KEY>` over what was said, and those that `aliases` names as
    /// (variable, key). An option that takes text gets the text as it is, so `123` may be a topic; other
    /// values, lists and null are YAML.
    ///
    /// # Errors
    /// As [`overlay`](Self::overlay), naming the variable.
    pub fn environment(&mut self, aliases: &[(&str, &str)]) -> Result<()> {
        let mut variables: Vec<(String, String)> =
            aliases.iter().map(|(variable, key)| ((*variable).to_owned(), (*key).to_owned())).collect();
        variables
            .extend(self.known.iter().map(|key| (format!("MILLRACE_{}", key.to_uppercase()), key.clone())));
        for (variable, key) in variables {
            let Ok(text) = std::env::var(&variable) else { continue };
            let value = Self::value_of(&key, text);
            self.overlay(Map::from_iter([(key, value)]), &|_| variable.clone())?;
        }
        Ok(())
    }

    fn value_of(key: &str, text: String) -> Value {
        let raw = Value::String(text.clone());
        match serde_saphyr::from_str::<Value>(&text) {
            Ok(Value::Null) => Value::Null,
            Ok(list @ Value::Array(_)) if Self::check(key, &list).is_ok() => list,
            _ if Self::check(key, &raw).is_ok() => raw,
            Ok(value) => value,
            Err(_) => raw,
        }
    }

    /// Lays the flags over what was said: every option of `flags` that is there.
    ///
    /// # Errors
    /// As [`overlay`](Self::overlay), naming the flag, which `flag_name` gives for a key.
    pub fn flags(&mut self, flags: &T, flag_name: &dyn Fn(&str) -> String) -> Result<()> {
        let value = serde_json::to_value(flags).map_err(|e| Error::usage(e.to_string()))?;
        let Value::Object(mut map) = value else { return Ok(()) };
        map.retain(|_, value| !value.is_null());
        self.overlay(map, flag_name)
    }

    /// What was said in the end, and where.
    ///
    /// # Errors
    /// When the layers do not fit together, which their own checks rule out.
    pub fn said(self) -> Result<(T, Origins)> {
        let mut map = Map::new();
        let mut origins = BTreeMap::new();
        for (key, (value, origin)) in self.said {
            origins.insert(key.clone(), origin);
            map.insert(key, value);
        }
        let said =
            serde_json::from_value(Value::Object(map)).map_err(|e| Error::usage(format!("config: {e}")))?;
        Ok((said, Origins(origins)))
    }
}

impl<T: Default + Serialize + DeserializeOwned> Default for Layers<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads a YAML config file.
///
/// # Errors
/// When it is missing, unreadable, or no YAML mapping.
pub fn read_file(path: &Path) -> Result<Map<String, Value>> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::usage(format!("config file {} cannot be read: {e}", path.display())))?;
    parse(&text, &path.display().to_string())
}

/// Parses the text of a YAML config file called `name`.
///
/// # Errors
/// When it is no YAML mapping; the sentence names the file and the place.
pub fn parse(text: &str, name: &str) -> Result<Map<String, Value>> {
    match serde_saphyr::from_str::<Value>(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(Error::usage(format!("{name}: is not a mapping of keys to values"))),
        Err(error) => {
            let cause = error.to_string();
            let first = cause.lines().next().unwrap_or_default().trim_start_matches("error: ");
            Err(Error::usage(format!("{name}: {first}")))
        }
    }
}

/// Takes a section out of a config file; a missing or empty one is an empty mapping.
///
/// # Errors
/// When the section is no mapping.
pub fn take_section(file: &mut Map<String, Value>, section: &str, name: &str) -> Result<Map<String, Value>> {
    match file.remove(section) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(Error::usage(format!("{name}: {section}: is not a mapping of keys to values"))),
    }
}

/// What one section says by itself, without the layers below it.
///
/// # Errors
/// When a value has the wrong type.
pub fn read_section<T: DeserializeOwned>(section: Map<String, Value>, name: &str) -> Result<T> {
    serde_json::from_value(Value::Object(section)).map_err(|e| Error::usage(format!("{name}: {e}")))
}

/// Refuses sections that no one took.
///
/// # Errors
/// Names the first of them and the nearest known one.
pub fn refuse_rest(file: &Map<String, Value>, known: &[&str], name: &str) -> Result<()> {
    match file.keys().next() {
        None => Ok(()),
        Some(key) => {
            let hint = suggestion(key, known.iter().copied());
            Err(Error::usage(format!("{name}: {key}: there is no such section; {hint}")))
        }
    }
}

#[cfg(test)]
mod tests;
