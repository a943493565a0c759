//! Learnt from all rows without labels, judged on the same rows: is what is faulty also rare?

use std::path::Path;

use millrace_core::{Error, Result};

use super::baseline::Baseline;
use super::{Figure, Figures, Request, csv_files, mean, none_found, stem};
use crate::detector::Detector;
use crate::maths::measure::{average_precision, roc_auc};
use crate::methods::Algorithm;
use crate::table::Table;

pub(super) fn run(request: &Request) -> Result<Vec<Figure>> {
    let files = csv_files(&request.path)?;
    if files.is_empty() {
        return Err(none_found(&request.path, "CSV file"));
    }
    let mut figures = Vec::new();
    for path in &files {
        let table = labelled(path)?;
        for algorithm in &request.algorithms() {
            figures.extend(judge(*algorithm, &stem(path), &table, request.seeds));
        }
        for baseline in Baseline::ALL {
            let of = Figures { dataset: "adbench", file: &stem(path), algorithm: baseline.name(), seeds: 1 };
            figures.extend(areas(&of, &[baseline.unordered(table.rows().len())], &table.faulty));
        }
    }
    Ok(figures)
}

fn labelled(path: &Path) -> Result<Table> {
    let table = Table::read(path, b',')?;
    if table.faulty.is_empty() {
        return Err(Error::failed(format!(
            "`{}` has no column `label`, without which nothing can be judged",
            path.display()
        )));
    }
    Ok(table)
}

fn judge(algorithm: Algorithm, file: &str, table: &Table, seeds: u64) -> Vec<Figure> {
    let seeds = if algorithm.is_random() { seeds } else { 1 };
    let figures = Figures { dataset: "adbench", file, algorithm: algorithm.name(), seeds };
    if algorithm.remembers() {
        return vec![
            figures.not_applicable("the rows have no order, and the method remembers the rows before"),
        ];
    }
    let scores: std::result::Result<Vec<Vec<f64>>, _> =
        (0..seeds).map(|seed| Ok(algorithm.fit(table.rows(), seed)?.score_all(table.rows()))).collect();
    match scores {
        Ok(scores) => areas(&figures, &scores, &table.faulty),
        Err::<_, crate::Refusal>(refusal) => vec![figures.not_applicable(refusal.to_string())],
    }
}

/// Means over the seeds.
fn areas(of: &Figures<'_>, scores: &[Vec<f64>], faulty: &[bool]) -> Vec<Figure> {
    let mean_of = |area: fn(&[f64], &[bool]) -> Option<f64>| {
        mean(scores.iter().filter_map(|scores| area(scores, faulty)))
    };
    vec![of.of("roc_auc", mean_of(roc_auc)), of.of("average_precision", mean_of(average_precision))]
}
