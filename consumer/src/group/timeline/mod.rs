//! Who owned what when, drawn from what members tell in the topic `group-events`.

mod event;
mod html;
mod model;
mod rebalance;
mod story;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::io::IsTerminal;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use millrace_core::kafka::{ClusterFlags, Kafka, Span};
use millrace_core::{Error, Result};
use rdkafka::message::Message;

pub use event::{Event, Kind, Place};
pub use model::{Double, Gap, Timeline, View};
pub use rebalance::{Cause, Doing, Move, Rebalance};
pub use story::{Ending, Interval, Life, Loss, Story};

use super::{TOPIC, print};
use crate::window;

/// What is drawn where nobody says how wide.
const WIDTH: usize = 100;

/// What `consumer timeline` can be told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  consumer timeline --group my-consumer --last 10m
  consumer timeline --group my-consumer --output my-consumer.html
  consumer timeline --group my-consumer --output-format json")]
pub struct TimelineArgs {
    /// The group
    #[arg(long, value_name = "GROUP")]
    group: String,
    /// Partitions of one topic only [default: all that the group reads]
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// From this time on (RFC 3339) [default: the group's first event]
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<i64>,
    /// Up to this time (RFC 3339) [default: now, or the last event where nobody is left]
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<i64>,
    /// So much of it at the end, as in 10m
    #[arg(long, value_name = "SPAN", value_parser = span, conflicts_with = "from")]
    last: Option<i64>,
    /// Write a picture (.svg) or a page (.html) instead
    #[arg(long, value_name = "FILE", conflicts_with = "output_format")]
    output: Option<PathBuf>,
    /// How it is shown
    #[arg(long, value_enum, default_value_t = TimelineForm::Text)]
    output_format: TimelineForm,
    #[command(flatten)]
    cluster: ClusterFlags,
}

/// How a timeline is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TimelineForm {
    /// A row a partition, a letter a member
    Text,
    /// One object
    Json,
}

fn time(text: &str) -> std::result::Result<i64, String> {
    let read = DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_millis());
    read.map_err(|_| "it is no RFC 3339 time, such as 2026-01-01T00:00:00Z".to_owned())
}

fn span(text: &str) -> std::result::Result<i64, String> {
    match text.parse() {
        Ok(window::Span::Time(time)) => Ok(time),
        _ => Err("it is no time from 1ms to 7d, such as 90s or 10m".to_owned()),
    }
}

/// Reads what the group's members told, and draws it.
///
/// # Errors
/// When the cluster does not answer, nobody told anything, or the file cannot be written.
pub fn run(args: &TimelineArgs) -> Result<()> {
    let draw = args.output.as_deref().map(by_ending).transpose()?;
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from >= to
    {
        return Err(Error::usage("--from is not before --to; exchange them"));
    }
    let kafka = args.cluster.kafka()?;
    kafka.check()?;
    let story = read(&kafka, &args.group, args.topic.as_deref())?;
    let now = Utc::now().timestamp_millis();
    let from = args.last.map(|last| args.to.unwrap_or(now) - last).or(args.from);
    let timeline = Timeline::of(&args.group, story, now, View { from, to: args.to });
    match (&args.output, draw) {
        (Some(path), Some(draw)) => std::fs::write(path, draw(&timeline))
            .map_err(|e| Error::failed(format!("{} cannot be written: {e}", path.display()))),
        _ => print(&shown(&timeline, args.output_format)?).map(drop),
    }
}

/// What draws a file of this name.
fn by_ending(path: &std::path::Path) -> Result<fn(&Timeline) -> String> {
    match path.extension().and_then(std::ffi::OsStr::to_str) {
        Some("svg") => Ok(svg::document),
        Some("html" | "htm") => Ok(html::page),
        _ => Err(Error::usage(format!("--output: {} ends neither with .svg nor .html", path.display()))),
    }
}

fn shown(timeline: &Timeline, form: TimelineForm) -> Result<String> {
    if form == TimelineForm::Json {
        let object = serde_json::to_string(timeline);
        return object.map(|o| o + "\n").map_err(|e| Error::failed(format!("the timeline has no JSON: {e}")));
    }
    let is_terminal = std::io::stdout().is_terminal();
    let size = crossterm::terminal::size().ok().filter(|(width, _)| is_terminal && *width > 0);
    let width = size.map_or(WIDTH, |(width, _)| width.into());
    let colours = is_terminal && std::env::var_os("NO_COLOR").is_none();
    Ok(text::draw(timeline, width, colours))
}

/// What the members of a group told so far.
///
/// # Errors
/// When the cluster does not answer, or nobody told anything.
pub fn read(kafka: &Kafka, group: &str, topic: Option<&str>) -> Result<Story> {
    let mut story = Story::default();
    Span::of(kafka, TOPIC)?.each(kafka, |record| {
        if record.key() == Some(group.as_bytes())
            && let Some(mut event) = record.payload().and_then(Event::read)
        {
            event.keep(topic);
            story.take(event);
        }
        Ok(())
    })?;
    if story.is_empty() {
        let server = kafka.bootstrap_servers();
        return Err(Error::failed(format!(
            "no member of group {group} has told anything in the topic {TOPIC} at {server}; check --group and --bootstrap-server"
        )));
    }
    Ok(story)
}
