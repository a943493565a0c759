//! Command lines that say something wrongly.

use super::program::{producer, text};

/// What each is answered: it must be one sentence, with exit code 2, and nothing may be written.
pub fn refusals(command_lines: &[&[&str]]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = String::new();
    for args in command_lines {
        let output = producer(folder.path(), args);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(output.stdout.is_empty(), "{args:?} wrote to standard output");
        assert_eq!(error.lines().count(), 1, "{args:?}: {error}");
        seen.push_str(&format!("{}\n  {error}", args.join(" ")));
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 0);
    seen
}
