//! All methods on all data sets, as a page of the documentation.

use std::fmt::Write as _;

use super::Figure;

/// What each method misses, for those who learn.
const MISSES: &str = include_str!("misses.md");

const ALL: &str = "# All methods on all data sets

This page is written by one command, from a folder that holds the data sets under their names:

```
detector evaluate --dataset all --path data --output-format markdown > docs/methods.md
```
";

const FIGURES: &str = "\
[detection.md](detection.md) says what the methods ask, how they are measured and what each figure is. A dash is a \
figure that cannot be told: a quantile of delays that lies among faults never found, or a precision where no alert \
opened.
";

/// A data set: its name, what it asks of a method, the figures that tell.
const SECTIONS: [(&str, &str, &[&str]); 4] = [
    (
        "plant",
        "Machines of our plant with failures that grow over hours. `residual` and \
         `isolation_forest`, which is given its residuals, know nothing at the start; other methods for rows learn \
         each machine's first week and judge from then on, so what fails in that week is missed by them.",
        &[
            "episodes",
            "found",
            "severity_median",
            "severity_p90",
            "delay_minutes_median",
            "event_precision",
            "false_alarms_per_machine_week",
            "sensor_named",
            "failure_named",
            "share_of_healthy_time_in_alarm",
            "roc_auc",
            "vus_pr",
        ],
    ),
    (
        "skab",
        "A water circulation testbed, eight sensors, learnt from 400 seconds. Faults are long, so F1 means \
         something only beside the false alarm rate.",
        &[
            "roc_auc",
            "average_precision",
            "vus_pr",
            "f1",
            "false_alarm_rate",
            "missed_rate",
            "event_precision",
            "event_recall",
            "median_delay_rows",
            "share_of_time_in_alarm",
        ],
    ),
    (
        "tep",
        "The Tennessee Eastman process, 52 variables that a controller holds together: faults show in how they \
         move together, not in how far they go.",
        &[
            "detection_rate",
            "false_alarm_rate",
            "false_alarm_rate_by_d00_alone",
            "median_delay_rows",
            "p90_delay_rows",
            "event_precision",
            "event_recall",
            "roc_auc",
            "vus_pr",
        ],
    ),
    (
        "nab",
        "One variable with few windows. The score of a single file proves nothing: another threshold, another score.",
        &[
            "roc_auc",
            "average_precision",
            "vus_pr",
            "nab_score",
            "nab_score_best_threshold",
            "event_precision",
            "event_recall",
            "share_of_time_in_alarm",
        ],
    ),
];

const TABLES: &str = "Tables whose rows have no order, learnt and judged on the same rows without labels: what is \
                      faulty must also be rare and apart. ROC-AUC / average precision; methods that remember the \
                      rows before are not applicable.";

/// The page.
pub(super) fn markdown(figures: &[Figure]) -> String {
    let mut text = format!("{}\n{FIGURES}", introduction(figures));
    for (dataset, about, metrics) in SECTIONS {
        let own: Vec<&Figure> =
            figures.iter().filter(|figure| figure.dataset == dataset && figure.reason.is_none()).collect();
        if !own.is_empty() {
            let _ = write!(text, "\n## `{dataset}`\n\n{about}\n\n{}", table(&own, metrics));
        }
    }
    let tables: Vec<&Figure> =
        figures.iter().filter(|figure| figure.dataset == "adbench" && figure.reason.is_none()).collect();
    if !tables.is_empty() {
        let _ = write!(text, "\n## `adbench`\n\n{TABLES}\n\n{}", by_file(&tables));
    }
    text + "\n" + MISSES
}

/// What the page is of: everything, or one data set.
fn introduction(figures: &[Figure]) -> String {
    let dataset = figures.first().map_or("", |figure| figure.dataset);
    if figures.iter().any(|figure| figure.dataset != dataset) {
        return ALL.to_owned();
    }
    format!(
        "# Methods on `{dataset}`\n\nWritten by `detector evaluate --dataset {dataset} --path DIR --output-format markdown`.\n"
    )
}

/// Methods down, figures across; of all files together where there are such figures, else file by file.
fn table(figures: &[&Figure], metrics: &[&str]) -> String {
    let pooled = figures.iter().any(|figure| figure.file == "all");
    let titles: Vec<String> = metrics.iter().map(|metric| metric.replace('_', " ")).collect();
    let mut text = head(&titles);
    let shown: Vec<&&Figure> = figures.iter().filter(|figure| !pooled || figure.file == "all").collect();
    for row in shown.chunk_by(|a, b| a.algorithm == b.algorithm && a.file == b.file) {
        let of = |metric: &&str| number(row.iter().find(|figure| figure.metric == *metric).copied().copied());
        let cells: Vec<String> = metrics.iter().map(of).collect();
        let _ = writeln!(text, "| `{}` | {} |", row[0].algorithm, cells.join(" | "));
    }
    text
}

/// Methods down, files across.
fn by_file(figures: &[&Figure]) -> String {
    let (mut files, mut methods): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
    for figure in figures {
        if !files.contains(&figure.file) {
            files.push(figure.file.clone());
        }
        if !methods.contains(&figure.algorithm) {
            methods.push(figure.algorithm);
        }
    }
    let mut text = head(&files);
    for method in methods {
        let of = |file: &String, metric: &str| {
            let wanted = |f: &&&Figure| f.algorithm == method && f.file == *file && f.metric == metric;
            number(figures.iter().find(wanted).copied())
        };
        let cells: Vec<String> = files
            .iter()
            .map(|file| format!("{} / {}", of(file, "roc_auc"), of(file, "average_precision")))
            .collect();
        let _ = writeln!(text, "| `{method}` | {} |", cells.join(" | "));
    }
    text
}

fn head(titles: &[String]) -> String {
    format!("| method | {} |\n|---|{}\n", titles.join(" | "), "---|".repeat(titles.len()))
}

fn number(figure: Option<&Figure>) -> String {
    match figure.and_then(|figure| figure.value) {
        Some(value) if value.abs() >= 1000.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.3}"),
        None => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Method;

    #[test]
    fn every_method_has_its_paragraph() {
        for method in Method::all() {
            assert!(MISSES.contains(&format!("### `{}`", method.name())), "{} has none", method.name());
        }
    }

    #[test]
    fn a_figure_that_cannot_be_told_is_a_dash_and_methods_go_down() {
        let figure = |metric, value| Figure {
            dataset: "skab",
            file: "all".into(),
            algorithm: "t2",
            metric,
            value,
            seeds: 1,
            reason: None,
        };
        let figures = [figure("roc_auc", Some(0.75)), figure("median_delay_rows", None)];
        let shown: Vec<&Figure> = figures.iter().collect();
        assert_eq!(
            table(&shown, &["roc_auc", "median_delay_rows"]),
            "| method | roc auc | median delay rows |\n|---|---|---|\n| `t2` | 0.750 | – |\n"
        );
    }
}
