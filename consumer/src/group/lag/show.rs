use std::fmt::Write as _;

use serde_json::json;

use super::PartitionLag;

/// Records behind in all partitions, and the longest time behind in one.
fn total(lags: &[PartitionLag]) -> (i64, Option<f64>) {
    let records = lags.iter().map(|lag| lag.lag).sum();
    (records, lags.iter().filter_map(|lag| lag.lag_event_s).reduce(f64::max))
}

fn seconds(time: Option<f64>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1}"))
}

pub(super) fn table(lags: &[PartitionLag]) -> String {
    let width = lags.iter().map(|lag| lag.topic.len()).max().unwrap_or(0).max(5);
    let row = |topic: &str, rest: [&str; 6]| {
        let [partition, committed, log_start, end, lag, time] = rest;
        format!(
            "{topic:<width$} {partition:>9} {committed:>12} {log_start:>12} {end:>12} {lag:>12} {time:>12}\n"
        )
    };
    let mut text = row("topic", ["partition", "committed", "log start", "end", "lag", "event time s"]);
    for lag in lags {
        let numbers = [lag.partition.into(), lag.committed, lag.log_start, lag.end, lag.lag]
            .map(|n: i64| n.to_string());
        let [partition, committed, log_start, end, records] = &numbers;
        text += &row(&lag.topic, [partition, committed, log_start, end, records, &seconds(lag.lag_event_s)]);
    }
    let (records, time) = total(lags);
    text + &row("total", ["", "", "", "", &records.to_string(), &seconds(time)])
}

pub(super) fn json(group: &str, lags: &[PartitionLag]) -> String {
    let (records, time) = total(lags);
    format!("{}\n", json!({"group": group, "lag": records, "lag_event_s": time, "partitions": lags}))
}

pub(super) fn prometheus(group: &str, lags: &[PartitionLag]) -> String {
    let labels = |lag: &PartitionLag| {
        let (group, topic) = (escaped(group), escaped(&lag.topic));
        format!("{{group=\"{group}\",topic=\"{topic}\",partition=\"{}\"}}", lag.partition)
    };
    let mut text = "# HELP millrace_group_lag_records Records that the group has not read.\n\
                    # TYPE millrace_group_lag_records gauge\n"
        .to_owned();
    for lag in lags {
        let _ = writeln!(text, "millrace_group_lag_records{} {}", labels(lag), lag.lag);
    }
    text += "# HELP millrace_group_lag_event_seconds Newest less oldest unread record's time.\n\
             # TYPE millrace_group_lag_event_seconds gauge\n";
    for (lag, time) in lags.iter().filter_map(|lag| Some((lag, lag.lag_event_s?))) {
        let _ = writeln!(text, "millrace_group_lag_event_seconds{} {time}", labels(lag));
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_shown_by_partition_and_in_total() {
        let of = |partition, committed, end, lag, lag_event_s| PartitionLag {
            topic: "sensor-data".into(),
            partition,
            committed,
            log_start: 10,
            end,
            lag,
            lag_event_s,
        };
        let lags = [of(0, 100, 100, 0, Some(0.0)), of(1, 100, 150, 50, Some(12.25)), of(2, 5, 20, 10, None)];
        insta::assert_snapshot!(table(&lags) + &json("g", &lags) + &prometheus("g\"", &lags));
    }
}
