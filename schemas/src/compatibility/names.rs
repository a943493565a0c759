use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{
    Alias, DecimalSchema, EnumSchema, FixedSchema, InnerDecimalSchema, Name, RecordSchema, UuidSchema,
};

/// What decides how bytes are read: logical types do not, and references stand for what they name.
#[derive(Clone, Copy)]
pub(super) enum Shape<'a> {
    Primitive(Primitive),
    Array(&'a Schema),
    Map(&'a Schema),
    Union(&'a [Schema]),
    Record(&'a RecordSchema),
    Enum(&'a EnumSchema),
    Fixed(&'a FixedSchema),
    /// A reference to a type that the schema does not hold.
    Unknown(&'a Name),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Primitive {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
}

/// The named types of one schema, by full name and by alias.
pub(super) struct Names<'a>(HashMap<String, &'a Schema>);

impl<'a> Names<'a> {
    pub(super) fn of(schema: &'a Schema) -> Self {
        let mut names = Self(HashMap::new());
        names.collect(schema);
        names
    }

    fn collect(&mut self, schema: &'a Schema) {
        let shape = shape(schema);
        if matches!(shape, Shape::Unknown(_)) {
            return;
        }
        if let Some((name, aliases)) = shape.name() {
            self.0.insert(name.fullname(None), schema);
            for alias in aliases {
                self.0.entry(alias.fullname(None)).or_insert(schema);
            }
        }
        match shape {
            Shape::Array(inner) | Shape::Map(inner) => self.collect(inner),
            Shape::Union(branches) => branches.iter().for_each(|branch| self.collect(branch)),
            Shape::Record(record) => record.fields.iter().for_each(|field| self.collect(&field.schema)),
            _ => {}
        }
    }

    pub(super) fn shape(&self, schema: &'a Schema) -> Shape<'a> {
        match schema {
            Schema::Ref { name } => match self.0.get(&name.fullname(None)) {
                Some(definition) => shape(definition),
                None => Shape::Unknown(name),
            },
            other => shape(other),
        }
    }
}

fn shape(schema: &Schema) -> Shape<'_> {
    match schema {
        Schema::Array(array) => Shape::Array(&array.items),
        Schema::Map(map) => Shape::Map(&map.types),
        Schema::Union(union) => Shape::Union(union.variants()),
        Schema::Record(record) => Shape::Record(record),
        Schema::Enum(symbols) => Shape::Enum(symbols),
        Schema::Fixed(fixed)
        | Schema::Duration(fixed)
        | Schema::Uuid(UuidSchema::Fixed(fixed))
        | Schema::Decimal(DecimalSchema { inner: InnerDecimalSchema::Fixed(fixed), .. }) => {
            Shape::Fixed(fixed)
        }
        Schema::Ref { name } => Shape::Unknown(name),
        simple => Shape::Primitive(primitive(simple)),
    }
}

fn primitive(schema: &Schema) -> Primitive {
    match schema {
        Schema::Null => Primitive::Null,
        Schema::Boolean => Primitive::Boolean,
        Schema::Int | Schema::Date | Schema::TimeMillis => Primitive::Int,
        Schema::Float => Primitive::Float,
        Schema::Double => Primitive::Double,
        Schema::String | Schema::Uuid(UuidSchema::String) => Primitive::String,
        Schema::Bytes | Schema::BigDecimal | Schema::Decimal(_) | Schema::Uuid(_) => Primitive::Bytes,
        // Times and timestamps are what remains.
        _ => Primitive::Long,
    }
}

impl<'a> Shape<'a> {
    /// The name and the aliases of a type that has a name.
    pub(super) fn name(self) -> Option<(&'a Name, &'a [Alias])> {
        let aliases = |aliases: &'a Option<Vec<Alias>>| aliases.as_deref().unwrap_or_default();
        match self {
            Self::Record(record) => Some((&record.name, aliases(&record.aliases))),
            Self::Enum(symbols) => Some((&symbols.name, aliases(&symbols.aliases))),
            Self::Fixed(fixed) => Some((&fixed.name, aliases(&fixed.aliases))),
            Self::Unknown(name) => Some((name, &[])),
            _ => None,
        }
    }

    /// The type in Avro's words, with its name: `long`, `enum millrace.Status`.
    pub(super) fn describe(self) -> String {
        let kind = match self {
            Self::Primitive(primitive) => return primitive.name().to_owned(),
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Union(_) => "union",
            Self::Record(_) => "record",
            Self::Enum(_) => "enum",
            Self::Fixed(_) => "fixed",
            Self::Unknown(_) => "type",
        };
        self.name().map_or_else(|| kind.to_owned(), |(name, _)| format!("{kind} {name}"))
    }
}

impl Primitive {
    fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
        }
    }

    /// Whether a value written as `writer` can be read as this type.
    pub(super) fn reads(self, writer: Self) -> bool {
        use Primitive::{Bytes, Double, Float, Int, Long, String};
        let promoted = match self {
            Long => &[Int][..],
            Float => &[Int, Long],
            Double => &[Int, Long, Float],
            Bytes => &[String],
            String => &[Bytes],
            _ => &[],
        };
        self == writer || promoted.contains(&writer)
    }
}
