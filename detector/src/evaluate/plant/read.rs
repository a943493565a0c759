use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDateTime;
use csv::{ByteRecord, Reader};
use millrace_core::{Error, Result};
use std::fs::File;

use crate::methods::residual::{Failure, Minute, SENSORS};
use crate::minutes::Averager;

/// One machine's run and what was true of it.
#[derive(Debug, Default)]
pub(super) struct Machine {
    pub minutes: Vec<Minute>,
    pub failures: Vec<Episode>,
}

/// A failure that happened, in minutes since 1970.
#[derive(Debug, Clone)]
pub(super) struct Episode {
    pub failure: Failure,
    pub start: i64,
    /// After the run where it was still in progress.
    pub end: i64,
    /// Severity minute by minute, from the start.
    pub severity: Vec<f64>,
}

/// All machines in order of their ids.
pub(super) fn fleet(folder: &Path) -> Result<Vec<Machine>> {
    let mut fleet = BTreeMap::new();
    readings(&folder.join("readings.csv"), &mut fleet)?;
    episodes(&folder.join("episodes.csv"), &mut fleet)?;
    truth(&folder.join("truth.csv"), &mut fleet)?;
    Ok(fleet.into_values().collect())
}

type Fleet = BTreeMap<String, Machine>;

/// A CSV file whose columns are asked for by name.
struct Columns<'a> {
    path: &'a Path,
    reader: Reader<File>,
    places: Vec<usize>,
    record: ByteRecord,
}

impl<'a> Columns<'a> {
    fn open(path: &'a Path, names: &[&str]) -> Result<Self> {
        let at = |e: &dyn std::fmt::Display| Error::failed(format!("cannot read `{}`: {e}", path.display()));
        let mut reader = Reader::from_path(path).map_err(|e| at(&e))?;
        let header = reader.headers().map_err(|e| at(&e))?;
        let place = |name: &&str| {
            header
                .iter()
                .position(|column| column == *name)
                .ok_or_else(|| at(&format!("it has no column `{name}`")))
        };
        let places = names.iter().map(place).collect::<Result<_>>()?;
        Ok(Self { path, reader, places, record: ByteRecord::new() })
    }

    fn next(&mut self) -> Result<bool> {
        let read = self.reader.read_byte_record(&mut self.record);
        read.map_err(|e| Error::failed(format!("cannot read `{}`: {e}", self.path.display())))
    }

    fn text(&self, column: usize) -> &str {
        std::str::from_utf8(&self.record[self.places[column]]).unwrap_or_default()
    }

    fn wrong(&self, column: usize, wanted: &str) -> Error {
        let line = self.record.position().map_or(0, csv::Position::line);
        let (path, text) = (self.path.display(), self.text(column));
        Error::failed(format!("cannot read `{path}`: line {line}: `{text}` is not {wanted}"))
    }

    fn number(&self, column: usize) -> Result<f64> {
        match self.text(column) {
            "" => Ok(f64::NAN),
            text => text.parse().map_err(|_| self.wrong(column, "a number")),
        }
    }

    /// Milliseconds since 1970.
    fn time(&self, column: usize) -> Result<i64> {
        let text = self.text(column).trim_end_matches('Z');
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
        time.map(|time| time.and_utc().timestamp_millis()).map_err(|_| self.wrong(column, "a time"))
    }
}

fn readings(path: &Path, fleet: &mut Fleet) -> Result<()> {
    let sensors = millrace_schemas::Sensor::ALL.map(millrace_schemas::Sensor::name);
    let names = [&["timestamp", "machine_id", "maintenance_status"][..], &sensors].concat();
    let mut file = Columns::open(path, &names)?;
    let mut averagers: BTreeMap<String, Averager> = BTreeMap::new();
    while file.next()? {
        let mut values = [f64::NAN; SENSORS];
        for (sensor, value) in values.iter_mut().enumerate() {
            *value = file.number(3 + sensor)?;
        }
        let (time, maintained) = (file.time(0)?, file.text(2) == "maintenance");
        if !averagers.contains_key(file.text(1)) {
            averagers.insert(file.text(1).to_owned(), Averager::default());
            fleet.insert(file.text(1).to_owned(), Machine::default());
        }
        let done =
            averagers.get_mut(file.text(1)).and_then(|averager| averager.add(time, maintained, &values));
        if let (Some(minute), Some(machine)) = (done, fleet.get_mut(file.text(1))) {
            machine.minutes.push(minute);
        }
    }
    for (id, averager) in averagers {
        if let Some(machine) = fleet.get_mut(&id) {
            machine.minutes.extend(averager.finish());
        }
    }
    Ok(())
}

fn episodes(path: &Path, fleet: &mut Fleet) -> Result<()> {
    let mut file = Columns::open(path, &["machine_id", "kind", "type", "start", "end"])?;
    while file.next()? {
        if file.text(1) != "failure" {
            continue;
        }
        let failure = Failure::ALL.into_iter().find(|failure| failure.name() == file.text(2));
        let failure = failure.ok_or_else(|| file.wrong(2, "a failure of this plant"))?;
        let start = file.time(3)?.div_euclid(60_000);
        let end = if file.text(4).is_empty() { i64::MAX } else { file.time(4)?.div_euclid(60_000) };
        if let Some(machine) = fleet.get_mut(file.text(0)) {
            machine.failures.push(Episode { failure, start, end, severity: Vec::new() });
        }
    }
    fleet.values_mut().for_each(|machine| machine.failures.sort_by_key(|episode| episode.start));
    Ok(())
}

fn truth(path: &Path, fleet: &mut Fleet) -> Result<()> {
    let mut file = Columns::open(path, &["machine_id", "timestamp", "severity"])?;
    while file.next()? {
        let severity = file.number(2)?;
        if severity.is_nan() || severity <= 0.0 {
            continue;
        }
        let minute = file.time(1)?.div_euclid(60_000);
        let Some(machine) = fleet.get_mut(file.text(0)) else { continue };
        let after = machine.failures.partition_point(|episode| episode.start <= minute);
        if let Some(episode) = after.checked_sub(1).map(|index| &mut machine.failures[index]) {
            let place = (minute - episode.start) as usize;
            let before = episode.severity.last().copied().unwrap_or(0.0);
            episode.severity.resize(place.max(episode.severity.len()), before);
            episode.severity.push(severity);
            episode.severity.truncate(place + 1);
        }
    }
    Ok(())
}
