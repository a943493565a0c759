//! `lab schemas diff`: fields added, removed and changed, and which levels allow it.

use std::fmt::Write;

use millrace_core::Result;
use millrace_schemas::compatibility::{Compatibility, Conflict};

use super::fields::{Field, fields};
use super::source::{Named, Registry, Source};

/// The two schemas.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The earlier schema: a file, or a subject of the registry, whose newest version counts
    old: Source,
    /// The new schema: likewise a file or a subject
    new: Source,
    #[command(flatten)]
    registry: Registry,
}

pub(super) fn run(args: &Args) -> Result<String> {
    Ok(text(&args.old.load(&args.registry)?, &args.new.load(&args.registry)?))
}

pub(super) fn text(old: &Named, new: &Named) -> String {
    let mut text = format!("{} -> {}\n\n", old.name, new.name);
    let changes = changes(&fields(&old.schema), &fields(&new.schema));
    text.push_str(if changes.is_empty() { "  no field changed\n" } else { &changes });
    text.push('\n');
    text.push_str(&levels(old, new));
    text
}

/// One line a change: `+` added, `-` removed, `~` changed.
fn changes(old: &[Field], new: &[Field]) -> String {
    let before = |name: &str| old.iter().find(|field| field.name == name);
    let gone = old.iter().filter(|field| !new.iter().any(|other| other.name == field.name));
    let removed = gone.map(|field| format!("- {}: {}\n", field.name, field.kind));
    let here = new.iter().filter_map(|field| match before(&field.name) {
        None => Some(format!("+ {}: {}\n", field.name, field.kind)),
        Some(was) if was.kind == field.kind => None,
        Some(was) => Some(format!("~ {}: {} -> {}\n", field.name, was.kind, field.kind)),
    });
    removed.chain(here).collect()
}

/// The levels, of which the transitive ones ask the same of two schemas.
fn levels(old: &Named, new: &Named) -> String {
    let mut text = String::new();
    let earlier = std::slice::from_ref(&old.schema);
    for level in Compatibility::ALL.into_iter().filter(|level| !level.is_transitive()) {
        let conflict = level.check(&new.schema, earlier).err();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{level:<9} {}", verdict(level, conflict.as_ref()));
        if let Some(conflict) = conflict.filter(|_| level != Compatibility::Full) {
            text.extend(conflict.sentences(&old.name).iter().map(|reason| format!("          {reason}\n")));
        }
    }
    text.push_str(
        "A transitive level asks the same of every earlier version: see `lab schemas check --help`.\n",
    );
    text
}

fn verdict(level: Compatibility, conflict: Option<&Conflict>) -> &'static str {
    match (conflict, level) {
        (None, _) => "allowed",
        (Some(_), Compatibility::Full) => "refused, for the reasons above",
        (Some(_), _) => "refused",
    }
}
