//! Avro schemas as the registry keeps them, and when two of them are the same.
//!
//! Confluent compares the text that Java's Avro gives for a parsed schema: spaces, the order of Avro's own
//! attributes, `{"type":"string"}` for `"string"` and a namespace written apart from its name make no
//! difference, while docs, defaults, aliases and other attributes do. Two schemas are the same here if their
//! [canonical forms](AvroSchema::normalized) are equal, with and without `normalize=true`; that decides
//! only which text is kept, the one that was sent or the canonical one.

use serde_json::{Map, Value};

use super::problem::Problem;

const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// An Avro schema that has been read and found valid.
#[derive(Debug, Clone)]
pub struct AvroSchema {
    text: String,
    canonical: String,
    parsed: apache_avro::Schema,
}

impl PartialEq for AvroSchema {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, &self.canonical) == (&other.text, &other.canonical)
    }
}

impl AvroSchema {
    /// Reads an Avro schema.
    ///
    /// # Errors
    /// When the text is not JSON or not Avro; the sentence carries the parser's message.
    pub fn parse(text: String) -> Result<Self, Problem> {
        let json: Value = serde_json::from_str(&text)
            .map_err(|e| Problem::InvalidSchema(format!("Invalid schema: it is not JSON: {e}")))?;
        let parsed = apache_avro::Schema::parse(&json)
            .map_err(|e| Problem::InvalidSchema(format!("Invalid schema: it is not Avro: {e}")))?;
        Ok(Self { text, canonical: canonical(&json, "").to_string(), parsed })
    }

    /// The same schema with its canonical form as its text.
    pub fn normalized(self) -> Self {
        Self { text: self.canonical.clone(), ..self }
    }

    /// The schema as it was sent.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is equal for all writings of one schema.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The schema for judging others against it.
    pub fn parsed(&self) -> &apache_avro::Schema {
        &self.parsed
    }
}

fn canonical(schema: &Value, namespace: &str) -> Value {
    match schema {
        Value::String(name) => Value::String(full_name(name, namespace)),
        Value::Array(branches) => branches.iter().map(|branch| canonical(branch, namespace)).collect(),
        Value::Object(attributes) => type_of(attributes, namespace),
        other => other.clone(),
    }
}

fn type_of(attributes: &Map<String, Value>, namespace: &str) -> Value {
    let mut made = attributes.clone();
    let Some(name) = attributes.get("name").and_then(Value::as_str) else {
        return unnamed(made, namespace);
    };
    let said = made.remove("namespace");
    let full = full_name(name, said.as_ref().and_then(Value::as_str).unwrap_or(namespace));
    let inner = full.rsplit_once('.').map_or("", |(space, _)| space);
    if let Some(Value::Array(fields)) = made.get_mut("fields") {
        fields.iter_mut().for_each(|field| step_into(field, "type", inner));
    }
    made.insert("name".to_owned(), Value::String(full.clone()));
    Value::Object(made)
}

fn unnamed(mut made: Map<String, Value>, namespace: &str) -> Value {
    if made.len() == 1
        && let Some(only) = made.get("type")
    {
        return canonical(only, namespace);
    }
    let mut made = Value::Object(std::mem::take(&mut made));
    ["type", "items", "values"].into_iter().for_each(|part| step_into(&mut made, part, namespace));
    made
}

fn step_into(around: &mut Value, part: &str, namespace: &str) {
    // `array` and `map` are no names, although they stand where a name may.
    if let Some(inner) = around.get_mut(part).filter(|inner| *inner != "array" && *inner != "map") {
        *inner = canonical(inner, namespace);
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    match name {
        _ if name.contains('.') || namespace.is_empty() || PRIMITIVES.contains(&name) => name.to_owned(),
        _ => format!("{namespace}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: &str = r#"{"type":"record","name":"Point","namespace":"a","fields":[
        {"name":"x","type":"int","default":0},{"name":"next","type":["null","Point"]}]}"#;

    fn avro(text: &str) -> AvroSchema {
        AvroSchema::parse(text.to_owned()).expect("valid Avro")
    }

    fn same(one: &str, other: &str) -> bool {
        avro(one).canonical() == avro(other).canonical()
    }

    #[test]
    fn spacing_and_the_order_of_attributes_make_no_other_schema() {
        let other = r#"{"fields":[{"default":0,"type":"int","name":"x"},
            {"name":"next", "type":["null","Point"]}],"namespace":"a","name":"Point","type":"record"}"#;
        assert!(same(POINT, other));
    }

    #[test]
    fn a_name_is_the_same_with_its_namespace_before_it_and_apart() {
        let full = POINT.replace(r#""Point","namespace":"a""#, r#""a.Point""#);
        assert!(same(POINT, &full));
        assert!(same(POINT, &full.replace(r#"["null","Point"]"#, r#"["null","a.Point"]"#)));
        assert!(!same(POINT, &POINT.replace(r#""namespace":"a""#, r#""namespace":"b""#)));
    }

    #[test]
    fn a_primitive_is_the_same_in_braces() {
        assert!(same(r#""string""#, r#"{"type":"string"}"#));
        assert!(same(r#"{"type":"array","items":"int"}"#, r#"{"type":"array","items":{"type":"int"}}"#));
        assert!(!same(r#""string""#, r#"{"type":"string","logicalType":"uuid"}"#));
    }

    #[test]
    fn docs_defaults_and_other_attributes_make_another_schema() {
        assert!(!same(POINT, &POINT.replace(":0", ":1")));
        assert!(!same(POINT, &POINT.replace(r#""fields""#, r#""doc":"d","fields""#)));
        assert!(!same(POINT, &POINT.replace(r#""fields""#, r#""unit":"m","fields""#)));
    }

    #[test]
    fn the_canonical_form_is_valid_avro_and_its_own_canonical_form() {
        let normal = avro(POINT).normalized();
        assert_eq!(avro(normal.text()).canonical(), normal.text());
        assert!(normal.text().contains(r#""name":"a.Point""#) && !normal.text().contains('\n'));
    }

    #[test]
    fn what_is_not_json_or_not_avro_is_refused_with_the_parsers_message() {
        for (text, part) in
            [("string", "not JSON: expected"), (r#""strin""#, "not Avro:"), ("", "not JSON: EOF")]
        {
            let sentence = AvroSchema::parse(text.to_owned()).expect_err(text).to_string();
            assert!(sentence.contains(part), "{sentence}");
        }
    }
}
