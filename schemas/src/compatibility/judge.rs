use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{EnumSchema, FixedSchema, RecordField, RecordSchema};

use super::names::{Names, Shape};
use super::{Incompatibility, Kind};

type Reasons = Vec<Incompatibility>;

/// Why `reader` cannot read everything that `writer` may write; empty where it can.
///
/// Inside a union, a branch of the same name or shape is judged in its own right, so the field at fault is
/// named; Java says there only that a branch is missing.
pub fn incompatibilities(reader: &Schema, writer: &Schema) -> Vec<Incompatibility> {
    let mut judge = Judge {
        reader: Names::of(reader),
        writer: Names::of(writer),
        judged: HashMap::new(),
        contradictions: Vec::new(),
    };
    let mut reasons = judge.compare(reader, writer, &Place::default());
    reasons.append(&mut judge.contradictions);
    let mut said = std::collections::HashSet::new();
    // A type that is used twice is at fault once.
    reasons.retain(|reason| said.insert((reason.kind, reason.path.clone())));
    reasons
}

struct Judge<'a> {
    reader: Names<'a>,
    writer: Names<'a>,
    /// Pairs of records, by address. A pair that is still being judged counts as fine, which ends recursion.
    judged: HashMap<(*const RecordSchema, *const RecordSchema), Reasons>,
    /// Fields that could be two of the writer's: as in Java, another branch of a union does not excuse them.
    contradictions: Reasons,
}

/// Where in the reader's schema the judge is.
#[derive(Clone, Default)]
struct Place {
    path: String,
    field: Option<String>,
}

impl<'a> Judge<'a> {
    fn compare(&mut self, reader: &'a Schema, writer: &'a Schema, at: &Place) -> Reasons {
        match (self.reader.shape(reader), self.writer.shape(writer)) {
            (Shape::Union(branches), Shape::Union(written)) => {
                let each = written.iter().enumerate();
                each.flat_map(|(i, branch)| self.branch(branches, branch, at, &at.step(i))).collect()
            }
            (_, Shape::Union(written)) => {
                let each = written.iter().enumerate();
                each.flat_map(|(i, branch)| self.compare(reader, branch, &at.step(i))).collect()
            }
            (Shape::Union(branches), _) => self.branch(branches, writer, at, at),
            (Shape::Array(reader), Shape::Array(writer)) => self.compare(reader, writer, &at.step("items")),
            (Shape::Map(reader), Shape::Map(writer)) => self.compare(reader, writer, &at.step("values")),
            (reader, writer) => self.single(reader, writer, at),
        }
    }

    fn single(&mut self, reader: Shape<'a>, writer: Shape<'a>, at: &Place) -> Reasons {
        match (reader, writer) {
            (Shape::Record(reader), Shape::Record(writer)) => self.records(reader, writer, at),
            (Shape::Enum(r), Shape::Enum(w)) => [name(reader, writer, at), symbols(r, w, at)].concat(),
            (Shape::Fixed(r), Shape::Fixed(w)) => [name(reader, writer, at), size(r, w, at)].concat(),
            (Shape::Primitive(reader), Shape::Primitive(writer)) if reader.reads(writer) => Vec::new(),
            (Shape::Unknown(reader), Shape::Unknown(writer)) if reader == writer => Vec::new(),
            _ => vec![mismatch(reader, writer, at)],
        }
    }

    /// Whether some branch of the reader's union takes what the writer wrote.
    fn branch(&mut self, branches: &'a [Schema], writer: &'a Schema, at: &Place, lacking: &Place) -> Reasons {
        let written = self.writer.shape(writer);
        let mut nearest = None;
        for (i, branch) in branches.iter().enumerate() {
            let reasons = self.compare(branch, writer, &at.step(i));
            if reasons.is_empty() {
                return reasons;
            }
            if nearest.is_none() && alike(self.reader.shape(branch), written) {
                nearest = Some(reasons);
            }
        }
        nearest.unwrap_or_else(|| vec![no_branch(written, lacking)])
    }

    fn records(&mut self, reader: &'a RecordSchema, writer: &'a RecordSchema, at: &Place) -> Reasons {
        let pair = (std::ptr::from_ref(reader), std::ptr::from_ref(writer));
        if let Some(reasons) = self.judged.get(&pair) {
            return reasons.clone();
        }
        self.judged.insert(pair, Vec::new());
        let mut reasons = name(Shape::Record(reader), Shape::Record(writer), at);
        for (i, field) in reader.fields.iter().enumerate() {
            reasons.extend(self.field(field, writer, &at.enter(i, &field.name)));
        }
        self.judged.insert(pair, reasons.clone());
        reasons
    }

