//! How a timeline is told, whatever draws it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::DateTime;

use super::event::Place;
use super::model::Timeline;
use super::rebalance::{Doing, Move, Rebalance};
use super::story::{Ending, Interval, Life};

const DAY: i64 = 86_400_000;

/// The letter of a member; after 26 they begin anew.
pub(super) fn letter(life: usize) -> char {
    char::from(b'A' + (life % 26) as u8)
}

/// What is drawn: the group, its topics, and when.
pub(super) fn title(timeline: &Timeline) -> String {
    let first = timeline.intervals.first().filter(|_| !has_topics(timeline));
    let topic = first.map_or_else(String::new, |own| format!(", topic {}", own.place.topic));
    let [from, to] = [timeline.from, timeline.to].map(|time| stamp(time, "%Y-%m-%d %H:%M:%S"));
    let is_one_day = from.get(..11) == to.get(..11);
    let to = to.get(11..).filter(|_| is_one_day).unwrap_or(&to);
    format!("group {}{topic}, {from} to {to} UTC", timeline.group)
}

/// Whether there are several topics; the intervals lie in the order of theirs.
fn has_topics(timeline: &Timeline) -> bool {
    let topic = |own: Option<&Interval>| own.map(|own| own.place.topic.clone());
    topic(timeline.intervals.first()) != topic(timeline.intervals.last())
}

/// A partition's name; with its topic where there are several.
pub(super) fn name(timeline: &Timeline, place: &Place) -> String {
    if has_topics(timeline) {
        return format!("{} {}", place.topic, place.partition);
    }
    place.partition.to_string()
}

/// A moment, to the second; with its day where the picture is longer than one.
pub(super) fn moment(timeline: &Timeline, time: i64) -> String {
    let is_long = timeline.to - timeline.from > DAY;
    stamp(time, if is_long { "%m-%d %H:%M" } else { "%H:%M:%S" })
}

fn exactly(timeline: &Timeline, time: i64) -> String {
    let is_long = timeline.to - timeline.from > DAY;
    stamp(time, if is_long { "%m-%d %H:%M:%S%.3f" } else { "%H:%M:%S%.3f" })
}

fn stamp(time: i64, form: &str) -> String {
    DateTime::from_timestamp_millis(time).map_or_else(|| time.to_string(), |at| at.format(form).to_string())
}

/// A length of time; nothing is `-`.
pub(super) fn length(time: i64) -> String {
    let seconds = time as f64 / 1000.0;
    match time {
        0 => "-".to_owned(),
        ..1_000 => format!("{time} ms"),
        ..60_000 => format!("{seconds:.1} s"),
        ..3_600_000 => format!("{:.1} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3_600.0),
    }
}

/// What became of a member.
pub(super) fn fate(timeline: &Timeline, life: &Life) -> String {
    let last = moment(timeline, life.last);
    let mut fate = match life.end {
        None => "is there".to_owned(),
        Some(Ending::Left) => format!("left at {last}"),
        Some(Ending::Silent) => format!("not heard of since {last}: killed, or it hangs"),
    };
    for (from, to) in &life.silences {
        let _ = write!(fate, "; silent from {} for {}", moment(timeline, *from), length(to - from));
    }
    fate
}

/// When a rebalance was, and why.
pub(super) fn occasion(timeline: &Timeline, rebalance: &Rebalance) -> String {
    let did = |what| match what {
        Doing::Came => "came",
        Doing::Left => "left",
        Doing::Silent => "was not heard of again",
        Doing::Lost => "lost what it had",
    };
    let causes = rebalance.causes.iter().map(|cause| format!("{} {}", letter(cause.life), did(cause.what)));
    let causes: Vec<String> = causes.collect();
    let why = if causes.is_empty() { "partitions moved".to_owned() } else { causes.join(", ") };
    format!("{}  {why}", exactly(timeline, rebalance.from))
}

/// From whom to whom partitions went.
pub(super) fn moved(timeline: &Timeline, one: &Move) -> String {
    let places = places(timeline, &one.places);
    let unowned = length(one.unowned);
    match (one.from, one.to) {
        (Some(old), Some(new)) if old == new => format!("back to {}: {places}, after {unowned}", letter(old)),
        (Some(old), Some(new)) => {
            let mut told = format!("{} to {}: {places}", letter(old), letter(new));
            if one.unowned > 0 {
                let _ = write!(told, ", unowned for {unowned}");
            }
            told
        }
        (None, Some(new)) => format!("to {}: {places}", letter(new)),
        (Some(old), None) => format!("{} to nobody: {places}", letter(old)),
        (None, None) => places,
    }
}

/// Partitions, neighbours as one: `0-3 7`.
fn places(timeline: &Timeline, places: &[Place]) -> String {
    let several = has_topics(timeline);
    let follows = |a: &Place, b: &Place| a.topic == b.topic && a.partition + 1 == b.partition;
    let runs = places.chunk_by(follows).map(|run| {
        let (first, last) = (&run[0], &run[run.len() - 1]);
        let topic = if several { format!("{} ", first.topic) } else { String::new() };
        match (first.partition, last.partition) {
            (one, other) if one == other => format!("{topic}{one}"),
            (one, other) => format!("{topic}{one}-{other}"),
        }
    });
    runs.collect::<Vec<_>>().join(" ")
}

/// When two owned the same partitions.
pub(super) fn doubles(timeline: &Timeline) -> Vec<String> {
    let mut same: BTreeMap<_, Vec<Place>> = BTreeMap::new();
    for double in &timeline.doubles {
        let key = (double.from, double.to, double.first, double.second);
        same.entry(key).or_default().push(double.place.clone());
    }
    let told = same.into_iter().map(|((from, to, first, second), own)| {
        let (at, places, time) = (exactly(timeline, from), places(timeline, &own), length(to - from));
        format!("{at}  {} and {}: {places}, for {time}", letter(first), letter(second))
    });
    told.collect()
}

/// Lines of at most so many characters; those after the first are indented.
pub(super) fn wrapped(text: &str, width: usize, indent: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        let is_new = line.trim().is_empty();
        if !is_new && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(format!("{indent}{word}"));
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}
