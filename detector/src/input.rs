//! Readings from a file or a pipe, as they come: CSV with a header, JSON lines, or an Avro container.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use chrono::{DateTime, NaiveDateTime};
use millrace_core::{Error, Result};
use millrace_schemas::Sensor;
use serde_json::{Map, Value};

use crate::avro::{MAGIC, Records};

/// What one machine showed at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The machine; empty where the input does not say.
    pub machine: String,
    /// Event time, milliseconds since 1970; None where the input has none.
    pub time: Option<i64>,
    /// Whether the machine says that it is being maintained.
    pub maintained: bool,
    /// One value a column; NaN is missing.
    pub values: Vec<f64>,
}

impl Reading {
    /// The reading that a row of cells with names is.
    ///
    /// # Errors
    /// A clause that names the column which is not what it should be.
    pub fn of(columns: &[String], cells: &Map<String, Value>) -> std::result::Result<Self, Unfit> {
        let text = |name: &str| cells.get(name).map(as_text).unwrap_or_default();
        let time = ["timestamp", "datetime"]
            .into_iter()
            .find(|name| cells.get(*name).is_some_and(|cell| !cell.is_null()));
        let number = |name: &String| {
            let cell = cells.get(name).unwrap_or(&Value::Null);
            as_number(cell)
                .ok_or_else(|| Unfit::Number(format!("column `{name}`: `{}` is not a number", as_text(cell))))
        };
        let moment = |name: &str| {
            as_time(&cells[name]).ok_or_else(|| {
                let text = text(name);
                Unfit::Time(format!("column `{name}`: `{text}` is not a time such as 2026-01-01T00:00:00"))
            })
        };
        Ok(Self {
            machine: text("machine_id"),
            time: time.map(moment).transpose()?,
            maintained: text("maintenance_status") == "maintenance",
            values: columns.iter().map(number).collect::<std::result::Result<_, _>>()?,
        })
    }
}

/// What a column is not; a clause about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// A number.
    Number(String),
    /// A time.
    Time(String),
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(clause) | Self::Time(clause) => to.write_str(clause),
        }
    }
}

/// Readings in the order of the input.
pub struct Input {
    name: String,
    columns: Vec<String>,
    /// Whether somebody named them.
    is_chosen: bool,
    lines: Lines,
    /// Where the reading at hand stands: its line, or its number among the records of a container.
    line: u64,
}

enum Lines {
    Csv { reader: csv::Reader<Box<dyn Read>>, header: Vec<String> },
    Json { reader: Box<dyn BufRead>, first: Option<Map<String, Value>> },
    Avro(Box<Records>),
}

/// Columns that are no sensors: who, when, and answers that a detector must not see.
const NO_SENSORS: [&str; 11] = [
    "timestamp",
    "datetime",
    "machine_id",
    "sequence",
    "maintenance_status",
    "label",
    "anomaly",
    "changepoint",
    "anomaly_label",
    "anomaly_type",
    "severity",
];

/// The columns to judge. A reading of our plant is its seven sensors, whatever was derived from them.
pub(crate) fn sensors<'a>(names: impl Iterator<Item = &'a String> + Clone) -> Vec<String> {
    let plant = Sensor::ALL.map(Sensor::name);
    if plant.iter().all(|sensor| names.clone().any(|name| name == sensor)) {
        return plant.map(str::to_owned).to_vec();
    }
    names.filter(|name| !NO_SENSORS.contains(&name.as_str())).cloned().collect()
}

/// The columns that somebody names: each once, none that is no sensor, and our plant's in their order.
///
/// # Errors
/// A clause about the name that cannot be judged.
pub(crate) fn chosen(names: &[String]) -> std::result::Result<Vec<String>, String> {
    for (place, name) in names.iter().enumerate() {
        match name.as_str() {
            "" => return Err("a name is empty".to_owned()),
            name if names[..place].iter().any(|earlier| earlier == name) => {
                return Err(format!("`{name}` is given twice"));
            }
            name if NO_SENSORS.contains(&name) => {
                return Err(format!("`{name}` is no sensor, and is never judged"));
            }
            _ => {}
        }
    }
    if names.is_empty() {
        return Err("names none; leave it out to take what the readings have".to_owned());
    }
    let plant = Sensor::ALL.map(Sensor::name).map(str::to_owned);
    let is_plant = names.len() == plant.len() && plant.iter().all(|sensor| names.contains(sensor));
    Ok(if is_plant { plant.to_vec() } else { names.to_vec() })
}

