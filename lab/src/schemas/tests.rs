use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use tempfile::TempDir;

use super::check::{self, Verdict};
use super::source::{Named, Registry, parse};
use super::{diff, register};
use crate::registry::RegistryServer;

const OLD: &str = r#"{"type":"record","name":"R","fields":[
    {"name":"machine","type":"string"},
    {"name":"count","type":"int"},
    {"name":"status","type":{"type":"enum","name":"S","symbols":["on","off"]}},
    {"name":"features","type":["null",{"type":"record","name":"F","fields":[{"name":"hour","type":"int"}]}]}]}"#;

const NEW: &str = r#"{"type":"record","name":"R","fields":[
    {"name":"machine","type":"string"},
    {"name":"status","type":{"type":"enum","name":"S","symbols":["on","off","idle"]}},
    {"name":"features","type":["null",{"type":"record","name":"F","fields":[{"name":"hour","type":"string"}]}]},
    {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
    {"name":"humidity","type":["null","double"],"default":null}]}"#;

fn named(name: &str, json: &str) -> Named {
    parse(json, name.to_owned()).expect("a schema")
}

/// A record `R` with these fields of type int.
fn ints(fields: &[&str]) -> String {
    let field = |name: &&str| format!(r#"{{"name":"{name}","type":"int"}}"#);
    let fields: Vec<_> = fields.iter().map(field).collect();
    format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(","))
}

fn file(folder: &TempDir, name: &str, json: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, json).expect("written");
    path
}

/// A registry, and how to reach it.
fn registry() -> (RegistryServer, Registry) {
    let server = crate::registry::start(crate::registry::Options::in_memory(0)).expect("a registry");
    let url = Some(server.url());
    (server, Registry { url, ..Registry::default() })
}

fn lab(args: &[&str]) -> millrace_core::Result<()> {
    let args = ["lab", "schemas"].into_iter().chain(args.iter().copied());
    crate::main(args.map(Into::into))
}

/// What is said, without the folder it happens in.
fn said(verdict: Verdict, folder: &TempDir) -> String {
    let all = format!("{}{}", verdict.text, verdict.refused.unwrap_or_default());
    all.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn a_diff_names_every_field_and_says_which_levels_allow_it() {
    assert_snapshot!(diff::text(&named("old.avsc", OLD), &named("new.avsc", NEW)));
}

#[test]
fn a_schema_does_not_differ_from_itself() {
    assert_snapshot!(diff::text(&named("a.avsc", OLD), &named("b.avsc", OLD)));
}

#[test]
fn a_refusal_is_one_sentence_a_reason_and_an_end() {
    let folder = TempDir::new().expect("a folder");
    let args = check::Args {
        file: Some(file(&folder, "new.avsc", NEW)),
        against: vec![file(&folder, "old.avsc", OLD)],
        ..check::Args::default()
    };
    assert_snapshot!(said(check::judge(&args).expect("judged"), &folder));
}

#[test]
fn a_transitive_level_looks_at_every_file_and_the_default_at_the_last() {
    let folder = TempDir::new().expect("a folder");
    let mut args = check::Args {
        file: Some(file(&folder, "3.avsc", &ints(&["a", "b"]))),
        against: vec![file(&folder, "1.avsc", &ints(&["a"])), file(&folder, "2.avsc", &ints(&["a", "b"]))],
        ..check::Args::default()
    };
    let verdict = check::judge(&args).expect("judged");
    assert_eq!(said(verdict, &folder), "3.avsc is allowed at BACKWARD after 2.avsc\n");
    args.compatibility = Some("backward_transitive".parse().expect("a level"));
    let refused = check::judge(&args).expect("judged").refused.expect("a refusal");
    assert!(refused.contains("is not allowed at BACKWARD_TRANSITIVE after") && refused.contains("1.avsc"));
}

#[test]
fn without_a_file_our_own_schemas_are_judged() {
    let verdict = check::judge(&check::Args::default()).expect("judged");
    assert!(verdict.refused.is_none());
    let first = "version 1 of SensorReading is allowed at FULL_TRANSITIVE, being the first\n";
    assert!(verdict.text.starts_with(first), "{}", verdict.text);
}

#[test]
fn a_file_without_anything_to_check_it_against_is_refused_with_the_flags() {
    let folder = TempDir::new().expect("a folder");
    let path = file(&folder, "new.avsc", NEW);
    let error = lab(&["check", &path.to_string_lossy()]).expect_err("refused");
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().ends_with("say --against FILE or --subject SUBJECT"), "{error}");
}

#[test]
fn what_is_no_schema_is_refused_by_its_name() {
    let folder = TempDir::new().expect("a folder");
    let path = file(&folder, "broken.avsc", "{");
    for (path, problem) in [
        (path.as_path(), "broken.avsc is no Avro schema"),
        (Path::new("gone.avsc"), "gone.avsc cannot be read"),
    ] {
        let error = lab(&["diff", &path.to_string_lossy(), "other.avsc"]).expect_err("refused");
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[test]
fn a_schema_is_registered_with_its_id_and_version_and_checked_against_the_subject() {
    let (_server, registry) = registry();
    let folder = TempDir::new().expect("a folder");
    let first = register::Args {
        file: file(&folder, "first.avsc", &ints(&["a"])),
        subject: "s-value".to_owned(),
        registry: registry.clone(),
    };
    for _ in 0..2 {
        assert_eq!(register::run(&first).expect("registered"), "id 1, version 1 of s-value\n");
    }
    let file = Some(file(&folder, "new.avsc", &ints(&["a", "b"])));
    let args = check::Args { file, subject: Some("s-value".into()), registry, ..check::Args::default() };
    assert_snapshot!(said(check::judge(&args).expect("judged"), &folder));
}

#[test]
fn a_refusal_ends_with_exit_code_1_and_what_is_allowed_with_0() {
    let folder = TempDir::new().expect("a folder");
    let (old, new) = (file(&folder, "1.avsc", &ints(&["a"])), file(&folder, "2.avsc", &ints(&["a", "b"])));
    let (old, new) = (old.to_string_lossy(), new.to_string_lossy());
    assert_eq!(lab(&["check", &new, "--against", &old]).expect_err("refused").exit_code(), 1);
    assert!(lab(&["check", &old, "--against", &new]).is_ok());
    assert!(lab(&["check", &new, "--against", &old, "--compatibility", "forward"]).is_ok());
}

#[test]
fn a_level_that_does_not_exist_is_refused_with_those_that_do() {
    let error = lab(&["check", "--compatibility", "SIDEWAYS"]).expect_err("refused");
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("use one of NONE, BACKWARD, BACKWARD_TRANSITIVE"), "{error}");
}

#[test]
fn a_subject_without_versions_takes_any_schema_but_has_none_to_show() {
    let (_server, registry) = registry();
    let folder = TempDir::new().expect("a folder");
    let path = file(&folder, "new.avsc", NEW);
    let url = registry.url.clone().expect("an address");
    let args = check::Args {
        file: Some(path.clone()),
        subject: Some("new-value".into()),
        registry,
        ..check::Args::default()
    };
    let verdict = check::judge(&args).expect("judged");
    assert_eq!(said(verdict, &folder), "new.avsc is allowed at BACKWARD, being the first\n");
    let error = lab(&["diff", "new-value", &path.to_string_lossy(), "--schema-registry-url", &url]);
    let sentence = error.expect_err("refused").to_string();
    assert_eq!(sentence, "new-value has no version in the registry; name another subject");
}
