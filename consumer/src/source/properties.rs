//! What the client is told of its membership, in librdkafka's words.

use std::time::Duration;

use crate::settings::{Commit, Protocol, Settings};

/// The properties of a member with this client id.
pub(super) fn of(settings: &Settings, client: &str) -> Vec<(&'static str, String)> {
    let member = &settings.member;
    let milliseconds = |time: Duration| time.as_millis().max(1).to_string();
    let mut all = vec![
        ("group.id", member.group.clone()),
        ("client.id", client.to_owned()),
        // Every partition is read from an offset that is known. One that is not there was deleted meanwhile: what is
        // left of the partition is read.
        ("auto.offset.reset", "earliest".to_owned()),
        ("max.poll.interval.ms", milliseconds(member.max_poll_interval)),
    ];
    if settings.metrics_listen.is_some() {
        all.push(("statistics.interval.ms", "1000".to_owned()));
    }
    let assignor = member.assignor.clone();
    if settings.commit == Commit::Async {
        all.push(("enable.auto.commit", "true".to_owned()));
        all.push(("auto.commit.interval.ms", milliseconds(settings.commit_interval)));
    }
    match member.protocol {
        Protocol::Classic => {
            all.push(("session.timeout.ms", milliseconds(member.session_timeout)));
            all.push(("heartbeat.interval.ms", milliseconds(member.session_timeout / 5)));
            all.extend(assignor.map(|name| ("partition.assignment.strategy", name)));
        }
        Protocol::Consumer => {
            all.push(("group.protocol", "consumer".to_owned()));
            all.extend(assignor.map(|name| ("group.remote.assignor", name)));
        }
    }
    all.extend(member.instance.clone().map(|name| ("group.instance.id", name)));
    all
}
