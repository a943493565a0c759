use serde_json::{Value, json};

use super::PartitionLag;
use crate::prometheus::Page;

/// A number of a partition, if it is known.
type Number = fn(&PartitionLag) -> Option<f64>;

/// What is told beside offsets: column, metric, what it is, and where it is found.
const NUMBERS: [(&str, &str, &str, Number); 6] = [
    ("event time s", "millrace_group_lag_event_seconds", "Newest less oldest unread record's time.", |lag| {
        lag.lag_event_s
    }),
    ("waiting s", "millrace_group_lag_wall_seconds", "How long ago the oldest unread record came.", |lag| {
        lag.lag_wall_s
    }),
    ("unread", "millrace_group_unread_records", "Unread records that are there, counted.", |lag| {
        lag.unread.map(|count| count as f64)
    }),
    ("read/s", "millrace_group_read_records_per_second", "Offsets a second that the group commits.", |lag| {
        lag.read_per_s
    }),
    ("arriving/s", "millrace_group_arriving_records_per_second", "Offsets a second that come.", |lag| {
        lag.arriving_per_s
    }),
    (
        "catch up s",
        "millrace_group_catch_up_seconds",
        "Seconds until all is read at these rates; absent where it would never be.",
        |lag| lag.catch_up_s,
    ),
];

/// The group in all partitions: sums, and of times the longest.
fn total(lags: &[PartitionLag]) -> PartitionLag {
    let longest = |of: Number| lags.iter().filter_map(of).reduce(f64::max);
    let longest_if_all = |of: Number| longest(of).filter(|_| lags.iter().all(|lag| of(lag).is_some()));
    let sum = |of: Number| lags.iter().filter_map(of).reduce(|a, b| a + b);
    PartitionLag {
        topic: "total".to_owned(),
        lag: lags.iter().map(|lag| lag.lag).sum(),
        lag_event_s: longest(|lag| lag.lag_event_s),
        lag_wall_s: longest_if_all(|lag| lag.lag_wall_s),
        unread: lags.iter().filter_map(|lag| lag.unread).reduce(|a, b| a + b),
        read_per_s: sum(|lag| lag.read_per_s),
        arriving_per_s: sum(|lag| lag.arriving_per_s),
        catch_up_s: longest_if_all(|lag| lag.catch_up_s),
        ..PartitionLag::default()
    }
}

/// Columns of which nothing is known are left out, but for that of event time.
pub(super) fn table(lags: &[PartitionLag]) -> String {
    let width = lags.iter().map(|lag| lag.topic.len()).max().unwrap_or(0).max(5);
    let is_shown = |at: usize, of: Number| at == 0 || lags.iter().any(|lag| lag.lag > 0 && of(lag).is_some());
    let shown: Vec<_> =
        NUMBERS.iter().enumerate().filter(|(at, (.., of))| is_shown(*at, *of)).map(|(_, one)| one).collect();
    let row = |topic: &str, offsets: [String; 5], numbers: Vec<String>| {
        let [partition, committed, log_start, end, lag] = offsets;
        let mut line =
            format!("{topic:<width$} {partition:>9} {committed:>12} {log_start:>12} {end:>12} {lag:>12}");
        numbers.iter().for_each(|number| line += &format!(" {number:>12}"));
        line + "\n"
    };
    let numbers = |lag: &PartitionLag| shown.iter().map(|(name, .., of)| number(name, of(lag))).collect();
    let head = ["partition", "committed", "log start", "end", "lag"].map(ToOwned::to_owned);
    let mut text = row("topic", head, shown.iter().map(|(name, ..)| (*name).to_owned()).collect());
    for lag in lags {
        let offsets = [lag.partition.into(), lag.committed, lag.log_start, lag.end, lag.lag];
        text += &row(&lag.topic, offsets.map(|n: i64| n.to_string()), numbers(lag));
    }
    let total = total(lags);
    let empty = String::new;
    text + &row("total", [empty(), empty(), empty(), empty(), total.lag.to_string()], numbers(&total))
}

fn number(column: &str, number: Option<f64>) -> String {
    let digits = usize::from(column != "unread");
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
}

/// One object; `at` is when it was measured, in milliseconds.
pub(super) fn json(group: &str, at: i64, lags: &[PartitionLag]) -> String {
    let mut object = json!(total(lags));
    if let Value::Object(fields) = &mut object {
        for of_one in ["topic", "partition", "committed", "log_start", "end"] {
            fields.remove(of_one);
        }
    }
    (object["group"], object["timestamp"], object["partitions"]) = (group.into(), at.into(), json!(lags));
    format!("{object}\n")
}

pub(super) fn prometheus(group: &str, lags: &[PartitionLag]) -> String {
    let mut page = Page::default();
    let lag: Number = |lag| Some(lag.lag as f64);
    let records = ("lag", "millrace_group_lag_records", "Records that the group has not read.", lag);
    for (_, name, help, of) in std::iter::once(&records).chain(&NUMBERS) {
        let known: Vec<_> = lags.iter().filter_map(|lag| Some((lag, of(lag)?))).collect();
        if known.is_empty() {
            continue;
        }
        page.gauge(name, help);
        for (lag, value) in known {
            let partition = lag.partition.to_string();
            page.value(name, &[("group", group), ("topic", &lag.topic), ("partition", &partition)], value);
        }
    }
    page.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lags() -> Vec<PartitionLag> {
        let of = |partition, committed, end, lag, lag_event_s| PartitionLag {
            topic: "sensor-data".into(),
            partition,
            committed,
            log_start: 10,
            end,
            lag,
            lag_event_s,
            lag_wall_s: (lag == 0).then_some(0.0),
            ..PartitionLag::default()
        };
        vec![of(0, 100, 100, 0, Some(0.0)), of(1, 100, 150, 50, Some(12.25)), of(2, 5, 20, 10, None)]
    }

    #[test]
    fn lag_is_shown_by_partition_and_in_total() {
        let lags = lags();
        insta::assert_snapshot!(table(&lags) + &json("g", 1, &lags) + &prometheus("g\"", &lags));
    }

    #[test]
    fn what_was_counted_and_seen_by_watching_is_shown_too() {
        let mut lags = lags();
        for lag in &mut lags {
            (lag.unread, lag.lag_wall_s) = (Some(lag.lag / 2), Some(lag.lag as f64 / 20.0));
            (lag.read_per_s, lag.arriving_per_s) = (Some(30.0), Some(10.0));
            lag.catch_up_s = Some(lag.lag as f64 / 20.0);
        }
        insta::assert_snapshot!(table(&lags) + &json("g", 1, &lags) + &prometheus("g", &lags));
    }
}
