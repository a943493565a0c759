//! What a running member tells Prometheus.

mod server;

use std::collections::BTreeMap;

use crate::pipeline::State;
use crate::prometheus::Page;

pub use server::Server;

/// How far an own partition is, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The next offset that the group has committed.
    pub committed: Option<i64>,
    /// The offset behind the last record that may be read, when records came last.
    pub end: Option<i64>,
}

/// The metrics of a member.
pub fn page(topic: &str, state: &State, standings: &BTreeMap<i32, Standing>) -> String {
    let own = [("group", state.group.as_str()), ("member", state.member.as_str()), ("topic", topic)];
    let mut page = Page::default();
    let counters = [
        ("millrace_consumer_read_records_total", "Records taken, rejected ones included.", state.records),
        ("millrace_consumer_rejected_records_total", "Records that could not be read.", state.rejected),
        ("millrace_consumer_alerts_total", "Alerts that followed.", state.alerts),
        ("millrace_consumer_rebalances_total", "Times that partitions came or went.", state.rebalances),
    ];
    for (name, help, count) in counters {
        page.counter(name, help);
        page.value(name, &own, count);
    }
    let rate = "millrace_consumer_read_records_per_second";
    page.gauge(rate, "Records taken a second, lately.");
    page.value(rate, &own, state.rate);
    let owned = "millrace_consumer_partitions";
    page.gauge(owned, "Partitions that are the member's.");
    page.value(owned, &own, state.partitions.len());
    let lag = |standing: &Standing| Some((standing.end? - standing.committed?).max(0));
    let committed = ("millrace_consumer_committed_offset", "Next offset that the group has committed.");
    let numbers = |of: &dyn Fn(&Standing) -> Option<i64>| -> Vec<(String, i64)> {
        let known = state.partitions.iter().filter_map(|own| Some((own, of(standings.get(own)?)?)));
        known.map(|(partition, number)| (partition.to_string(), number)).collect()
    };
    let lags = ("millrace_consumer_lag_records", "Offsets from the committed one to the end.");
    for ((name, help), of) in [(committed, numbers(&|s| s.committed)), (lags, numbers(&lag))] {
        page.gauge(name, help);
        for (partition, number) in of {
            page.value(name, &[&own[..], &[("partition", &partition)]].concat(), number);
        }
    }
    page.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_tells_what_it_did_and_how_far_its_partitions_are() {
        let state = State {
            group: "g".into(),
            member: "m".into(),
            partitions: vec![0, 2, 3],
            records: 1_000,
            rate: 12.5,
            alerts: 3,
            rejected: 2,
            rebalances: 4,
        };
        let standing = |committed, end| Standing { committed, end };
        let standings = [
            (0, standing(Some(5), Some(9))),
            (1, standing(Some(1), Some(1))),
            (2, standing(None, Some(4))),
            (3, standing(Some(7), None)),
        ];
        insta::assert_snapshot!(page("sensor-data", &state, &standings.into()));
    }
}
