//! One variable, learnt from the first 15% of the rows, scored by the standard profile of the Numenta Anomaly
//! Benchmark (Lavin and Ahmad 2015, "Evaluating real-time anomaly detection algorithms").
//!
//! A score of a single file proves nothing; both the method's own threshold and the best one are shown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use millrace_core::{Error, Result};

use super::baseline::Baseline;
use super::healthy::threshold;
use super::track::{Rule, Track, standard};
use super::{Evaluation, Figures, Request, csv_files, none_found, refused, stem};
use crate::alarm::AlarmParams;
use crate::detector::Detector;
use crate::methods::Recipe;
use crate::table::Table;

/// Share of the rows, and most rows, that are learnt from and not judged.
const PROBATION: (f64, usize) = (0.15, 750);
/// What a false alarm and a missed window cost; a window found at once is worth 1.
const FALSE_ALARM: f64 = 0.11;
const MISSED: f64 = 1.0;

/// File name to windows of (first, last) time.
type Windows = BTreeMap<String, Vec<(String, String)>>;

pub(super) fn run(request: &Request) -> Result<Evaluation> {
    let windows = read_windows(&request.path.join("windows.json"))?;
    let paths: Vec<PathBuf> = csv_files(&request.path)?;
    let mut found = Evaluation::default();
    for path in &paths {
        let file = stem(path);
        let Some(own) = windows.get(&file) else { continue };
        let table = Table::read(path, b',')?;
        let ranges = own.iter().map(|window| range(&table, window)).collect::<Vec<_>>();
        for recipe in request.recipes() {
            let of = Figures { dataset: "nab", file: &file, algorithm: recipe.name(), seeds: 1 };
            let judged = judge(recipe, &file, &table, &ranges);
            let judged = judged.and_then(|track| figures(&of, &table, &track, &ranges));
            found.add_or_say(&of, judged);
        }
        for baseline in Baseline::ALL {
            let of = Figures { dataset: "nab", file: &file, algorithm: baseline.name(), seeds: 1 };
            let learnt = learnt(&table);
            let track = track(&file, baseline.scores(table.rows().len() - learnt, 0), learnt, &ranges);
            found.add(figures(&of, &table, &track, &ranges).map_err(refused)?);
        }
    }
    if found.figures.is_empty() {
        return Err(none_found(&request.path, "CSV file that `windows.json` names"));
    }
    Ok(found)
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

fn judge(
    recipe: Recipe,
    file: &str,
    table: &Table,
    windows: &[(usize, usize)],
) -> crate::refusal::Result<Track> {
    let rows = table.rows();
    let learnt = learnt(table);
    let healthy = rows.slice(0, learnt);
    let mut model = recipe.fit(healthy, 0)?;
    let threshold = threshold(recipe, &model, healthy, 0)?;
    let mut scores = model.score_all(rows.slice(learnt, rows.len()));
    scores.iter_mut().for_each(|score| *score /= threshold);
    Ok(track(file, scores, learnt, windows))
}

/// How many rows are learnt from, and not judged.
fn learnt(table: &Table) -> usize {
    ((table.rows().len() as f64 * PROBATION.0) as usize).min(PROBATION.1)
}

/// The rows from `from` on.
fn track(file: &str, scores: Vec<f64>, from: usize, windows: &[(usize, usize)]) -> Track {
    let inside = |row: usize| windows.iter().any(|window| (window.0..window.1).contains(&row));
    let faulty = (from..from + scores.len()).map(inside).collect();
    Track { file: file.to_owned(), scores, faulty }
}

fn figures(
    of: &Figures<'_>,
    table: &Table,
    track: &Track,
    windows: &[(usize, usize)],
) -> crate::refusal::Result<Evaluation> {
    let score = |threshold: f64| standard_score(&track.scores, learnt(table), windows, threshold);
    let mut candidates = track.scores.clone();
    candidates.sort_unstable_by(|a, b| b.total_cmp(a));
    candidates.truncate(track.scores.len() / 20);
    candidates.dedup();
    let best = candidates.into_iter().map(score).fold(0.0, f64::max);
    let rule = Rule { seconds: row_seconds(table), alarm: AlarmParams::USUAL };
    let mut found = standard(of, std::slice::from_ref(track), &rule)?;
    found.figures.extend([of.of("nab_score", score(1.0)), of.of("nab_score_best_threshold", best)]);
    Ok(found)
}

/// How long a row is, on average; 0 where the times cannot be read.
fn row_seconds(table: &Table) -> f64 {
    let time = |text: &String| NaiveDateTime::parse_from_str(text.get(..19)?, "%Y-%m-%d %H:%M:%S").ok();
    let ends = table.times.first().and_then(time).zip(table.times.last().and_then(time));
    let rows = table.rows().len().saturating_sub(1).max(1) as f64;
    ends.map_or(0.0, |(first, last)| (last - first).num_seconds() as f64 / rows)
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
