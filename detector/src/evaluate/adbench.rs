//! Learnt from all rows without labels, judged on the same rows: is what is faulty also rare?

use std::path::Path;

use millrace_core::{Error, Result};

use super::baseline::Baseline;
use super::picture::{Picture, roc};
use super::{Evaluation, Figures, Request, csv_files, mean, none_found, stem};
use crate::detector::Detector;
use crate::maths::measure::{average_precision, roc_auc};
use crate::methods::Recipe;
use crate::table::Table;

pub(super) fn run(request: &Request) -> Result<Evaluation> {
    let files = csv_files(&request.path)?;
    if files.is_empty() {
        return Err(none_found(&request.path, "CSV file"));
    }
    let mut found = Evaluation::default();
    for path in &files {
        let table = labelled(path)?;
        for recipe in request.recipes() {
            found.add(judge(recipe, &stem(path), &table, request.seeds));
        }
        for baseline in Baseline::ALL {
            let of = Figures { dataset: "adbench", file: &stem(path), algorithm: baseline.name(), seeds: 1 };
            found.add(areas(&of, &[baseline.unordered(table.rows().len())], &table.faulty));
        }
    }
    Ok(found)
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

fn judge(recipe: Recipe, file: &str, table: &Table, seeds: u64) -> Evaluation {
    let seeds = if recipe.is_random() { seeds } else { 1 };
    let figures = Figures { dataset: "adbench", file, algorithm: recipe.name(), seeds };
    if recipe.remembers() {
        let reason = "the rows have no order, and the method remembers the rows before";
        return Evaluation { figures: vec![figures.not_applicable(reason)], pictures: Vec::new() };
    }
    let scores: std::result::Result<Vec<Vec<f64>>, _> =
        (0..seeds).map(|seed| Ok(recipe.fit(table.rows(), seed)?.score_all(table.rows()))).collect();
    match scores {
        Ok(scores) => areas(&figures, &scores, &table.faulty),
        Err::<_, crate::Refusal>(refusal) => {
            Evaluation { figures: vec![figures.not_applicable(refusal.to_string())], pictures: Vec::new() }
        }
    }
}

/// Means over the seeds; the curve is that of the first.
fn areas(of: &Figures<'_>, scores: &[Vec<f64>], faulty: &[bool]) -> Evaluation {
    let mean_of = |area: fn(&[f64], &[bool]) -> Option<f64>| {
        mean(scores.iter().filter_map(|scores| area(scores, faulty)))
    };
    let picture = Picture {
        dataset: of.dataset,
        algorithm: of.algorithm,
        file: of.file.to_owned(),
        strips: Vec::new(),
        roc: roc(&scores[0], faulty),
        delays: Vec::new(),
        unit: "rows",
    };
    let figures =
        vec![of.of("roc_auc", mean_of(roc_auc)), of.of("average_precision", mean_of(average_precision))];
    Evaluation { figures, pictures: vec![picture] }
}
