use std::collections::BTreeMap;
use std::path::Path;

use millrace_core::Result;

use super::columns::{Columns, named};
use crate::methods::residual::{Failure, Minute, SENSORS};
use crate::minutes::Averager;

/// One machine's run and what was true of it.
#[derive(Debug, Default)]
pub(super) struct Machine {
    pub id: String,
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
    readings(&named(folder, "readings")?, &mut fleet)?;
    episodes(&named(folder, "episodes")?, &mut fleet)?;
    truth(&named(folder, "truth")?, &mut fleet)?;
    Ok(fleet.into_values().collect())
}

type Fleet = BTreeMap<String, Machine>;

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
            let id = file.text(1).to_owned();
            fleet.insert(id.clone(), Machine { id, ..Machine::default() });
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
