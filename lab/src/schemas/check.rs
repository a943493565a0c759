//! `lab schemas check`: whether a schema may follow earlier ones.

use std::path::PathBuf;

use millrace_core::{Error, Result};
use millrace_schemas::compatibility::Compatibility;
use millrace_schemas::subject::SENSOR_READING_VERSIONS;

use super::source::{self, Named, Registry};

/// The schema, what to hold it against, and how strictly.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// The new schema; without it, the schemas that are compiled in are judged
    pub(super) file: Option<PathBuf>,
    /// The earlier schemas, oldest first
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "file")]
    pub(super) against: Vec<PathBuf>,
    /// The subject whose versions in the registry are the earlier schemas
    #[arg(long, conflicts_with = "against", requires = "file")]
    pub(super) subject: Option<String>,
    #[command(flatten)]
    pub(super) registry: Registry,
    /// NONE, BACKWARD, FORWARD or FULL, or one of the last three with _TRANSITIVE [default: the subject's own,
    /// BACKWARD for files, FULL_TRANSITIVE for the schemas that are compiled in]
    #[arg(long, value_name = "LEVEL")]
    pub(super) compatibility: Option<Compatibility>,
}

/// What people read, and the sentence to end with where the schema may not follow.
pub(super) struct Verdict {
    pub(super) text: String,
    pub(super) refused: Option<String>,
}

/// A new schema, those before it, and the level.
struct Case {
    new: Named,
    earlier: Vec<Named>,
    level: Compatibility,
}

pub(super) fn judge(args: &Args) -> Result<Verdict> {
    let cases = match &args.file {
        Some(file) => vec![case(args, source::from_file(file)?)?],
        None => own(args)?,
    };
    let mut verdict = Verdict { text: String::new(), refused: None };
    for case in &cases {
        verdict.add(case);
    }
    Ok(verdict)
}

fn case(args: &Args, new: Named) -> Result<Case> {
    let (earlier, default) = match &args.subject {
        Some(subject) => of_subject(subject, &args.registry)?,
        None if args.against.is_empty() => return Err(nothing_to_check_against()),
        None => {
            let files = args.against.iter().map(|file| source::from_file(file));
            (files.collect::<Result<_>>()?, Compatibility::default())
        }
    };
    Ok(Case { new, earlier, level: args.compatibility.unwrap_or(default) })
}

fn nothing_to_check_against() -> Error {
    Error::usage("there is nothing to check it against; say --against FILE or --subject SUBJECT")
}

fn of_subject(subject: &str, registry: &Registry) -> Result<(Vec<Named>, Compatibility)> {
    let client = registry.client()?;
    let versions = client.versions(subject)?;
    let named = versions.iter().map(|version| source::from_version(subject, version));
    Ok((named.collect::<Result<_>>()?, client.compatibility(subject)?))
}

/// Each of our own versions after all before it.
fn own(args: &Args) -> Result<Vec<Case>> {
    let level = args.compatibility.unwrap_or(Compatibility::FullTransitive);
    let name = |version: usize| format!("version {} of SensorReading", version + 1);
    let named = |version: usize| source::parse(SENSOR_READING_VERSIONS[version], name(version));
    let case = |version: usize| {
        let earlier = (0..version).map(named).collect::<Result<_>>()?;
        Ok(Case { new: named(version)?, earlier, level })
    };
    (0..SENSOR_READING_VERSIONS.len()).map(case).collect()
}

impl Verdict {
    fn add(&mut self, case: &Case) {
        let (name, level) = (&case.new.name, case.level);
        let schemas: Vec<_> = case.earlier.iter().map(|earlier| earlier.schema.clone()).collect();
        let Err(conflict) = level.check(&case.new.schema, &schemas) else {
            self.text.push_str(&format!("{name} is allowed at {level}{}\n", after(&case.earlier, level)));
            return;
        };
        let earlier = &case.earlier[conflict.earlier].name;
        self.text.extend(conflict.sentences(earlier).iter().map(|reason| format!("{reason}\n")));
        self.refused = Some(format!(
            "{name} is not allowed at {level} after {earlier}; change it as said, or use a new subject"
        ));
    }
}

/// What it was held against, in words.
fn after(earlier: &[Named], level: Compatibility) -> String {
    match earlier {
        [] => ", being the first".to_owned(),
        [.., newest] if !level.is_transitive() => format!(" after {}", newest.name),
        [oldest, .., newest] => format!(" after {} to {}", oldest.name, newest.name),
        [only] => format!(" after {}", only.name),
    }
}
