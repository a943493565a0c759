//! One variable, learnt from the first 15% of the rows, scored by the standard profile of the Numenta Anomaly
//! Benchmark (Lavin and Ahmad 2015, "Evaluating real-time anomaly detection algorithms").
//!
//! A score of a single file proves nothing; both the method's own threshold and the best one are shown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use millrace_core::{Error, Result};

use super::healthy::threshold;
use super::{Figure, Figures, Request, csv_files, none_found, stem};
use crate::detector::Detector;
use crate::maths::measure::roc_auc;
use crate::methods::Algorithm;
use crate::table::Table;

/// Share of the rows, and most rows, that are learnt from and not judged.
const PROBATION: (f64, usize) = (0.15, 750);
/// What a false alarm and a missed window cost; a window found at once is worth 1.
const FALSE_ALARM: f64 = 0.11;
const MISSED: f64 = 1.0;

/// File name to windows of (first, last) time.
type Windows = BTreeMap<String, Vec<(String, String)>>;

pub(super) fn run(request: &Request) -> Result<Vec<Figure>> {
    let windows = read_windows(&request.path.join("windows.json"))?;
    let paths: Vec<PathBuf> = csv_files(&request.path)?;
    let mut figures = Vec::new();
    for path in &paths {
        let file = stem(path);
        let Some(own) = windows.get(&file) else { continue };
        let table = Table::read(path, b',')?;
        let ranges = own.iter().map(|window| range(&table, window)).collect::<Vec<_>>();
        for algorithm in &request.algorithms() {
            figures.extend(judge(*algorithm, &file, &table, &ranges));
        }
    }
    if figures.is_empty() {
        return Err(none_found(&request.path, "CSV file that `windows.json` names"));
    }
    Ok(figures)
}

/// Windows by the file's base name, whatever folder the collection keeps it in.
fn read_windows(path: &Path) -> Result<Windows> {
    let at = |e: &dyn std::fmt::Display| Error::failed(format!("cannot read `{}`: {e}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| at(&e))?;
    let named: Windows = serde_json::from_str(&text).map_err(|e| at(&e))?;
    Ok(named.into_iter().map(|(name, windows)| (stem(Path::new(&name)), windows)).collect())
}

/// The rows of a window; times are compared as text, to the second.
fn range(table: &Table, (first, last): &(String, String)) -> (usize, usize) {
    let second = |time: &str| time.get(..19).unwrap_or(time).to_owned();
    let (first, last) = (second(first), second(last));
    let from = table.times.iter().position(|time| second(time) >= first).unwrap_or(table.times.len());
    let to = table.times.iter().rposition(|time| second(time) <= last).map_or(0, |last| last + 1);
    (from, to.max(from))
}

fn judge(algorithm: Algorithm, file: &str, table: &Table, windows: &[(usize, usize)]) -> Vec<Figure> {
    let figures = Figures { dataset: "nab", file, algorithm: algorithm.name(), seeds: 1 };
    match scores(algorithm, table) {
        Ok((scores, from)) => {
            let faulty: Vec<bool> = (from..from + scores.len())
                .map(|row| windows.iter().any(|window| (window.0..window.1).contains(&row)))
                .collect();
            let score = |threshold: f64| standard_score(&scores, from, windows, threshold);
            let mut candidates = scores.clone();
            candidates.sort_unstable_by(|a, b| b.total_cmp(a));
            candidates.truncate(scores.len() / 20);
            let best = candidates.into_iter().map(score).fold(0.0, f64::max);
            vec![
                figures.of("roc_auc", roc_auc(&scores, &faulty)),
                figures.of("nab_score", score(1.0)),
                figures.of("nab_score_best_threshold", best),
            ]
        }
        Err(refusal) => vec![figures.not_applicable(refusal.to_string())],
    }
}

/// Scores in thresholds, and the row from which they are.
fn scores(algorithm: Algorithm, table: &Table) -> crate::refusal::Result<(Vec<f64>, usize)> {
    let rows = table.rows();
    let learnt = ((rows.len() as f64 * PROBATION.0) as usize).min(PROBATION.1);
    let healthy = rows.slice(0, learnt);
    let mut model = algorithm.fit(healthy, 0)?;
    let threshold = threshold(algorithm, &model, healthy, 0)?;
    let mut scores = model.score_all(rows.slice(learnt, rows.len()));
    scores.iter_mut().for_each(|score| *score /= threshold);
    Ok((scores, learnt))
}

/// 100 for the first row of every window and nothing else, 0 for no alarm at all.
fn standard_score(scores: &[f64], from: usize, windows: &[(usize, usize)], threshold: f64) -> f64 {
    let alarms =
        scores.iter().enumerate().filter(|(_, score)| **score >= threshold).map(|(row, _)| row + from);
    let mut found = vec![None; windows.len()];
    let mut sum = 0.0;
    for row in alarms {
        match windows.iter().position(|window| (window.0..window.1).contains(&row)) {
            Some(window) => found[window] = found[window].or(Some(worth(row, windows[window]))),
            None => sum -= FALSE_ALARM * cost(row, windows),
        }
    }
    sum += found.iter().map(|worth| worth.unwrap_or(-MISSED)).sum::<f64>();
    let count = windows.len() as f64;
    100.0 * (sum + MISSED * count) / ((1.0 + MISSED) * count)
}

/// What the first alarm in a window is worth: 1 at its beginning, 0 at its end.
fn worth(row: usize, (first, end): (usize, usize)) -> f64 {
    let place = -((end - row) as f64) / (end - first) as f64;
    sigmoid(place) / sigmoid(-1.0)
}

/// What a false alarm costs: less just after a window.
fn cost(row: usize, windows: &[(usize, usize)]) -> f64 {
    let before = windows.iter().filter(|window| window.1 <= row).max_by_key(|window| window.1);
    before.map_or(1.0, |window| {
        let place = (row - window.1 + 1) as f64 / (window.1 - window.0).max(2) as f64;
        if place > 3.0 { 1.0 } else { -sigmoid(place) }
    })
}

fn sigmoid(place: f64) -> f64 {
    2.0 / (1.0 + (5.0 * place).exp()) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_at_the_beginning_is_worth_100_none_0_and_false_ones_cost() {
        let windows = [(20, 40)];
        let with_alarms = |rows: &[usize]| {
            let mut scores = vec![0.0; 100];
            rows.iter().for_each(|row| scores[*row] = 1.0);
            standard_score(&scores, 0, &windows, 1.0)
        };
        assert!((with_alarms(&[20]) - 100.0).abs() < 1e-9);
        assert_eq!(with_alarms(&[]), 0.0);
        assert!(with_alarms(&[39]) < with_alarms(&[25]) && with_alarms(&[25]) < 100.0);
        assert!((with_alarms(&[5, 20]) - (100.0 - 5.5)).abs() < 1e-9);
        assert!(with_alarms(&[20, 41]) > with_alarms(&[20, 90]));
    }
}
