//! A schema as a flat list of fields, which people compare line by line.

use apache_avro::Schema;
use apache_avro::schema::{EnumSchema, RecordField};

/// One field, with the fields around it in its name, and its type and default in Avro's words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: String,
}

/// Every field, in the schema's order; a schema that is no record is one nameless field.
pub(super) fn fields(schema: &Schema) -> Vec<Field> {
    let mut found = Vec::new();
    collect(schema, "", &mut found);
    if found.is_empty() {
        found.push(Field { name: "the value".to_owned(), kind: describe(schema) });
    }
    found
}

fn collect(schema: &Schema, around: &str, found: &mut Vec<Field>) {
    match schema {
        Schema::Record(record) => {
            for field in &record.fields {
                let name = format!("{around}{}", field.name);
                let inside = format!("{name}.");
                found.push(Field { name, kind: kind(field) });
                collect(&field.schema, &inside, found);
            }
        }
        Schema::Array(array) => collect(&array.items, around, found),
        Schema::Map(map) => collect(&map.types, around, found),
        Schema::Union(union) => union.variants().iter().for_each(|branch| collect(branch, around, found)),
        _ => {}
    }
}

fn kind(field: &RecordField) -> String {
    let kind = describe(&field.schema);
    let renamed = match &field.aliases[..] {
        [] => String::new(),
        aliases => format!(", also called {}", aliases.join(", ")),
    };
    match &field.default {
        Some(default) => format!("{kind}, default {default}{renamed}"),
        None => format!("{kind}{renamed}"),
    }
}

fn describe(schema: &Schema) -> String {
    match schema {
        Schema::Array(array) => format!("array of {}", describe(&array.items)),
        Schema::Map(map) => format!("map of {}", describe(&map.types)),
        Schema::Union(union) => union.variants().iter().map(describe).collect::<Vec<_>>().join(" or "),
        Schema::Record(record) => format!("record {}", record.name),
        Schema::Enum(symbols) => symbols_of(symbols),
        Schema::Fixed(fixed) => format!("fixed {} of {} bytes", fixed.name, fixed.size),
        Schema::Ref { name } => name.to_string(),
        simple => simple_name(simple),
    }
}

fn symbols_of(schema: &EnumSchema) -> String {
    let symbols = schema.symbols.join(", ");
    match &schema.default {
        Some(default) => format!("enum {} ({symbols}; unknown is {default})", schema.name),
        None => format!("enum {} ({symbols})", schema.name),
    }
}

/// As Avro writes it: `long`, or `long (timestamp-millis)`.
fn simple_name(schema: &Schema) -> String {
    let json = serde_json::to_value(schema).unwrap_or_default();
    let part = |name: &str| json.get(name).and_then(|part| part.as_str());
    match (part("type").or(json.as_str()), part("logicalType")) {
        (Some(kind), Some(logical)) => format!("{kind} ({logical})"),
        (Some(kind), None) => kind.to_owned(),
        _ => json.to_string(),
    }
}
