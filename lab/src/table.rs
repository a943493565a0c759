//! Small tables, for a terminal or a document.

use clap::ValueEnum;

/// How a table is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For a terminal
    Text,
    /// For a document
    Markdown,
}

/// The rows, of which the first is the head; all have as many cells.
pub(crate) fn render(form: Form, rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| match form {
        Form::Text => {
            let cells: String =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}   ")).collect();
            format!("{}\n", cells.trim_end())
        }
        Form::Markdown => format!("| {} |\n", row.join(" | ")),
    };
    let mut text: String = rows.iter().take(1).map(line).collect();
    if form == Form::Markdown {
        text += &line(&vec!["---".to_owned(); columns]);
    }
    text.extend(rows.iter().skip(1).map(line));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["crash", "found"], ["a", "each once"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(render(Form::Text, &rows), "crash   found\na       each once\n");
        assert_eq!(render(Form::Markdown, &rows), "| crash | found |\n| --- | --- |\n| a | each once |\n");
    }
}
