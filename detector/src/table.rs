//! Files of numbers: a header, then a row a line.

use std::num::NonZeroUsize;
use std::path::Path;

use millrace_core::{Error, Result};

use crate::rows::Rows;

/// A file of numbers, with what its other columns say about each row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Names of the columns of numbers.
    pub names: Vec<String>,
    /// The numbers, row by row; NaN where a cell is empty.
    pub values: Vec<f64>,
    /// Whether a row is faulty; empty where the file does not say.
    pub faulty: Vec<bool>,
    /// The time of each row as written; empty where the file does not say.
    pub times: Vec<String>,
}

/// What a column is, by its name.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    Number,
    Fault,
    Time,
    Ignored,
}

impl Role {
    fn of(name: &str) -> Self {
        match name {
            "label" | "anomaly" => Self::Fault,
            "timestamp" | "datetime" => Self::Time,
            // SKAB marks where an anomaly begins or ends; that is an answer, not a reading.
            "changepoint" => Self::Ignored,
            _ => Self::Number,
        }
    }
}

impl Table {
    /// Reads a CSV file. `label` or `anomaly` is the truth (0 is healthy), `timestamp` or `datetime` the time.
    ///
    /// # Errors
    /// If the file cannot be read, or a cell is not a number; the sentence names line and column.
    pub fn read(path: &Path, separator: u8) -> Result<Self> {
        let at = |e: &dyn std::fmt::Display| Error::failed(format!("cannot read `{}`: {e}", path.display()));
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .flexible(true)
            .from_path(path)
            .map_err(|e| at(&e))?;
        let header = reader.headers().map_err(|e| at(&e))?.clone();
        let roles: Vec<Role> = header.iter().map(Role::of).collect();
        let number = |(name, role): &(&str, &Role)| (**role == Role::Number).then(|| (*name).to_owned());
        let names = header.iter().zip(&roles).filter_map(|pair| number(&pair)).collect();
        let mut table = Self { names, ..Self::default() };
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(|e| at(&e))? {
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() != header.len() {
                let (found, expected) = (record.len(), header.len());
                return Err(at(&format!("line {line} has {found} cells where {expected} are expected")));
            }
            for ((cell, role), name) in record.iter().zip(&roles).zip(&header) {
                table
                    .take(cell, *role)
                    .ok_or_else(|| at(&format!("line {line}, column `{name}`: `{cell}` is not a number")))?;
            }
        }
        if table.names.is_empty() || table.values.is_empty() {
            return Err(at(&"it has no row of numbers"));
        }
        Ok(table)
    }

    fn take(&mut self, cell: &str, role: Role) -> Option<()> {
        match role {
            Role::Number => self.values.push(number(cell)?),
            Role::Fault => self.faulty.push(number(cell)? > 0.0),
            Role::Time => self.times.push(cell.to_owned()),
            Role::Ignored => {}
        }
        Some(())
    }

    /// The numbers as rows.
    pub fn rows(&self) -> Rows<'_> {
        // Every row was read whole, and has a column.
        Rows::whole(&self.values, NonZeroUsize::new(self.names.len()).unwrap_or(NonZeroUsize::MIN))
    }
}

/// A cell as a number; an empty one is missing.
fn number(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    if cell.is_empty() || cell.eq_ignore_ascii_case("null") {
        return Some(f64::NAN);
    }
    cell.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Table> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.csv");
        std::fs::write(&path, text).expect("written");
        Table::read(&path, b';')
            .map_err(|e| Error::failed(e.to_string().replace(&path.display().to_string(), "a.csv")))
    }

    #[test]
    fn numbers_truth_and_time_are_told_apart_by_their_names() {
        let table = read("datetime;a;b;anomaly;changepoint\n1;1.5;;1.0;0\n").expect("a table");
        assert_eq!(
            (table.names, table.faulty, table.times),
            (vec!["a".into(), "b".into()], vec![true], vec!["1".into()])
        );
        assert!(table.values[0] == 1.5 && table.values[1].is_nan());
    }

    #[test]
    fn text_in_numbers_is_named_by_line_and_column() {
        let sentence = read("a;b\n1;2\n3;four\n").expect_err("text").to_string();
        assert_eq!(sentence, "cannot read `a.csv`: line 3, column `b`: `four` is not a number");
        assert_eq!(
            read("a;b\n").expect_err("empty").to_string(),
            "cannot read `a.csv`: it has no row of numbers"
        );
    }
}
