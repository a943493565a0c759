use std::fmt;

use super::Direction;

/// What is wrong, in the words of Java's Avro and of Confluent's registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A record, enum or fixed has another name, and the reader has no alias for it.
    NameMismatch,
    /// A fixed has another size.
    FixedSizeMismatch,
    /// The writer's enum has symbols that the reader's has not, and the reader's has no default.
    MissingEnumSymbols,
    /// The reader has a field that the writer has not, and no default for it.
    ReaderFieldMissingDefaultValue,
    /// The reader's type does not take what the writer's type holds.
    TypeMismatch,
    /// The reader's union has no branch for what the writer may write.
    MissingUnionBranch,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NameMismatch => "NAME_MISMATCH",
            Self::FixedSizeMismatch => "FIXED_SIZE_MISMATCH",
            Self::MissingEnumSymbols => "MISSING_ENUM_SYMBOLS",
            Self::ReaderFieldMissingDefaultValue => "READER_FIELD_MISSING_DEFAULT_VALUE",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::MissingUnionBranch => "MISSING_UNION_BRANCH",
        })
    }
}

/// One reason why a reader cannot read what a writer wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incompatibility {
    /// What is wrong.
    pub kind: Kind,
    /// Where in the reader's schema, as a JSON pointer (`/fields/3/type`); `/` is the whole schema. As in
    /// Java, the branch of a union that the reader lacks, or that it has no union for, is the writer's.
    pub path: String,
    /// The field at fault with the fields around it, such as `features.hour`; none where it is the whole value.
    pub field: Option<String>,
    /// What is wrong, as a clause that names the field and both sides.
    pub message: String,
}

impl Incompatibility {
    /// What to do about it, as a clause in the imperative. `direction` says which of the two schemas is new:
    /// only that one can be changed.
    pub fn remedy(&self, direction: Direction) -> String {
        let field = self.field.as_deref().map_or_else(|| "it".to_owned(), |field| format!("`{field}`"));
        match direction {
            Direction::Backward => self.mend_reader(&field),
            Direction::Forward => self.mend_writer(&field),
        }
    }

    fn mend_reader(&self, field: &str) -> String {
        match self.kind {
            Kind::NameMismatch => "keep the name, or add the old one as an alias".to_owned(),
            Kind::FixedSizeMismatch => "keep its size".to_owned(),
            Kind::MissingEnumSymbols => format!("keep these symbols, or give the enum of {field} a default"),
            Kind::ReaderFieldMissingDefaultValue => format!("give {field} a default"),
            Kind::TypeMismatch => format!("keep the type of {field}, or use one that reads the old"),
            Kind::MissingUnionBranch => format!("keep this branch in the union of {field}"),
        }
    }

    fn mend_writer(&self, field: &str) -> String {
        match self.kind {
            Kind::NameMismatch => "keep the name".to_owned(),
            Kind::FixedSizeMismatch => "keep its size".to_owned(),
            Kind::MissingEnumSymbols => format!("leave these symbols out of {field}, or use a new field"),
            Kind::ReaderFieldMissingDefaultValue => format!("keep {field}"),
            Kind::TypeMismatch => format!("keep the type of {field}, or use a new field"),
            Kind::MissingUnionBranch => {
                format!("leave this branch out of the union of {field}, or use a new field")
            }
        }
    }
}

impl fmt::Display for Incompatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} at {})", self.message, self.kind, self.path)
    }
}
