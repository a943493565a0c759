//! The commands that judge and learn.

use std::collections::BTreeMap;
use std::io::Write;

use millrace_core::{Error, Result};

use crate::alert::{AnomalyAlert, time};
use crate::evaluate::{Method, threshold};
use crate::input::{Input, Reading};
use crate::judge::{Judge, Said};
use crate::machine::{Judging, is_plant, judged, timeless};
use crate::methods::Features;
use crate::methods::residual::Minute;
use crate::minutes::Averager;
use crate::model_file::{Learnt, ModelFile};
use crate::rows::Rows;
use crate::settings::{AlertForm, Fit, Inspect, WatchArgs, usual};
use crate::stream::{self, StreamArgs, named};

/// Judges the input, and writes alerts as they come.
pub(crate) fn watch(args: &WatchArgs, stream: &StreamArgs) -> Result<()> {
    if stream::is_stream(args) {
        return stream::run(args, stream);
    }
    let Some(path) = &args.input else {
        return Err(Error::usage("a command or --input is missing. See `detector --help`."));
    };
    let sensors = stream.of_file()?;
    let mut input = Input::open(path, sensors.as_deref())?;
    let judging = args.judging(input.columns())?;
    let several = judging.methods().len() > 1;
    let mut judge = Judge::new(judging);
    let mut said = Vec::new();
    let (mut readings, mut alerts) = (0_u64, 0_u64);
    while let Some(reading) = input.reading()? {
        judge.judge(&reading, &mut said)?;
        readings += 1;
        alerts += said.len() as u64;
        for said in said.drain(..) {
            let line = match said {
                Said::Alert(alert) => line(&alert, args.output_format, several)?,
                Said::Warning(warning) => {
                    eprintln!("detector: {warning}");
                    continue;
                }
            };
            if !written(&line)? {
                return Ok(());
            }
        }
    }
    match judge.unlearnt()? {
        Some(warning) => eprintln!("detector: {warning}"),
        // Silence alone would leave open whether anything was looked at.
        None if alerts == 0 => {
            eprintln!("detector: {readings} readings, and nothing strange in what was judged")
        }
        None => {}
    }
    Ok(())
}

/// An alert as a line; of several methods each is named.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn line(alert: &AnomalyAlert, form: AlertForm, several: bool) -> Result<String> {
    match form {
        AlertForm::Text if several => Ok(alert.sentence_of_method()),
        AlertForm::Text => Ok(alert.sentence()),
        AlertForm::Json => serde_json::to_string(alert).map_err(|e| unwritten(&e)),
    }
}

/// False once nobody reads any more: a reader that closed the pipe has seen what it wanted.
fn written(line: &str) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(unwritten(&e)),
    }
}

fn unwritten(e: &dyn std::fmt::Display) -> Error {
    Error::failed(format!("cannot write an alert: {e}"))
}

/// Learns from a whole file and writes what was learnt.
pub(crate) fn fit(args: &Fit) -> Result<()> {
    let sensors = args.sensors.as_deref().map(named).transpose()?;
    let mut input = Input::open(&args.input, sensors.as_deref())?;
    let method = usual(args.algorithm, &args.stages, input.columns())?;
    let random = matches!(method, Method::Rows(recipe) if recipe.is_random());
    if args.seed.is_some() && !random {
        return Err(Error::usage(format!(
            "--seed: chance plays no part in `{}`; leave it out",
            method.name()
        )));
    }
    if args.stages.features() == Some(Features::Residuals) {
        return Err(Error::usage(
            "--features: residuals are learnt of each machine while it is watched, not beforehand; leave it out",
        ));
    }
    let mut readings = Vec::new();
    while let Some(reading) = input.reading()? {
        readings.push(reading);
    }
    let names = input.columns().to_vec();
    let still = still(&names, &readings)?;
    let seed = args.seed.unwrap_or(0);
    let learnt = match method {
        Method::Residual => machines(&readings, &names)?,
        Method::Rows(_) => rows(method, &readings, &names, seed)?,
    };
    let mut file = ModelFile::new(method.name(), &names, seed, learnt);
    file.readings = readings.len() as u64;
    let times = || readings.iter().filter_map(|reading| reading.time);
    file.span = times().min().zip(times().max()).map(|(from, to)| (time(from), time(to)));
    file.save(&args.output)?;
    for name in still {
        eprintln!("detector: column `{name}` never changes in the input, so any other value will be strange");
    }
    Ok(())
}

/// Columns that never change; one without any number is refused.
fn still<'a>(names: &'a [String], readings: &[Reading]) -> Result<Vec<&'a String>> {
    let mut still = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let mut values =
            readings.iter().map(|reading| reading.values[place]).filter(|value| value.is_finite());
        let Some(first) = values.next() else {
            if readings.is_empty() {
                return Ok(still);
            }
            return Err(Error::failed(format!(
                "the input teaches nothing of column `{name}`, in which there is no number; leave it out"
            )));
        };
        if readings.len() > 1 && values.all(|value| value == first) {
            still.push(name);
        }
    }
    Ok(still)
}

fn machines(readings: &[Reading], names: &[String]) -> Result<Learnt> {
    let mut judge = Judge::new(Judging::new(&[Method::Residual], names, 0, None)?);
    for reading in readings {
        judge.judge(reading, &mut Vec::new())?;
    }
    let learnt = judge.learnt();
    if learnt.is_empty() {
        return Err(Error::failed(
            "no machine can be learnt from this input: `residual` needs a healthy running day of each",
        ));
    }
    Ok(Learnt::Machines(learnt))
}

fn rows(method: Method, readings: &[Reading], names: &[String], seed: u64) -> Result<Learnt> {
    let Method::Rows(recipe) = method else {
        return Err(Error::usage("`residual` is learnt by machines"));
    };
    let all = || readings.iter().flat_map(|reading| &reading.values).copied();
    let values = if is_plant(names) { running_minutes(readings) } else { Ok(all().collect()) };
    let learnt = values.and_then(|values: Vec<f64>| {
        let rows = Rows::new(&values, names.len())?;
        let model = recipe.fit(rows, seed)?;
        let threshold = threshold(recipe, &model, rows, seed)?;
        Ok(Learnt::Rows { model: Box::new(model), threshold })
    });
    learnt.map_err(|refusal| Error::failed(format!("the input teaches nothing: {refusal}")))
}

/// What rows of our plant are: the averages of each machine's minutes, without stops.
fn running_minutes(readings: &[Reading]) -> crate::refusal::Result<Vec<f64>> {
    let mut machines: BTreeMap<&str, (Averager, Vec<Minute>)> = BTreeMap::new();
    for reading in readings {
        let (averager, minutes) = machines.entry(&reading.machine).or_default();
        let sensors = std::array::from_fn(|sensor| reading.values[sensor]);
        let time = reading.time.ok_or_else(timeless)?;
        minutes.extend(averager.add(time, reading.maintained, &sensors));
    }
    let mut values = Vec::new();
    for (averager, mut minutes) in machines.into_values() {
        minutes.extend(averager.finish());
        judged(&minutes).iter().for_each(|minute| values.extend(minute.sensors));
    }
    Ok(values)
}

/// Shows what a model file holds.
pub(crate) fn inspect(args: &Inspect) -> Result<()> {
    let description = ModelFile::load(&args.model)?.description();
    let mut out = std::io::stdout().lock();
    out.write_all(description.as_bytes()).map_err(|e| Error::failed(format!("cannot show the model: {e}")))
}