impl Input {
    /// Opens a file, or standard input for `-`, and reads its header or first line. Its columns are those that are
    /// named, or all that can be judged.
    ///
    /// # Errors
    /// If it cannot be read, has no column of numbers, or lacks one that is named.
    pub fn open(path: &Path, sensors: Option<&[String]>) -> Result<Self> {
        if path == Path::new("-") {
            return Self::read("standard input", Box::new(std::io::stdin()), sensors);
        }
        let name = format!("`{}`", path.display());
        let file = File::open(path).map_err(|e| Error::failed(format!("cannot read {name}: {e}")))?;
        Self::read(&name, Box::new(file), sensors)
    }

    fn read(name: &str, from: Box<dyn Read>, sensors: Option<&[String]>) -> Result<Self> {
        let at = |e: &dyn std::fmt::Display| Error::failed(format!("cannot read {name}: {e}"));
        let mut reader = BufReader::new(from);
        let start = reader.fill_buf().map_err(|e| at(&e))?;
        let lines = if start.starts_with(MAGIC) {
            Lines::Avro(Box::new(Records::new(Box::new(reader)).map_err(|e| at(&e))?))
        } else if start.first() == Some(&b'{') {
            Lines::Json { reader: Box::new(reader), first: None }
        } else {
            let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let count = |wanted| first.iter().filter(|byte| **byte == wanted).count();
            let separator = if count(b';') > count(b',') { b';' } else { b',' };
            let mut builder = csv::ReaderBuilder::new();
            let mut reader = builder.delimiter(separator).flexible(true).from_reader(Box::new(reader) as _);
            let header = reader.headers().map_err(|e| at(&e))?.iter().map(str::to_owned).collect();
            Lines::Csv { reader, header }
        };
        let (name, is_chosen) = (name.to_owned(), sensors.is_some());
        let mut input = Self { name, columns: Vec::new(), is_chosen, lines, line: 0 };
        input.learn_columns(sensors)?;
        Ok(input)
    }

    fn learn_columns(&mut self, named: Option<&[String]>) -> Result<()> {
        let first = if let Lines::Json { .. } = self.lines { self.object()? } else { None };
        let all: Vec<String> = match &mut self.lines {
            Lines::Csv { header, .. } => header.clone(),
            Lines::Avro(records) => records.numbers().cloned().collect(),
            Lines::Json { first: kept, .. } => {
                let number = |pair: &(&String, &Value)| pair.1.is_number() || pair.1.is_null();
                let names = first.iter().flatten().filter(number).map(|pair| pair.0.clone()).collect();
                *kept = first;
                names
            }
        };
        let absent = named.into_iter().flatten().find(|name| !all.contains(name));
        if let Some(absent) = absent.filter(|_| !all.is_empty()) {
            let found = all.join(", ");
            let what = if let Lines::Json { .. } = self.lines { "number" } else { "column" };
            return Err(
                self.wrong(format!("--sensors: it begins without a {what} `{absent}`, but with {found}"))
            );
        }
        self.columns = named.map_or_else(|| sensors(all.iter()), <[String]>::to_vec);
        if self.columns.is_empty() || all.is_empty() {
            return Err(
                self.wrong("it has no column of numbers; CSV with a header, JSON lines or an Avro container are expected")
            );
        }
        Ok(())
    }

    /// Names of the columns that are judged.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The next reading; None at the end.
    ///
    /// # Errors
    /// If a line cannot be read or a cell is not a number; the sentence names the line, in a container the record.
    pub fn reading(&mut self) -> Result<Option<Reading>> {
        match self.lines {
            Lines::Csv { .. } => self.next_row(),
            Lines::Json { .. } => self.next_object(),
            Lines::Avro(_) => self.next_record(),
        }
    }

