use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use millrace_core::{Error, Result};

use super::Cleaned;
use super::ledger::Source;
use crate::disorder::undo::Rows;

/// How the header of a CSV file begins, which no row of a reading does.
const HEADER: &[u8] = b"timestamp,";

/// Cleans a text file.
pub(super) fn clean(ledger: &Source, from: &Path, to: &Path) -> Result<Cleaned> {
    let mut undo = Rows::default();
    ledger.read(|entry| {
        if undo.learn(entry) {
            return Ok(());
        }
        Err(Error::failed(format!(
            "--ledger is that of a topic: it does not say which row of {} a record was",
            from.display()
        )))
    })?;
    let refuse = |verb: &str, path: &Path, e: std::io::Error| {
        Error::failed(format!("{} cannot be {verb}: {e}", path.display()))
    };
    let mut input = BufReader::new(File::open(from).map_err(|e| refuse("read", from, e))?);
    let mut output = BufWriter::new(File::create(to).map_err(|e| refuse("written", to, e))?);
    let (mut records, mut headers) = (0, 0);
    let mut write = |row: &[u8]| {
        records += 1;
        line(&mut output, row).map_err(|e| refuse("written", to, e))
    };
    let mut row = Vec::new();
    let mut is_first = true;
    while input.read_until(b'\n', &mut row).map_err(|e| refuse("read", from, e))? > 0 {
        let text = row.strip_suffix(b"\n").unwrap_or(&row);
        if std::mem::take(&mut is_first) && text.starts_with(HEADER) {
            write(text)?;
            headers = 1;
        } else {
            undo.next(text, &mut write)?;
        }
        row.clear();
    }
    let found = undo.finish(&mut write)?;
    output.flush().map_err(|e| refuse("written", to, e))?;
    Ok(Cleaned { records: records - headers, found })
}

fn line(output: &mut impl Write, row: &[u8]) -> std::io::Result<()> {
    output.write_all(row)?;
    output.write_all(b"\n")
}
