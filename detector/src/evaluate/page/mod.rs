//! A page with pictures that needs nothing but itself.

mod svg;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use millrace_core::{Error, Result};

use super::picture::Picture;
use super::{Evaluation, Figure};

/// Writes the page.
///
/// # Errors
/// If it cannot be written.
pub fn write_page(evaluation: &Evaluation, to: &Path) -> Result<()> {
    let written = std::fs::write(to, page(evaluation));
    written.map_err(|e| Error::failed(format!("--output: cannot write `{}`: {e}", to.display())))
}

fn page(evaluation: &Evaluation) -> String {
    let mut datasets: Vec<&'static str> = evaluation.figures.iter().map(|figure| figure.dataset).collect();
    datasets.dedup();
    let title = format!("Detectors judged: {}", datasets.join(", "));
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{}</style></head><body><main><h1>{title}</h1>{}",
        include_str!("page.css"),
        include_str!("intro.html"),
    );
    for dataset in datasets {
        let _ = write!(html, "<h2>{dataset}</h2>");
        let figures: Vec<&Figure> = evaluation.figures.iter().filter(|f| f.dataset == dataset).collect();
        html.push_str(&table(&figures));
        let pictures: Vec<&Picture> = evaluation.pictures.iter().filter(|p| p.dataset == dataset).collect();
        for cards in pictures.chunk_by(|a, b| a.algorithm == b.algorithm) {
            html.push_str(&card(cards));
        }
        html.push_str(&inapplicable(&figures));
    }
    html.push_str("</main></body></html>\n");
    html
}

/// A method: its curve, its delays, and its score against the truth.
fn card(pictures: &[&Picture]) -> String {
    let mut html = format!("<section><h3>{}</h3><div class=\"row\">", pictures[0].algorithm);
    for picture in pictures {
        if !picture.roc.is_empty() {
            let one = pictures.len() == 1;
            let caption = if one { "Found against false alarms" } else { picture.file.as_str() };
            html.push_str(&svg::roc(&picture.roc, caption));
        }
        if !picture.delays.is_empty() {
            html.push_str(&svg::delays(&picture.delays, picture.unit));
        }
    }
    html.push_str("</div>");
    for picture in pictures {
        picture.strips.iter().for_each(|strip| html.push_str(&svg::strip(strip, picture.unit)));
    }
    html.push_str("</section>");
    html
}

/// Methods down, figures across; a file of its own where the figures are not of all files together.
fn table(figures: &[&Figure]) -> String {
    let pooled = figures.iter().any(|figure| figure.file == "all" && figure.value.is_some());
    let shown: Vec<&&Figure> = figures
        .iter()
        .filter(|figure| figure.reason.is_none() && (!pooled || figure.file == "all"))
        .collect();
    let mut metrics: Vec<&str> = Vec::new();
    for figure in &shown {
        if !metrics.contains(&figure.metric) {
            metrics.push(figure.metric);
        }
    }
    let mut html = "<div class=\"wide\"><table><thead><tr><th>method</th>".to_owned();
    metrics.iter().for_each(|metric| {
        let _ = write!(html, "<th>{}</th>", metric.replace('_', " "));
    });
    html.push_str("</tr></thead><tbody>");
    for row in shown.chunk_by(|a, b| a.algorithm == b.algorithm && a.file == b.file) {
        let file = if pooled { String::new() } else { format!(" <small>{}</small>", escaped(&row[0].file)) };
        let _ = write!(html, "<tr><th>{}{file}</th>", row[0].algorithm);
        for metric in &metrics {
            let value = row.iter().find(|figure| figure.metric == *metric).and_then(|figure| figure.value);
            let text = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
            let _ = write!(html, "<td>{text}</td>");
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
    html
}

fn inapplicable(figures: &[&Figure]) -> String {
    let reasons: BTreeSet<(&str, &str)> =
        figures.iter().filter_map(|figure| Some((figure.algorithm, figure.reason.as_deref()?))).collect();
    let line = |(name, reason): (&str, &str)| format!("<li><b>{name}</b>: {}</li>", escaped(reason));
    let lines: String = reasons.into_iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("<h3>Not applicable</h3><ul>{lines}</ul>") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
