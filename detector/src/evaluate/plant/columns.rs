use std::fs::File;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime};
use csv::{ByteRecord, Reader};
use millrace_core::{Error, Result};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::RowIter;
use serde_json::{Map, Value};

use crate::avro::Records;
use crate::input::as_text;

/// A file whose columns are asked for by name: CSV, JSON lines, Avro or Parquet, by its ending.
pub(super) struct Columns {
    path: PathBuf,
    source: Source,
    names: Vec<String>,
    places: Vec<usize>,
    record: ByteRecord,
    line: u64,
}

enum Source {
    Csv(Reader<File>),
    Json(Lines<BufReader<File>>),
    Avro(Box<Records>),
    Parquet(RowIter<'static>),
}

/// Endings in the order in which they are looked for.
const ENDINGS: [&str; 6] = ["csv", "jsonl", "ndjson", "json", "avro", "parquet"];

/// The file of this name in a folder, whatever its ending.
pub(super) fn named(folder: &Path, name: &str) -> Result<PathBuf> {
    let paths = ENDINGS.iter().map(|ending| folder.join(format!("{name}.{ending}")));
    let found: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    match &found[..] {
        [path] => Ok(path.clone()),
        [] => Err(Error::failed(format!(
            "the folder `{}` has no `{name}.csv` (nor .jsonl, .avro, .parquet); `producer --output readings.csv \
             --truth truth.csv` makes readings, truth and episodes",
            folder.display()
        ))),
        [one, other, ..] => Err(Error::failed(format!(
            "the folder `{}` has both `{}` and `{}`; keep one run in a folder",
            folder.display(),
            one.file_name().unwrap_or_default().display(),
            other.file_name().unwrap_or_default().display()
        ))),
    }
}

impl Columns {
    pub fn open(path: &Path, names: &[&str]) -> Result<Self> {
        let at = |e: &dyn std::fmt::Display| unreadable(path, e);
        let file = File::open(path).map_err(|e| at(&e))?;
        let owned = names.iter().map(|name| (*name).to_owned()).collect();
        let (source, header) = match path.extension().and_then(|ending| ending.to_str()) {
            Some("parquet") => {
                let reader = SerializedFileReader::new(file).map_err(|e| at(&e))?;
                let schema = reader.metadata().file_metadata().schema();
                let header = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
                (Source::Parquet(RowIter::from_file_into(Box::new(reader))), Some(header))
            }
            Some("avro") => {
                let records = Records::new(Box::new(BufReader::new(file))).map_err(|e| at(&e))?;
                let header = records.names().cloned().collect();
                (Source::Avro(Box::new(records)), Some(header))
            }
            Some("csv") => {
                let mut reader = Reader::from_reader(file);
                let header = reader.headers().map_err(|e| at(&e))?.iter().map(str::to_owned).collect();
                (Source::Csv(reader), Some(header))
            }
            _ => (Source::Json(BufReader::new(file).lines()), None),
        };
        let header: Option<Vec<String>> = header;
        let place = |(index, name): (usize, &&str)| match &header {
            // Each object says itself where its values are.
            None => Ok(index),
            Some(header) => header
                .iter()
                .position(|column| column == *name)
                .ok_or_else(|| at(&format!("it has no column `{name}`"))),
        };
        let places = names.iter().enumerate().map(place).collect::<Result<_>>()?;
        let record = ByteRecord::new();
        Ok(Self { path: path.to_owned(), source, names: owned, places, record, line: 0 })
    }

    pub fn next(&mut self) -> Result<bool> {
        match &mut self.source {
            Source::Csv(reader) => {
                let read = reader.read_byte_record(&mut self.record);
                self.line = self.record.position().map_or(0, csv::Position::line);
                read.map_err(|e| unreadable(&self.path, &e))
            }
            Source::Json(lines) => {
                let line = lines.next().transpose().map_err(|e| unreadable(&self.path, &e))?;
                self.line += 1;
                line.map_or(Ok(false), |line| self.object(&line))
            }
            Source::Avro(records) => {
                let record = records.next().map_err(|e| unreadable(&self.path, &e))?;
                self.line += 1;
                let Some(record) = record else { return Ok(false) };
                self.record.clear();
                record.iter().for_each(|(_, value)| self.record.push_field(as_text(value).as_bytes()));
                Ok(true)
            }
            Source::Parquet(rows) => {
                let row = rows.next().transpose().map_err(|e| unreadable(&self.path, &e))?;
                self.line += 1;
                let Some(row) = row else { return Ok(false) };
                self.record.clear();
                row.get_column_iter().for_each(|(_, field)| self.record.push_field(cell(field).as_bytes()));
                Ok(true)
            }
        }
    }

    fn object(&mut self, line: &str) -> Result<bool> {
        let object: Map<String, Value> = serde_json::from_str(line)
            .map_err(|e| unreadable(&self.path, &format!("{} is not a JSON object: {e}", self.place())))?;
        self.record.clear();
        for name in &self.names {
            let Some(value) = object.get(name) else {
                let what = format!("{} has no field `{name}`", self.place());
                return Err(unreadable(&self.path, &what));
            };
            self.record.push_field(as_text(value).as_bytes());
        }
        Ok(true)
    }

    pub fn text(&self, column: usize) -> &str {
        std::str::from_utf8(&self.record[self.places[column]]).unwrap_or_default()
    }

    pub fn wrong(&self, column: usize, wanted: &str) -> Error {
        let what = format!("{}: `{}` is not {wanted}", self.place(), self.text(column));
        unreadable(&self.path, &what)
    }

    fn place(&self) -> String {
        let what = match self.source {
            Source::Csv(_) | Source::Json(_) => "line",
            Source::Avro(_) | Source::Parquet(_) => "record",
        };
        format!("{what} {}", self.line)
    }

    pub fn number(&self, column: usize) -> Result<f64> {
        match self.text(column) {
            "" => Ok(f64::NAN),
            text => text.parse().map_err(|_| self.wrong(column, "a number")),
        }
    }

    /// Milliseconds since 1970.
    pub fn time(&self, column: usize) -> Result<i64> {
        let text = self.text(column).trim_end_matches('Z');
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
        time.map(|time| time.and_utc().timestamp_millis()).map_err(|_| self.wrong(column, "a time"))
    }
}

fn unreadable(path: &Path, what: &dyn std::fmt::Display) -> Error {
    Error::failed(format!("cannot read `{}`: {what}", path.display()))
}

/// A value of a Parquet column as the text formats write it.
fn cell(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::TimestampMillis(time) => DateTime::from_timestamp_millis(*time)
            .unwrap_or_default()
            .format("%Y-%m-%dT%H:%M:%S%.3f")
            .to_string(),
        Field::Double(number) => number.to_string(),
        other => other.to_string(),
    }
}
