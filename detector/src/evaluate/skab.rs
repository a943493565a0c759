//! Learnt from the first 400 rows of a file, judged on the rest, with a threshold that knows no labels; the
//! files are pooled, their scores divided by their thresholds.

use std::path::PathBuf;

use millrace_core::{Error, Result};

use super::baseline::Baseline;
use super::healthy::threshold;
use super::track::{Rule, Track, standard};
use super::{Evaluation, Figures, Request, csv_files, none_found, refused, stem};
use crate::alarm::AlarmParams;
use crate::detector::Detector;
use crate::maths::measure::{Confusion, roc_auc};
use crate::methods::Recipe;
use crate::table::Table;

/// Rows from which each file is learnt.
const LEARNT: usize = 400;
/// A row a second; alerts open and close as they do on a stream.
const RULE: Rule = Rule { seconds: 1.0, alarm: AlarmParams::USUAL };

pub(super) fn run(request: &Request) -> Result<Evaluation> {
    let files = read(request)?;
    let mut found = Evaluation::default();
    for recipe in request.recipes() {
        let all = Figures { dataset: "skab", file: "all", algorithm: recipe.name(), seeds: 1 };
        let judged = tracks(recipe, &files).and_then(|tracks| figures(recipe.name(), &tracks));
        found.add_or_say(&all, judged);
    }
    for baseline in Baseline::ALL {
        found.add(figures(baseline.name(), &by_chance(baseline, &files)).map_err(refused)?);
    }
    Ok(found)
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

/// The scores of every file by a model of its own.
fn tracks(recipe: Recipe, files: &[(String, Table)]) -> crate::refusal::Result<Vec<Track>> {
    let track = |(file, table): &(String, Table)| {
        let rows = table.rows();
        let learnt = rows.slice(0, LEARNT);
        let mut model = recipe.fit(learnt, 0)?;
        let threshold = threshold(recipe, &model, learnt, 0)?;
        let mut scores = model.score_all(rows.slice(LEARNT, rows.len()));
        scores.iter_mut().for_each(|score| *score /= threshold);
        Ok(Track { file: file.clone(), scores, faulty: table.faulty[LEARNT..].to_vec() })
    };
    files.iter().map(track).collect()
}

fn by_chance(baseline: Baseline, files: &[(String, Table)]) -> Vec<Track> {
    let track = |(part, (file, table)): (usize, &(String, Table))| {
        let faulty = table.faulty[LEARNT..].to_vec();
        Track { file: file.clone(), scores: baseline.scores(faulty.len(), part as u64), faulty }
    };
    files.iter().enumerate().map(track).collect()
}

fn figures(name: &'static str, tracks: &[Track]) -> crate::refusal::Result<Evaluation> {
    let mut each = Vec::new();
    for track in tracks {
        let of = Figures { dataset: "skab", file: &track.file, algorithm: name, seeds: 1 };
        each.push(of.of("roc_auc", roc_auc(&track.scores, &track.faulty)));
    }
    let all = Figures { dataset: "skab", file: "all", algorithm: name, seeds: 1 };
    let mut found = standard(&all, tracks, &RULE)?;
    let mut confusion = Confusion::default();
    for track in tracks {
        track
            .scores
            .iter()
            .zip(&track.faulty)
            .for_each(|(score, faulty)| confusion.add(*score > 1.0, *faulty));
    }
    found.figures.extend([
        all.of("f1", confusion.f1()),
        all.of("false_alarm_rate", confusion.false_alarm_rate()),
        all.of("missed_rate", confusion.missed_rate()),
    ]);
    found.figures.splice(0..0, each);
    Ok(found)
}