    fn field(&mut self, field: &'a RecordField, writer: &'a RecordSchema, at: &Place) -> Reasons {
        let written = |name: &String| writer.fields.iter().find(|field| field.name == *name);
        let found: Vec<_> = std::iter::once(&field.name).chain(&field.aliases).filter_map(written).collect();
        match found[..] {
            [] if field.default.is_some() => Vec::new(),
            [] => vec![not_written(at)],
            [one] => self.compare(&field.schema, &one.schema, &at.step("type")),
            [one, other, ..] => {
                let fault = ambiguous(&one.name, &other.name, at);
                self.contradictions.push(fault.clone());
                vec![fault]
            }
        }
    }
}

/// As Java has it: names count without their namespaces, aliases with theirs.
fn same_name(reader: Shape<'_>, writer: Shape<'_>) -> bool {
    let (Some((reader, aliases)), Some((writer, _))) = (reader.name(), writer.name()) else { return false };
    reader.name() == writer.name() || aliases.iter().any(|a| a.fullname(None) == writer.fullname(None))
}

/// Whether a branch is plainly meant for what was written, though it does not take it.
fn alike(reader: Shape<'_>, writer: Shape<'_>) -> bool {
    match (reader, writer) {
        (Shape::Array(_), Shape::Array(_)) | (Shape::Map(_), Shape::Map(_)) => true,
        (Shape::Record(_), Shape::Record(_))
        | (Shape::Enum(_), Shape::Enum(_))
        | (Shape::Fixed(_), Shape::Fixed(_)) => same_name(reader, writer),
        _ => false,
    }
}

fn name(reader: Shape<'_>, writer: Shape<'_>, at: &Place) -> Reasons {
    if same_name(reader, writer) {
        return Vec::new();
    }
    let (read, written) = (reader.describe(), writer.describe());
    let what = format!("{at} is written as {written} and read as {read}, which has no alias for it");
    vec![at.step("name").reason(Kind::NameMismatch, what)]
}

fn symbols(reader: &EnumSchema, writer: &EnumSchema, at: &Place) -> Reasons {
    let unknown: Vec<&str> =
        writer.symbols.iter().filter(|s| !reader.symbols.contains(s)).map(String::as_str).collect();
    if unknown.is_empty() || reader.default.is_some() {
        return Vec::new();
    }
    let (unknown, name) = (unknown.join(", "), &reader.name);
    let what = format!("{at} may be written as {unknown}, which the reader's enum {name} does not know");
    vec![at.step("symbols").reason(Kind::MissingEnumSymbols, format!("{what}, having no default"))]
}

fn size(reader: &FixedSchema, writer: &FixedSchema, at: &Place) -> Reasons {
    if reader.size == writer.size {
        return Vec::new();
    }
    let what = format!("{at} is written with {} bytes and read with {}", writer.size, reader.size);
    vec![at.step("size").reason(Kind::FixedSizeMismatch, what)]
}

fn mismatch(reader: Shape<'_>, writer: Shape<'_>, at: &Place) -> Incompatibility {
    let (read, written) = (reader.describe(), writer.describe());
    at.reason(Kind::TypeMismatch, format!("{at} may be written as {written} and is read as {read}"))
}

fn no_branch(writer: Shape<'_>, at: &Place) -> Incompatibility {
    let written = writer.describe();
    let what = format!("{at} may be written as {written}, for which the reader's union has no branch");
    at.reason(Kind::MissingUnionBranch, what)
}

fn not_written(at: &Place) -> Incompatibility {
    let what = format!("{at} is not written, and the reader has no default for it");
    at.reason(Kind::ReaderFieldMissingDefaultValue, what)
}

fn ambiguous(one: &str, other: &str, at: &Place) -> Incompatibility {
    let what = format!("{at} is both `{one}` and `{other}` of the writer, by its name and aliases");
    at.reason(Kind::NameMismatch, what)
}

impl Place {
    fn step(&self, to: impl std::fmt::Display) -> Self {
        Self { path: format!("{}/{to}", self.path), field: self.field.clone() }
    }

    fn enter(&self, index: usize, name: &str) -> Self {
        let around = self.field.iter().map(String::as_str);
        let field = around.chain([name]).collect::<Vec<_>>().join(".");
        Self { path: format!("{}/fields/{index}", self.path), field: Some(field) }
    }

    fn reason(&self, kind: Kind, message: String) -> Incompatibility {
        let path = if self.path.is_empty() { "/".to_owned() } else { self.path.clone() };
        Incompatibility { kind, path, field: self.field.clone(), message }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.field {
            Some(field) => write!(f, "`{field}`"),
            None => f.write_str("the value"),
        }
    }
}
