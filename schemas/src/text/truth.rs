use super::{csv, format_time, json, push_double, push_integer};
use crate::truth::{Episode, SensorTruth};

/// One field of a flat row.
#[derive(Clone, Copy)]
enum Field<'a> {
    Text(&'a str),
    Integer(i64),
    Double(f64),
    Missing,
}

/// Writes what is true of the readings as text rows; keeps the last timestamp's text, which a whole tick shares.
pub struct TruthEncoder {
    milliseconds: bool,
    timestamp: i64,
    time: String,
}

const TRUTH: [&str; 6] = ["machine_id", "timestamp", "sequence", "anomaly_label", "anomaly_type", "severity"];
const EPISODE: [&str; 6] = ["machine_id", "kind", "type", "start", "end", "cause"];

impl TruthEncoder {
    /// An encoder whose times look as those of the readings: with `.fff`, or without.
    pub fn new(milliseconds: bool) -> Self {
        Self { milliseconds, timestamp: 0, time: format_time(0, milliseconds) }
    }

    /// Appends one JSON object, without a line end.
    pub fn json(&mut self, truth: &SensorTruth<'_>, out: &mut Vec<u8>) {
        object(&TRUTH, self.fields(truth), out);
    }

    /// Appends one CSV row, without a line end.
    pub fn csv(&mut self, truth: &SensorTruth<'_>, out: &mut Vec<u8>) {
        row(self.fields(truth), out);
    }

    fn fields<'a>(&'a mut self, truth: &'a SensorTruth<'_>) -> [Field<'a>; 6] {
        if truth.timestamp != self.timestamp {
            self.timestamp = truth.timestamp;
            self.time = format_time(truth.timestamp, self.milliseconds);
        }
        [
            Field::Text(&truth.machine_id),
            Field::Text(&self.time),
            Field::Integer(truth.sequence),
            Field::Integer(truth.anomaly_label.into()),
            Field::Text(&truth.anomaly_type),
            Field::Double(truth.severity),
        ]
    }
}

/// The CSV header of truths, without a line end.
pub fn truth_csv_header() -> String {
    TRUTH.join(",")
}

/// The CSV header of episodes, without a line end.
pub fn episode_csv_header() -> String {
    EPISODE.join(",")
}

/// Appends one JSON object, without a line end. Episodes begin and end between samples, so their times always
/// have milliseconds.
pub fn episode_json(episode: &Episode<'_>, out: &mut Vec<u8>) {
    let times = times(episode);
    object(&EPISODE, episode_fields(episode, &times), out);
}

/// Appends one CSV row, without a line end, with the times of [`episode_json`].
pub fn episode_csv(episode: &Episode<'_>, out: &mut Vec<u8>) {
    let times = times(episode);
    row(episode_fields(episode, &times), out);
}

fn times(episode: &Episode<'_>) -> (String, Option<String>) {
    (format_time(episode.start, true), episode.end.map(|end| format_time(end, true)))
}

fn episode_fields<'a>(
    episode: &'a Episode<'_>,
    (start, end): &'a (String, Option<String>),
) -> [Field<'a>; 6] {
    [
        Field::Text(&episode.machine_id),
        Field::Text(episode.kind.name()),
        Field::Text(&episode.name),
        Field::Text(start),
        end.as_deref().map_or(Field::Missing, Field::Text),
        Field::Text(&episode.cause),
    ]
}

fn object<const N: usize>(names: &[&str; N], fields: [Field<'_>; N], out: &mut Vec<u8>) {
    for (index, (name, field)) in names.iter().zip(fields).enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        json::string(name, out);
        out.push(b':');
        match field {
            Field::Text(text) => json::string(text, out),
            Field::Integer(number) => push_integer(number, out),
            Field::Double(number) => push_double(number, out),
            Field::Missing => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
}

fn row<const N: usize>(fields: [Field<'_>; N], out: &mut Vec<u8>) {
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match field {
            Field::Text(text) => csv::quoted(text, out),
            Field::Integer(number) => push_integer(number, out),
            Field::Double(number) => push_double(number, out),
            Field::Missing => {}
        }
    }
}
