//! Learnt from the first 400 rows of a file, judged on the rest, with a threshold that knows no labels; the
//! files are pooled, their scores divided by their thresholds.

use std::path::PathBuf;

use millrace_core::{Error, Result};

use super::healthy::threshold;
use super::{Figure, Figures, Request, csv_files, none_found, stem};
use crate::detector::Detector;
use crate::maths::measure::{Confusion, average_precision, roc_auc};
use crate::methods::Algorithm;
use crate::table::Table;

/// Rows from which each file is learnt.
const LEARNT: usize = 400;

pub(super) fn run(request: &Request) -> Result<Vec<Figure>> {
    let files = read(request)?;
    let mut figures = Vec::new();
    for algorithm in &request.algorithms() {
        let all = Figures { dataset: "skab", file: "all", algorithm: algorithm.name(), seeds: 1 };
        match judge(*algorithm, &files) {
            Ok(found) => figures.extend(found),
            Err(refusal) => figures.push(all.not_applicable(refusal.to_string())),
        }
    }
    let always = Figures { dataset: "skab", file: "all", algorithm: "always_alarm", seeds: 1 };
    let faulty: Vec<bool> = files.iter().flat_map(|(_, table)| &table.faulty[LEARNT..]).copied().collect();
    figures.extend(summary(&always, &vec![2.0; faulty.len()], &faulty));
    Ok(figures)
}

fn read(request: &Request) -> Result<Vec<(String, Table)>> {
    let mut paths = Vec::new();
    let folder = &request.path;
    let at = |e: std::io::Error| Error::failed(format!("cannot read the folder `{}`: {e}", folder.display()));
    let mut inner: Vec<PathBuf> =
        std::fs::read_dir(folder).map_err(at)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    inner.sort();
    for path in inner.iter().filter(|path| path.is_dir()) {
        paths.extend(csv_files(path)?);
    }
    if paths.is_empty() {
        return Err(none_found(folder, "folder with CSV files, such as `valve1/0.csv`"));
    }
    let table = |path: &PathBuf| {
        let table = Table::read(path, b';')?;
        if table.faulty.len() <= LEARNT {
            return Err(Error::failed(format!(
                "`{}` needs a column `anomaly` and more than {LEARNT} rows, of which the first are learnt from",
                path.display()
            )));
        }
        let folder = path.parent().map(stem).unwrap_or_default();
        Ok((format!("{folder}/{}", stem(path)), table))
    };
    paths.iter().map(table).collect()
}

fn judge(algorithm: Algorithm, files: &[(String, Table)]) -> crate::refusal::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let (mut pooled, mut truth) = (Vec::new(), Vec::new());
    for (file, table) in files {
        let rows = table.rows();
        let learnt = rows.slice(0, LEARNT);
        let mut model = algorithm.fit(learnt, 0)?;
        let threshold = threshold(algorithm, &model, learnt, 0)?;
        let mut scores = model.score_all(rows.slice(LEARNT, rows.len()));
        scores.iter_mut().for_each(|score| *score /= threshold);
        let faulty = &table.faulty[LEARNT..];
        let own = Figures { dataset: "skab", file, algorithm: algorithm.name(), seeds: 1 };
        figures.push(own.of("roc_auc", roc_auc(&scores, faulty)));
        pooled.extend(scores);
        truth.extend_from_slice(faulty);
    }
    let all = Figures { dataset: "skab", file: "all", algorithm: algorithm.name(), seeds: 1 };
    figures.extend(summary(&all, &pooled, &truth));
    Ok(figures)
}

fn summary(all: &Figures<'_>, scores: &[f64], faulty: &[bool]) -> Vec<Figure> {
    let mut confusion = Confusion::default();
    scores.iter().zip(faulty).for_each(|(score, faulty)| confusion.add(*score > 1.0, *faulty));
    vec![
        all.of("roc_auc", roc_auc(scores, faulty)),
        all.of("average_precision", average_precision(scores, faulty)),
        all.of("f1", confusion.f1()),
        all.of("false_alarm_rate", confusion.false_alarm_rate()),
        all.of("missed_rate", confusion.missed_rate()),
    ]
}
