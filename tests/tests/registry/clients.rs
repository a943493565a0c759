//! One script of confluent-kafka's client and of documented calls asks the development registry and a real
//! one. `MILLRACE_APICURIO_URL` says where Apicurio answers with Confluent's calls, as in
//! `http://127.0.0.1:8080/apis/ccompat/v7`.

use std::collections::BTreeMap;
use std::process::Command;

use libtest_mimic::{Completion, Failed};
use millrace_lab::registry::{self, Options};
use millrace_tests::{KafkaTest, Verdict, passed, skipped};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/registry_calls.py");
const EXPECTED: &str = include_str!("../../python/registry_answers.txt");
const DOCUMENT: &str = include_str!("../../../docs/registry.md");
const LIBRARIES: &str = "import confluent_kafka.schema_registry.avro, fastavro";

/// Answers by the name of the check.
type Answers = BTreeMap<String, String>;

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::own("clients::every_call_is_answered_as_recorded", as_recorded),
        KafkaTest::own("clients::every_difference_from_apicurio_is_listed_with_its_reason", as_apicurio),
    ]
}

fn as_recorded() -> Verdict {
    let python = match python() {
        Ok(python) => python,
        Err(skip) => return skip,
    };
    let ours = our_answers(&python)?;
    for (name, expected) in answers(EXPECTED) {
        assert_eq!(ours.get(&name), Some(&expected), "{name}");
    }
    assert_eq!(ours.len(), answers(EXPECTED).len(), "checks");
    passed()
}

fn as_apicurio() -> Verdict {
    let Ok(url) = std::env::var("MILLRACE_APICURIO_URL") else {
        return skipped(
            "MILLRACE_APICURIO_URL does not say where Apicurio answers",
            "MILLRACE_REQUIRE_APICURIO",
        );
    };
    let python = match python() {
        Ok(python) => python,
        Err(skip) => return skip,
    };
    let (ours, theirs) = (our_answers(&python)?, asked(&python, &url)?);
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "checks");
    let differing: BTreeMap<String, (String, String)> = ours
        .into_iter()
        .filter(|(name, answer)| theirs[name] != *answer)
        .map(|(name, answer)| (name.clone(), (answer, theirs[&name].clone())))
        .collect();
    let listed = listed();
    let unlisted: Vec<_> = differing.iter().filter(|(name, pair)| listed.get(*name) != Some(*pair)).collect();
    assert!(unlisted.is_empty(), "not in docs/registry.md: {unlisted:#?}");
    let gone: Vec<_> = listed.keys().filter(|name| !differing.contains_key(*name)).collect();
    assert!(gone.is_empty(), "listed in docs/registry.md, but no difference: {gone:?}");
    passed()
}

/// The interpreter with the client's libraries, or the verdict where there is none.
fn python() -> Result<String, Result<Completion, Failed>> {
    let interpreter = std::env::var("MILLRACE_PYTHON").unwrap_or_else(|_| "python3".into());
    match Command::new(&interpreter).args(["-c", LIBRARIES]).output() {
        Ok(output) if output.status.success() => Ok(interpreter),
        _ => {
            let reason = format!("{interpreter} has no confluent-kafka[avro,schemaregistry]");
            Err(skipped(&reason, "MILLRACE_REQUIRE_PYTHON"))
        }
    }
}

fn our_answers(python: &str) -> Result<Answers, Failed> {
    let registry = registry::start(Options::in_memory(0))?;
    asked(python, &registry.url())
}

fn asked(python: &str, url: &str) -> Result<Answers, Failed> {
    // -B: nothing is compiled into the source tree.
    let output = Command::new(python).args(["-B", SCRIPT, url]).output()?;
    assert!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout)?;
    let answers = answers(&said);
    assert_eq!(answers.len(), said.lines().count(), "each check has a name of its own");
    Ok(answers)
}

fn answers(lines: &str) -> Answers {
    let split = |line: &str| {
        let (name, answer) = line.split_once(": ")?;
        Some((name.to_owned(), answer.to_owned()))
    };
    lines.lines().filter_map(split).collect()
}

/// The rows `| check | ours | theirs |` of the document's tables; answers stand in backticks.
fn listed() -> BTreeMap<String, (String, String)> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim().strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [name, ours, theirs] = cells[..] else { return None };
        let answer = |cell: &str| Some(cell.strip_prefix('`')?.strip_suffix('`')?.to_owned());
        Some((name.to_owned(), (answer(ours)?, answer(theirs)?)))
    };
    DOCUMENT.lines().filter_map(row).collect()
}
