//! A lesson that unfolds the same way every time: what is done to which machine at which stream time.

mod entry;

use std::path::Path;

use millrace_core::{Error, Result, config};
use serde_json::Value;

use crate::simulate::Act;
use entry::Entry;

/// Reads a scenario file for a run of these machines that begins at `start` (event time, milliseconds).
///
/// # Errors
/// When the file cannot be read, or an entry is wrong; the sentence names file, entry and key.
pub fn read(path: &Path, machines: &[String], start: i64) -> Result<Vec<(String, Act)>> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::usage(format!("--scenario: {name} cannot be read: {e}")))?;
    parse(config::parse(&text, &name)?, &name, machines, start)
}

fn parse(
    mut file: serde_json::Map<String, Value>,
    name: &str,
    machines: &[String],
    start: i64,
) -> Result<Vec<(String, Act)>> {
    let entries = match file.remove("scenario") {
        Some(Value::Array(entries)) => entries,
        _ => return Err(Error::usage(format!("{name}: scenario: must be a list of what happens when"))),
    };
    config::refuse_rest(&file, &["scenario"], name)?;
    let mut acts = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let place = |why: String| Error::usage(format!("{name}: scenario entry {}: {why}", index + 1));
        let entry = Entry::read(entry).map_err(place)?;
        acts.extend(entry.acts(machines, start).map_err(place)?);
    }
    Ok(acts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Cause, Course, Deed, FailureKind};

    fn read(text: &str) -> Result<Vec<(String, Act)>> {
        let machines = ["MACHINE_001".to_owned(), "MACHINE_002".to_owned()];
        parse(config::parse(text, "lesson.yaml")?, "lesson.yaml", &machines, 1_000_000)
    }

    #[test]
    fn a_lesson_says_what_happens_to_whom_at_which_stream_time() {
        let acts = read(
            "scenario:\n\
             - {at: 90, machine: MACHINE_001, failure: bearing_failure, hours: 2}\n\
             - {at: 2h30m, machine: [MACHINE_002], failure: oil_leak, severity: 0.5}\n\
             - {at: '1970-01-02T00:00:00Z', machine: all, maintenance: 45}\n\
             - {at: 0, machine: MACHINE_001, clear: true}\n",
        )
        .expect("a scenario");
        let bearing =
            Deed::Inject { kind: FailureKind::BearingFailure, course: Course::Growing { hours: 2.0 } };
        let oil = Deed::Inject { kind: FailureKind::OilLeak, course: Course::Fixed { severity: 0.5 } };
        let maintain = Deed::Maintain { minutes: 45.0 };
        let act = |machine: &str, at, deed| (machine.to_owned(), Act { at, deed, cause: Cause::Scenario });
        assert_eq!(
            acts,
            [
                act("MACHINE_001", 1_090_000, bearing),
                act("MACHINE_002", 10_000_000, oil),
                act("MACHINE_001", 86_400_000, maintain),
                act("MACHINE_002", 86_400_000, maintain),
                act("MACHINE_001", 1_000_000, Deed::Clear),
            ]
        );
    }

    /// Entries, each wrong in one way.
    const WRONG: [&str; 18] = [
        "{machine: MACHINE_001, clear: true}",
        "{at: -5, machine: MACHINE_001, clear: true}",
        "{at: soon, machine: MACHINE_001, clear: true}",
        "{at: '1970-01-01T00:00:00Z', machine: MACHINE_001, clear: true}",
        "{at: 5, clear: true}",
        "{at: 5, machine: MACHINE_01, clear: true}",
        "{at: 5, machine: 7, clear: true}",
        "{at: 5, machine: [], clear: true}",
        "{at: 5, machine: all}",
        "{at: 5, machine: all, clear: true, maintenance: 5}",
        "{at: 5, machine: all, clear: false}",
        "{at: 5, machine: all, failure: bearing, hours: 2}",
        "{at: 5, machine: all, failure: oil_leak}",
        "{at: 5, machine: all, failure: oil_leak, hours: 2, severity: 1}",
        "{at: 5, machine: all, failure: oil_leak, severity: 2}",
        "{at: 5, machine: all, maintenance: 0}",
        "{at: 5, machine: all, maintenance: 5, hours: 2}",
        "{at: 5, machine: all, faliure: oil_leak, hours: 2}",
    ];

    #[test]
    fn what_is_wrong_is_said_in_one_sentence() {
        let sentence = |entry: &&str| {
            let text = format!("scenario:\n- {{at: 0, machine: all, clear: true}}\n- {entry}\n");
            let error = read(&text).expect_err(entry);
            assert_eq!((error.exit_code(), error.to_string().lines().count()), (2, 1), "{entry}");
            format!("{entry}\n  {error}\n")
        };
        insta::assert_snapshot!(WRONG.iter().map(sentence).collect::<String>());
    }

    #[test]
    fn a_file_without_a_list_is_refused() {
        for text in ["", "scenario: 5", "lesson: []"] {
            assert!(read(text).expect_err(text).to_string().starts_with("lesson.yaml: scenario"), "{text}");
        }
    }
}
