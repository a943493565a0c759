use std::fmt::Write as _;
use std::io::{IsTerminal, Write, stdout};
use std::time::Instant;

use chrono::{DateTime, SecondsFormat};
use crossterm::cursor::MoveUp;
use crossterm::terminal::{Clear, ClearType};
use millrace_producer::report::grouped;
use millrace_producer::run::{Progress, Summary};
use millrace_producer::settings::{Output, Settings, Speed};

use super::columns::heads;
use crate::cluster::Cluster;

/// What `lab up` shows: in place on a terminal, line by line elsewhere.
pub struct View {
    began: Instant,
    in_place: bool,
    lines: u16,
}

impl View {
    pub fn new() -> Self {
        Self { began: Instant::now(), in_place: stdout().is_terminal(), lines: 0 }
    }

    pub fn addresses(&mut self, cluster: &Cluster, registry: &str, settings: &Settings) {
        let start = DateTime::from_timestamp_millis(settings.clock.start)
            .map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            .unwrap_or_default();
        let speed = match settings.speed {
            Speed::Max => "max".to_owned(),
            Speed::Factor(factor) => factor.to_string(),
        };
        let Output::Kafka(output) = &settings.output else { return };
        let format = if output.schema_registry.is_some() { "Avro" } else { "JSON" };
        if let Some(banner) = cluster.banner() {
            print(&format!("{banner}\n\n"));
        }
        print(&format!(
            "took      {}\n\
             Kafka     {}\n\
             registry  {registry}\n\
             topic     {} ({format}, keyed by machine_id)\n\
             plant     {} machines at {} Hz, speed {speed}; repeat with --seed {} --start {start}\n\n",
            cluster.describe(),
            cluster.bootstrap_server(),
            output.topic,
            settings.machines.len(),
            settings.clock.rate,
            settings.seed,
        ));
        self.began = Instant::now();
    }

    pub fn show(&mut self, progress: &Progress, rates: &[f64], latest: &[String], found: &[String]) {
        let text = self.text(progress, rates, latest, found);
        if self.in_place && self.lines > 0 {
            let back = format!("{}{}", MoveUp(self.lines), Clear(ClearType::FromCursorDown));
            print(&back);
        }
        self.lines = text.lines().count() as u16;
        print(&text);
    }

    /// Says once that Kafka is away.
    pub fn waiting(&mut self, why: &str) {
        self.say(&format!("{why}; records wait until it is back"));
    }

    /// Says something once; the next view that shows something goes below it.
    pub fn say(&mut self, what: &str) {
        print(&format!("{what}\n"));
        self.lines = 0;
    }

    pub fn summary(&self, summary: &Summary) {
        print(&format!(
            "\ngenerated {}, acknowledged {}, failed {} in {:.1} s\n",
            grouped(summary.generated),
            grouped(summary.acknowledged),
            grouped(summary.failed),
            summary.elapsed.as_secs_f64()
        ));
    }

    fn text(&self, progress: &Progress, rates: &[f64], latest: &[String], found: &[String]) -> String {
        let seconds = self.began.elapsed().as_secs();
        let total: f64 = rates.iter().sum();
        let mut text = format!(
            "{:02}:{:02}  acknowledged {}  {} records/s  ",
            seconds / 60,
            seconds % 60,
            grouped(progress.acknowledged()),
            rate(total)
        );
        for (partition, records) in rates.iter().enumerate() {
            let _ = write!(text, " p{partition} {}/s", rate(*records));
        }
        text.push('\n');
        let width = if self.in_place { terminal_width() } else { 200 };
        let heads = heads();
        let is_table = latest.iter().any(|record| !record.starts_with(['{', 'u']));
        for record in is_table.then_some(&heads).into_iter().chain(latest).chain(found) {
            text.extend(format!("       {record}").chars().take(width));
            text.push('\n');
        }
        text
    }
}

/// Lines longer than this would wrap and break the redrawing; a terminal that says 0 does not know.
fn terminal_width() -> usize {
    crossterm::terminal::size().ok().map(|(width, _)| width.into()).filter(|width| *width > 0).unwrap_or(120)
}

/// Whole numbers, but a slow stream keeps a decimal.
fn rate(records: f64) -> String {
    if records > 0.0 && records < 10.0 { format!("{records:.1}") } else { grouped(records.round() as u64) }
}

/// A reader that closed the pipe has seen what it wanted; the stream goes on.
fn print(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_shows_totals_partitions_and_records() {
        let view = View { began: Instant::now(), in_place: false, lines: 0 };
        let text = view.text(&Progress::default(), &[1.0, 1234.0], &["{}".into()], &[]);
        assert_eq!(text, "00:00  acknowledged 0  1,235 records/s   p0 1.0/s p1 1,234/s\n       {}\n");
    }
}
