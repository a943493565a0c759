use std::fmt::Write as _;
use std::io::Write;

use millrace_core::{Error, Result};

use super::Figure;

/// How figures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// Columns for people.
    Table,
    /// An array of objects.
    Json,
    /// A page of documentation: the figures, and what each method misses.
    Markdown,
}

/// Writes the figures.
///
/// # Errors
/// If they cannot be written.
pub fn write(figures: &[Figure], layout: Layout, to: &mut impl Write) -> Result<()> {
    let text = match layout {
        Layout::Table => table(figures),
        Layout::Json => json(figures)?,
        Layout::Markdown => super::markdown::markdown(figures),
    };
    to.write_all(text.as_bytes()).map_err(|e| Error::failed(format!("cannot write the figures: {e}")))
}

fn json(figures: &[Figure]) -> Result<String> {
    let text = serde_json::to_string_pretty(figures);
    text.map(|text| text + "\n").map_err(|e| Error::failed(format!("cannot write the figures: {e}")))
}

fn table(figures: &[Figure]) -> String {
    let width = |title: &str, text: fn(&Figure) -> &str| {
        figures.iter().map(|f| text(f).len()).chain([title.len()]).max().unwrap_or(0)
    };
    let dataset = width("data set", |f| f.dataset);
    let file = width("file", |f| &f.file);
    let algorithm = width("method", |f| f.algorithm);
    let metric = width("metric", |f| f.metric);
    let mut text = format!(
        "{:dataset$}  {:file$}  {:algorithm$}  {:metric$}  {:>9}\n",
        "data set", "file", "method", "metric", "value"
    );
    for figure in figures {
        let value = match (&figure.reason, figure.value) {
            (Some(reason), _) => reason.clone(),
            (None, Some(value)) => format!("{value:>9.3}"),
            (None, None) => format!("{:>9}", "-"),
        };
        let seeds =
            if figure.seeds > 1 { format!("  mean of {} seeds", figure.seeds) } else { String::new() };
        let (name, of, what) = (&figure.file, figure.algorithm, figure.metric);
        let _ = writeln!(
            text,
            "{:dataset$}  {name:file$}  {of:algorithm$}  {what:metric$}  {value}{seeds}",
            figure.dataset
        );
    }
    text
}