    fn next_row(&mut self) -> Result<Option<Reading>> {
        let Lines::Csv { reader, header } = &mut self.lines else { return Ok(None) };
        let mut record = csv::StringRecord::new();
        let more = reader.read_record(&mut record);
        self.line = record.position().map_or(0, csv::Position::line);
        let (found, expected) = (record.len(), header.len());
        let cells: Vec<(String, Value)> =
            header.iter().zip(&record).map(|(name, cell)| (name.clone(), value(cell))).collect();
        match more {
            Err(e) => Err(self.wrong(&e)),
            Ok(false) => Ok(None),
            Ok(true) if found != expected => {
                let place = self.place();
                Err(self.wrong(format!("{place} has {found} cells where {expected} are expected")))
            }
            Ok(true) => self.of(&cells.into_iter().collect()).map(Some),
        }
    }

    fn next_record(&mut self) -> Result<Option<Reading>> {
        let Lines::Avro(records) = &mut self.lines else { return Ok(None) };
        self.line += 1;
        match records.next() {
            Err(e) => Err(self.wrong(e)),
            Ok(fields) => fields.map(|fields| self.of(&fields.into_iter().collect())).transpose(),
        }
    }

    fn next_object(&mut self) -> Result<Option<Reading>> {
        let kept = if let Lines::Json { first, .. } = &mut self.lines { first.take() } else { None };
        let object = if kept.is_some() { kept } else { self.object()? };
        object.map(|object| self.of(&object)).transpose()
    }

    fn object(&mut self) -> Result<Option<Map<String, Value>>> {
        let Lines::Json { reader, .. } = &mut self.lines else { return Ok(None) };
        let mut text = String::new();
        while text.trim().is_empty() {
            text.clear();
            self.line += 1;
            match reader.read_line(&mut text) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(e) => return Err(self.wrong(&e)),
            }
        }
        serde_json::from_str(&text).map(Some).map_err(|e| {
            let place = self.place();
            self.wrong(format!("{place} is not a JSON object: {e}"))
        })
    }

    fn of(&self, cells: &Map<String, Value>) -> Result<Reading> {
        Reading::of(&self.columns, cells).map_err(|unfit| {
            let has_choice = matches!(unfit, Unfit::Number(_)) && !self.is_chosen;
            let remedy = if has_choice { "; --sensors names the columns to judge" } else { "" };
            self.wrong(format!("{}, {unfit}{remedy}", self.place()))
        })
    }

    fn place(&self) -> String {
        let what = if let Lines::Avro(_) = self.lines { "record" } else { "line" };
        format!("{what} {}", self.line)
    }

    fn wrong(&self, what: impl std::fmt::Display) -> Error {
        Error::failed(format!("cannot read {}: {what}", self.name))
    }
}

/// A CSV cell: empty is missing, all else is text until it is asked for as a number.
fn value(cell: &str) -> Value {
    if cell.trim().is_empty() { Value::Null } else { Value::String(cell.trim().to_owned()) }
}

