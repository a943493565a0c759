use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads the number of a flag. JSON, through which the layers are merged, has no other numbers.
///
/// # Errors
/// When the text is no finite number.
pub fn finite(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().map_err(|_| "is no number".to_owned())?;
    if number.is_finite() { Ok(number) } else { Err("is no finite number".to_owned()) }
}

/// A list, or one value that stands for a list of one.
///
/// # Errors
/// When it is neither, or an entry is neither text nor a whole number.
pub fn texts<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Vec<String>>, D::Error> {
    match Value::deserialize(input)? {
        Value::Null => Ok(None),
        Value::Array(values) => values.into_iter().map(whole).collect::<Result<_, _>>().map(Some),
        value => whole(value).map(|text| Some(vec![text])),
    }
}

/// YAML reads `007` as 7.0, so a number with a point may not be the text that was written.
fn whole<E: serde::de::Error>(value: Value) -> Result<String, E> {
    match value {
        Value::Number(number) if number.is_f64() => {
            let doubt = "which may not be the text that was written";
            Err(E::custom(format!("reads as the number {number}, {doubt}; quote it")))
        }
        value => scalar(value),
    }
}

/// Text, or a number that stands for its digits.
///
/// # Errors
/// When it is neither.
pub fn text<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(input)? {
        Value::Null => Ok(None),
        value => scalar(value).map(Some),
    }
}

fn scalar<E: serde::de::Error>(value: Value) -> Result<String, E> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(E::custom(format!("`{other}` is neither text nor a number"))),
    }
}
