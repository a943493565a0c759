//! Learnt from `d00`; the threshold lets 1% of the rows of `d00_te` pass for faulty; faults begin at row 160.

use std::path::PathBuf;

use millrace_core::Result;

use super::baseline::Baseline;
use super::healthy::held_out_scores;
use super::track::{Rule, Track, standard};
use super::{Evaluation, Figures, Request, csv_files, mean, none_found, refused, stem};
use crate::alarm::AlarmParams;
use crate::detector::Detector;
use crate::maths::measure::roc_auc;
use crate::maths::quantile::quantile;
use crate::methods::Recipe;
use crate::table::Table;

/// The first faulty row.
const ONSET: usize = 160;
/// So many exceedances in a row are a detection; its delay counts to the last of them.
const IN_A_ROW: usize = 3;
/// A row is three minutes.
const RULE: Rule = Rule {
    seconds: 180.0,
    alarm: AlarmParams { exceedances: IN_A_ROW as u32, among: IN_A_ROW as u32, ..AlarmParams::USUAL },
};

struct Data {
    learnt: Table,
    healthy: Table,
    faults: Vec<(String, Table)>,
}

pub(super) fn run(request: &Request) -> Result<Evaluation> {
    let data = read(request)?;
    let recipes = request.recipes();
    let mut found = Evaluation::default();
    for recipe in recipes {
        let all = Figures { dataset: "tep", file: "all", algorithm: recipe.name(), seeds: 1 };
        let judged = judge(recipe, &data);
        found.add_or_say(&all, judged);
    }
    for baseline in Baseline::ALL {
        found.add(figures(baseline.name(), &by_chance(baseline, &data)).map_err(refused)?);
    }
    Ok(found)
}

fn read(request: &Request) -> Result<Data> {
    let named = |name: &str| request.path.join(name);
    let is_fault = |path: &PathBuf| stem(path).ends_with("_te") && stem(path) != "d00_te";
    let faults: Vec<PathBuf> = csv_files(&request.path)?.into_iter().filter(is_fault).collect();
    if faults.is_empty() {
        return Err(none_found(&request.path, "file `dNN_te.csv` of a fault"));
    }
    Ok(Data {
        learnt: Table::read(&named("d00.csv"), b',')?,
        healthy: Table::read(&named("d00_te.csv"), b',')?,
        faults: faults
            .iter()
            .map(|path| Ok((stem(path), Table::read(path, b',')?)))
            .collect::<Result<_>>()?,
    })
}

fn judge(recipe: Recipe, data: &Data) -> crate::refusal::Result<Evaluation> {
    let mut model = recipe.fit(data.learnt.rows(), 0)?;
    let healthy = model.score_all(data.healthy.rows());
    let mut tracks = vec![track("d00_te", healthy, 0)];
    for (file, table) in &data.faults {
        model.restart();
        let scores = model.score_all(table.rows());
        let faulty = scores.len().saturating_sub(ONSET);
        tracks.push(track(file, scores, faulty));
    }
    let threshold = quantile(&mut tracks[0].scores.clone(), 0.99);
    let alone = quantile(&mut held_out_scores(recipe, &model, data.learnt.rows(), 0)?, 0.99);
    let by_alone = share_above(&tracks[0].scores, alone);
    for track in &mut tracks {
        track.scores.iter_mut().for_each(|score| *score /= threshold);
    }
    let mut found = figures(recipe.name(), &tracks)?;
    let all = Figures { dataset: "tep", file: "all", algorithm: recipe.name(), seeds: 1 };
    found.figures.push(all.of("false_alarm_rate_by_d00_alone", by_alone));
    Ok(found)
}

/// Rows of which the last `faults` are faulty.
fn track(file: &str, scores: Vec<f64>, faults: usize) -> Track {
    let healthy = scores.len() - faults;
    Track { file: file.to_owned(), faulty: (0..scores.len()).map(|row| row >= healthy).collect(), scores }
}

fn by_chance(baseline: Baseline, data: &Data) -> Vec<Track> {
    let mut tracks = vec![track("d00_te", baseline.scores(data.healthy.rows().len(), 0), 0)];
    for (part, (file, table)) in (1..).zip(&data.faults) {
        let rows = table.rows().len();
        tracks.push(track(file, baseline.scores(rows, part), rows.saturating_sub(ONSET)));
    }
    tracks
}

/// The figures of scores in thresholds, of which the first track is the healthy one.
fn figures(name: &'static str, tracks: &[Track]) -> crate::refusal::Result<Evaluation> {
    let mut figures = Vec::new();
    let mut rates = Vec::new();
    for track in &tracks[1..] {
        let of = Figures { dataset: "tep", file: &track.file, algorithm: name, seeds: 1 };
        let after = &track.scores[ONSET.min(track.scores.len())..];
        let rate = share_above(after, 1.0).unwrap_or(0.0);
        figures.push(of.of("detection_rate", rate));
        figures.push(of.of("delay_rows", delay(after)));
        figures.push(of.of("roc_auc", roc_auc(&track.scores, &track.faulty)));
        rates.push(rate);
    }
    let all = Figures { dataset: "tep", file: "all", algorithm: name, seeds: 1 };
    figures.push(all.of("detection_rate", mean(rates)));
    figures.push(all.of("false_alarm_rate", share_above(&tracks[0].scores, 1.0)));
    let mut found = standard(&all, tracks, &RULE)?;
    found.figures.splice(0..0, figures);
    Ok(found)
}

fn share_above(scores: &[f64], threshold: f64) -> Option<f64> {
    mean(scores.iter().map(|score| f64::from(u8::from(*score > threshold))))
}

/// Rows from the onset to the detection.
fn delay(scores: &[f64]) -> Option<f64> {
    let mut windows = scores.windows(IN_A_ROW);
    let found = windows.position(|three| three.iter().all(|score| *score > 1.0))?;
    Some((found + IN_A_ROW - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_counts_to_the_third_exceedance_in_a_row() {
        assert_eq!(delay(&[2.0, 2.0, 0.0, 2.0, 2.0, 2.0]), Some(5.0));
        assert_eq!(delay(&[2.0, 2.0, 0.0]), None);
    }
}