/// A value of JSON or Avro as CSV writes it.
pub(crate) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Milliseconds since 1970: of a text in UTC or with its offset, or a number of them.
fn as_time(value: &Value) -> Option<i64> {
    if let Value::Number(number) = value {
        return number.as_i64();
    }
    let text = as_text(value);
    let plain = text.trim_end_matches('Z').replace(' ', "T");
    let time = NaiveDateTime::parse_from_str(&plain, "%Y-%m-%dT%H:%M:%S%.f");
    let with_offset = || DateTime::parse_from_rfc3339(&text).ok().map(|time| time.timestamp_millis());
    time.map_or_else(|_| with_offset(), |time| Some(time.and_utc().timestamp_millis()))
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(f64::NAN),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &'static str) -> Result<(Vec<String>, Vec<Reading>)> {
        let mut input = Input::read("it", Box::new(text.as_bytes()), None)?;
        let mut readings = Vec::new();
        while let Some(reading) = input.reading()? {
            readings.push(reading);
        }
        Ok((input.columns, readings))
    }

    #[test]
    fn columns_that_are_named_are_read_and_no_others() {
        let text = "a,note,b\n1,fine,2\n";
        let error = all(text).expect_err("a text").to_string();
        assert!(error.contains("`note`: `fine` is not a number; --sensors"), "{error}");
        let read = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let mut input = Input::read("it", Box::new(text.as_bytes()), Some(&names))?;
            input.reading()
        };
        let reading = read(&["b", "a"]).expect("read").expect("a reading");
        assert_eq!(reading.values, [2.0, 1.0]);
        let error = read(&["c"]).expect_err("no such column").to_string();
        assert!(error.contains("without a column `c`, but with a, note, b"), "{error}");
    }

    #[test]
    fn csv_and_json_say_the_same() {
        let csv = "timestamp;machine_id;a;b;anomaly\n2026-01-01 00:00:01;M1;1.5;2;1\n";
        let json =
            "{\"timestamp\":\"2026-01-01T00:00:01\",\"machine_id\":\"M1\",\"a\":1.5,\"b\":2,\"anomaly\":1}\n";
        let (columns, readings) = all(csv).expect("CSV");
        assert_eq!((columns, readings.len()), (vec!["a".to_owned(), "b".to_owned()], 1));
        assert_eq!(readings, all(json).expect("JSON").1);
        assert_eq!(readings[0].time, Some(1_767_225_601_000));
        for time in ["1767225601000", "\"2026-01-01T01:00:01+01:00\"", "\"2026-01-01T00:00:01Z\""] {
            let text = format!("{{\"timestamp\":{time},\"a\":1}}\n");
            assert_eq!(all(text.leak()).expect("JSON").1[0].time, Some(1_767_225_601_000), "{time}");
        }
    }

    #[test]
    fn what_is_wrong_in_a_container_is_named_with_its_record() {
        let schema = r#"{"type": "record", "name": "row", "fields": [
            {"name": "timestamp", "type": "string"}, {"name": "a", "type": ["string", "double"]}]}"#;
        let mut bytes = Vec::new();
        millrace_schemas::codec::write_container_header(schema, "null", [7; 16], &mut bytes);
        // Strings and their length in zigzag; then the branch of the union.
        let (fine, wrong) = (*b"\x261970-01-01T00:00:01\x00\x021", *b"\x261970-01-01T00:00:02\x00\x02x");
        let rows = [fine, wrong].concat();
        millrace_schemas::codec::write_container_block(2, &rows, [7; 16], &mut bytes);
        let mut input = Input::read("it", Box::new(std::io::Cursor::new(bytes)), None).expect("a container");
        assert_eq!(input.reading().expect("read").expect("a record").values, [1.0]);
        let sentence = input.reading().expect_err("wrong").to_string();
        assert_eq!(
            sentence,
            "cannot read it: record 2, column `a`: `x` is not a number; --sensors names the columns to judge"
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let sentence = |text| all(text).expect_err("wrong").to_string();
        assert_eq!(
            sentence("a,b\n1,2\n3,x\n"),
            "cannot read it: line 3, column `b`: `x` is not a number; --sensors names the columns to judge"
        );
        assert_eq!(sentence("a,b\n1\n"), "cannot read it: line 2 has 1 cells where 2 are expected");
        assert!(
            sentence("{\"a\":1}\n{\"a\":[]}\n")
                .ends_with("line 2, column `a`: `[]` is not a number; --sensors names the columns to judge")
        );
        assert!(sentence("{\"a\":1}\nno\n").starts_with("cannot read it: line 2 is not a JSON object"));
        assert!(
            sentence("timestamp,a\nnow,1\n")
                .ends_with("line 2, column `timestamp`: `now` is not a time such as 2026-01-01T00:00:00")
        );
        assert!(sentence("").starts_with("cannot read it: it has no column of numbers"));
    }
}
