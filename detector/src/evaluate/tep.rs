//! Learnt from `d00`; the threshold lets 1% of the rows of `d00_te` pass for faulty; faults begin at row 160.

use std::path::PathBuf;

use millrace_core::Result;

use super::healthy::held_out_scores;
use super::{Figure, Figures, Request, csv_files, mean, none_found, stem};
use crate::detector::Detector;
use crate::maths::measure::roc_auc;
use crate::maths::quantile::{median, quantile};
use crate::methods::Algorithm;
use crate::table::Table;

/// The first faulty row.
const ONSET: usize = 160;
/// So many exceedances in a row are a detection; its delay counts to the last of them.
const IN_A_ROW: usize = 3;

struct Data {
    learnt: Table,
    healthy: Table,
    faults: Vec<(String, Table)>,
}

pub(super) fn run(request: &Request) -> Result<Vec<Figure>> {
    let data = read(request)?;
    let algorithms = request.algorithms();
    let judged = algorithms.iter().map(|algorithm| {
        judge(*algorithm, &data).unwrap_or_else(|refusal| {
            let figures = Figures { dataset: "tep", file: "all", algorithm: algorithm.name(), seeds: 1 };
            vec![figures.not_applicable(refusal.to_string())]
        })
    });
    Ok(judged.flatten().collect())
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

fn judge(algorithm: Algorithm, data: &Data) -> crate::refusal::Result<Vec<Figure>> {
    let of = |file| Figures { dataset: "tep", file, algorithm: algorithm.name(), seeds: 1 };
    let mut model = algorithm.fit(data.learnt.rows(), 0)?;
    let healthy = model.score_all(data.healthy.rows());
    let threshold = quantile(&mut healthy.clone(), 0.99);
    let mut figures = Vec::new();
    let (mut rates, mut delays) = (Vec::new(), Vec::new());
    for (file, table) in &data.faults {
        model.restart();
        let scores = model.score_all(table.rows());
        let faulty: Vec<bool> = (0..scores.len()).map(|row| row >= ONSET).collect();
        let after = &scores[ONSET.min(scores.len())..];
        let rate = mean(after.iter().map(|score| f64::from(u8::from(*score > threshold)))).unwrap_or(0.0);
        let delay = delay(after, threshold);
        figures.push(of(file).of("detection_rate", rate));
        figures.push(of(file).of("delay_rows", delay));
        figures.push(of(file).of("roc_auc", roc_auc(&scores, &faulty)));
        rates.push(rate);
        delays.push(delay.unwrap_or(f64::MAX));
    }
    let all = of("all");
    figures.push(all.of("detection_rate", mean(rates)));
    figures.push(all.of("median_delay_rows", Some(median(&mut delays)).filter(|delay| *delay < 1e6)));
    let alone = quantile(&mut held_out_scores(algorithm, data.learnt.rows(), 0)?, 0.99);
    let above = healthy.iter().map(|score| f64::from(u8::from(*score > alone)));
    figures.push(all.of("false_alarm_rate_by_d00_alone", mean(above)));
    Ok(figures)
}

/// Rows from the onset to the detection.
fn delay(scores: &[f64], threshold: f64) -> Option<f64> {
    let windows = scores.windows(IN_A_ROW);
    let found = windows.into_iter().position(|three| three.iter().all(|score| *score > threshold))?;
    Some((found + IN_A_ROW - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_counts_to_the_third_exceedance_in_a_row() {
        assert_eq!(delay(&[2.0, 2.0, 0.0, 2.0, 2.0, 2.0], 1.0), Some(5.0));
        assert_eq!(delay(&[2.0, 2.0, 0.0], 1.0), None);
    }
}
