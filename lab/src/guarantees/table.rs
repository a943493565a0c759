use std::fmt::Write;

use clap::ValueEnum;

use super::Written;

/// How the table is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For a terminal
    Text,
    /// For a document
    Markdown,
}

/// What came through a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    point: String,
    guarantee: String,
    lost: u64,
    repeated: u64,
    foreign: u64,
}

impl Finding {
    pub fn of(point: &str, guarantee: &str, expected: &Written, written: &Written) -> Self {
        let missing = expected.keys().filter(|record| !written.contains_key(*record)).count();
        let foreign = written.keys().filter(|record| !expected.contains_key(*record)).count();
        Self {
            point: point.to_owned(),
            guarantee: guarantee.to_owned(),
            lost: missing as u64,
            repeated: written.values().map(|times| times - 1).sum(),
            foreign: foreign as u64,
        }
    }

    fn words(&self) -> String {
        let counts = [(self.lost, "lost"), (self.repeated, "repeated"), (self.foreign, "wrong")];
        let told: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if told.is_empty() { "each once".to_owned() } else { told.join(", ") }
    }
}

/// A row a point, a column a guarantee.
pub(super) fn render(form: Form, guarantees: &[&str], findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut row = |first: &str, cells: &[String]| {
        let _ = match form {
            Form::Text => {
                let cells: String = cells.iter().map(|cell| format!(" {cell:<26}")).collect();
                writeln!(text, "{}", format!("{first:<20}{cells}").trim_end())
            }
            Form::Markdown => writeln!(text, "| {first} | {} |", cells.join(" | ")),
        };
    };
    row("crash", &guarantees.iter().map(ToString::to_string).collect::<Vec<_>>());
    if form == Form::Markdown {
        row("---", &guarantees.iter().map(|_| "---".to_owned()).collect::<Vec<_>>());
    }
    for group in findings.chunk_by(|one, other| one.point == other.point) {
        let of = |guarantee: &&str| {
            let found = group.iter().find(|finding| finding.guarantee == **guarantee);
            found.map_or_else(String::new, Finding::words)
        };
        let cells: Vec<String> = guarantees.iter().map(of).collect();
        let point = &group[0].point;
        row(&if form == Form::Markdown { format!("`{point}`") } else { point.clone() }, &cells);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_twice_there_or_foreign_is_told() {
        let expected: Written = [(vec![1], 1), (vec![2], 1), (vec![3], 1)].into();
        let written: Written = [(vec![1], 3), (vec![2], 1), (vec![9], 1)].into();
        let found = Finding::of("after-poll:2", "at-least-once", &expected, &written);
        let calm = Finding::of("after-poll:2", "exactly-once", &expected, &expected);
        let text = render(Form::Markdown, &["at-least-once", "exactly-once"], &[found, calm]);
        let expected = "| crash | at-least-once | exactly-once |\n| --- | --- | --- |\n\
                        | `after-poll:2` | 1 lost, 2 repeated, 1 wrong | each once |\n";
        assert_eq!(text, expected);
    }
}
