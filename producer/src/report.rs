//! What a run tells on standard error.

use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat};
use indicatif::ProgressBar;

use crate::bar;
use crate::run::{Progress, Summary};
use crate::settings::{DatasetFormat, Output, Settings, Speed, TextFormat};

const BETWEEN_NEWS: Duration = Duration::from_secs(5);

/// Says what begins, and how to repeat it.
pub(crate) fn begin(settings: &Settings) {
    if settings.verbose {
        eprintln!("{}", beginning(settings));
        disorder(settings).into_iter().for_each(|line| eprintln!("{line}"));
    }
}

/// Says that there is nothing to do, and why.
pub(crate) fn complete(settings: &Settings, sentence: &str) {
    if settings.verbose {
        eprintln!("{sentence}");
    }
}

/// Says where a run goes on, and what it does before.
pub(crate) fn catching_up(settings: &Settings, ticks: u64) {
    if settings.verbose && ticks > 0 {
        let time = rfc3339(settings.clock.timestamp(ticks));
        let records = grouped(ticks * settings.machines.len() as u64);
        eprintln!("goes on at {time}; the {records} readings before it are made once more and not sent");
    }
}

/// Says that the end was asked for and what is waited for.
pub(crate) fn flushing(settings: &Settings) {
    if settings.verbose {
        eprintln!("ending: waiting until every record is safe; press Ctrl-C again to leave at once");
    }
}

/// Says what came of it.
pub(crate) fn end(settings: &Settings, summary: &Summary) {
    if settings.verbose {
        eprintln!("{}", ending(summary));
    }
}

fn beginning(settings: &Settings) -> String {
    let start = rfc3339(settings.clock.start);
    let speed = match settings.speed {
        Speed::Max => "as fast as it goes".to_owned(),
        Speed::Factor(factor) => format!("{factor}x"),
    };
    let target = match &settings.output {
        Output::Console { format } => format!("the console as {}", name(*format)),
        Output::File { path, format, .. } => format!("{} as {}", path.display(), name(*format)),
        Output::Dataset(file) => format!("{} as {}", file.path.display(), dataset_name(file.format)),
        Output::Api(api) => format!("{} as JSON", millrace_core::http::shown(&api.url)),
        Output::Kafka(kafka) => {
            let format = if kafka.schema_registry.is_some() { "Avro" } else { "JSON" };
            format!("topic {} at {} as {format}", kafka.topic, kafka.kafka.bootstrap_servers())
        }
    };
    let machines = match settings.machines.len() {
        1 => "1 machine".to_owned(),
        count => format!("{} machines", grouped(count as u64)),
    };
    let truth = settings.truth.as_ref().map_or_else(String::new, |truth| format!("; the truth to {truth}"));
    format!(
        "{machines} at {} Hz, {speed}, to {target}{truth}\nrepeat with --seed {} --start {start}",
        settings.clock.rate, settings.seed
    )
}

fn disorder(settings: &Settings) -> Option<String> {
    let disorder = settings.disorder.as_ref()?;
    Some(match &settings.ledger {
        Some(place) => format!("disorder {disorder}, each act written down in {place}"),
        None => format!("disorder {disorder}, not written down: without --ledger it cannot be undone"),
    })
}

/// An event time as `--start` takes it.
pub(crate) fn rfc3339(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds)
        .map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        .unwrap_or_default()
}

fn dataset_name(format: DatasetFormat) -> &'static str {
    match format {
        DatasetFormat::Avro => "an Avro container",
        DatasetFormat::Parquet => "Parquet",
    }
}

fn name(format: TextFormat) -> &'static str {
    match format {
        TextFormat::Json => "JSON",
        TextFormat::Csv => "CSV",
    }
}

fn ending(summary: &Summary) -> String {
    let seconds = summary.elapsed.as_secs_f64();
    format!(
        "generated {}, acknowledged {}, failed {} in {seconds:.1} s ({} records/s)",
        grouped(summary.generated),
        grouped(summary.acknowledged),
        grouped(summary.failed),
        grouped((summary.acknowledged as f64 / seconds.max(1e-9)) as u64)
    )
}

/// A number with its thousands set apart, as in 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A line now and then about a run whose output is not on the screen anyway.
pub(crate) struct News {
    wanted: bool,
    bar: Option<ProgressBar>,
    last: Instant,
    acknowledged: u64,
}

impl News {
    pub(crate) fn new(settings: &Settings) -> Self {
        let on_screen = matches!(settings.output, Output::Console { .. });
        let wanted = settings.verbose && !on_screen;
        // Where a line is edited, a bar would be drawn over it.
        let bar = if settings.interactive { None } else { bar::begin(settings) };
        Self { wanted, bar, last: Instant::now(), acknowledged: 0 }
    }

    /// The line that is due now.
    pub(crate) fn line(&mut self, progress: &Progress) -> Option<String> {
        if let Some(bar) = &self.bar {
            bar.set_position(progress.generated());
            return None;
        }
        let elapsed = self.last.elapsed();
        if !self.wanted || elapsed < BETWEEN_NEWS {
            return None;
        }
        let acknowledged = progress.acknowledged();
        let rate = (acknowledged - self.acknowledged) as f64 / elapsed.as_secs_f64();
        let failed = match progress.failed() {
            0 => String::new(),
            failed => format!("failed {}, ", grouped(failed)),
        };
        (self.last, self.acknowledged) = (Instant::now(), acknowledged);
        Some(format!(
            "generated {}, acknowledged {}, {failed}{} records/s",
            grouped(progress.generated()),
            grouped(acknowledged),
            grouped(rate as u64)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_counts_generated_acknowledged_and_failed() {
        let summary = Summary {
            generated: 1_234_567,
            acknowledged: 1_234_000,
            failed: 67,
            elapsed: Duration::from_secs(2),
        };
        assert_eq!(
            ending(&summary),
            "generated 1,234,567, acknowledged 1,234,000, failed 67 in 2.0 s (617,000 records/s)"
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
