//! The commands that judge and learn.

use std::io::Write;

use millrace_core::{Error, Result};

use crate::alert::time;
use crate::evaluate::{Method, threshold};
use crate::input::{Input, Reading};
use crate::judge::Judge;
use crate::model_file::{Learnt, ModelFile};
use crate::rows::Rows;
use crate::settings::{AlertForm, Fit, Inspect, WatchArgs, usual};

/// Judges the input, and writes alerts as they come.
pub(crate) fn watch(args: &WatchArgs) -> Result<()> {
    let Some(path) = &args.input else {
        return Err(Error::usage("a command or --input is missing. See `detector --help`."));
    };
    let taught = args.model.as_deref().map(ModelFile::load).transpose()?;
    let mut input = Input::open(path)?;
    let method = match &taught {
        Some(model) => Method::all().find(|method| method.name() == model.algorithm).ok_or_else(|| {
            Error::failed(format!("the model's method `{}` is not known to this version", model.algorithm))
        })?,
        None => usual(args.algorithm, &args.stages, &input)?,
    };
    let rows = learn_rows(args.learn_rows, method)?;
    let mut judge = Judge::new(method, input.columns(), rows, taught)?;
    while let Some(reading) = input.reading()? {
        if let Some(alert) = judge.judge(&reading)? {
            let line = match args.output_format {
                AlertForm::Text => alert.sentence(),
                AlertForm::Json => serde_json::to_string(&alert).map_err(|e| unwritten(&e))?,
            };
            if !written(&line)? {
                return Ok(());
            }
        }
    }
    if let Some(warning) = judge.unlearnt()? {
        eprintln!("detector: {warning}");
    }
    Ok(())
}

fn learn_rows(asked: Option<u64>, method: Method) -> Result<usize> {
    match (asked, method) {
        (Some(_), Method::Residual) => {
            Err(Error::usage("--learn-rows: `residual` learns by days, not rows; leave it out"))
        }
        (Some(asked), Method::Rows(recipe)) if asked < recipe.fewest_rows() => {
            let (name, fewest) = (recipe.name(), recipe.fewest_rows());
            Err(Error::usage(format!(
                "--learn-rows: {asked} are too few for `{name}`, which learns from at least {fewest}"
            )))
        }
        (None, Method::Rows(recipe)) => Ok(recipe.fewest_rows().max(400) as usize),
        _ => Ok(asked.unwrap_or(400) as usize),
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
    let mut input = Input::open(&args.input)?;
    let method = usual(args.algorithm, &args.stages, &input)?;
    let random = matches!(method, Method::Rows(recipe) if recipe.is_random());
    if args.seed.is_some() && !random {
        return Err(Error::usage(format!(
            "--seed: chance plays no part in `{}`; leave it out",
            method.name()
        )));
    }
    let mut readings = Vec::new();
    while let Some(reading) = input.reading()? {
        readings.push(reading);
    }
    let names = input.columns().to_vec();
    let seed = args.seed.unwrap_or(0);
    let learnt = match method {
        Method::Residual => machines(&readings, &names)?,
        Method::Rows(_) => rows(method, &readings, names.len(), seed)?,
    };
    let mut file = ModelFile::new(method.name(), &names, seed, learnt);
    file.readings = readings.len() as u64;
    let times = || readings.iter().filter_map(|reading| reading.time);
    file.span = times().min().zip(times().max()).map(|(from, to)| (time(from), time(to)));
    file.save(&args.output)
}

fn machines(readings: &[Reading], names: &[String]) -> Result<Learnt> {
    let mut judge = Judge::new(Method::Residual, names, 0, None)?;
    for reading in readings {
        judge.judge(reading)?;
    }
    let learnt = judge.learnt();
    if learnt.is_empty() {
        return Err(Error::failed(
            "no machine can be learnt from this input: `residual` needs a healthy running day of each",
        ));
    }
    Ok(Learnt::Machines(learnt))
}

fn rows(method: Method, readings: &[Reading], width: usize, seed: u64) -> Result<Learnt> {
    let Method::Rows(recipe) = method else {
        return Err(Error::usage("`residual` is learnt by machines"));
    };
    let values: Vec<f64> = readings.iter().flat_map(|reading| &reading.values).copied().collect();
    let learnt = Rows::new(&values, width).and_then(|rows| {
        let model = recipe.fit(rows, seed)?;
        let threshold = threshold(recipe, &model, rows, seed)?;
        Ok(Learnt::Rows { model: Box::new(model), threshold })
    });
    learnt.map_err(|refusal| Error::failed(format!("the input teaches nothing: {refusal}")))
}

/// Shows what a model file holds.
pub(crate) fn inspect(args: &Inspect) -> Result<()> {
    let description = ModelFile::load(&args.model)?.description();
    let mut out = std::io::stdout().lock();
    out.write_all(description.as_bytes()).map_err(|e| Error::failed(format!("cannot show the model: {e}")))
}
