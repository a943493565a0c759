use std::ffi::OsString;

use super::*;
use crate::window::Closing;

fn read_flags(flags: &[&str]) -> millrace_core::Result<Run> {
    let args = std::iter::once("consumer").chain(flags.iter().copied()).map(OsString::from);
    read(args).map(|settings| settings.expect("no help"))
}

#[test]
fn the_guides_command_is_understood() {
    let flags = ["--topic", "sensor-data", "--group-id", "my-consumer", "--anomaly-detection"];
    let Run { settings, statistics } = read_flags(&flags).expect("understood");
    assert_eq!((settings.topic.as_str(), settings.member.group.as_str()), ("sensor-data", "my-consumer"));
    assert_eq!(statistics.z, Some(3.0));
    assert_eq!(settings.dead_letters, "sensor-data.dlq");
    assert_eq!(statistics.window, Span::Time(60_000));
}

#[test]
fn windows_close_only_where_that_is_asked_for() {
    let closed = |flags: &[&str]| read_flags(flags).expect("understood").statistics.closed;
    assert_eq!(closed(&["--window", "10m"]), None);
    let tumbling = closed(&["--window", "10m", "--window-type", "tumbling"]).expect("windows");
    assert_eq!(tumbling.rule, Closing::new(600_000, 600_000, 0).expect("a rule"));
    assert_eq!((tumbling.metrics.as_str(), tumbling.late.as_str()), ("sensor-metrics", "sensor-data.late"));
    let own = closed(&["--topic", "t", "--metrics-topic", "m", "--allowed-lateness", "5s"]).expect("windows");
    assert_eq!(own.rule, Closing::new(60_000, 60_000, 5_000).expect("a rule"));
    assert_eq!((own.metrics.as_str(), own.late.as_str()), ("m", "t.late"));
    let hopping = closed(&["--window-type", "hopping", "--hop", "10s"]).expect("windows");
    assert_eq!(hopping.rule, Closing::new(60_000, 10_000, 0).expect("a rule"));
}

#[test]
fn what_is_said_wrongly_is_answered_in_one_sentence() {
    let wrong: [&[&str]; 41] = [
        &["--z", "4"],
        &["--alerts-topic", "a"],
        &["--on-error", "skip", "--dlq", "d"],
        &["--window", "60"],
        &["--window", "1r"],
        &["--from-beginning", "--from-offset", "3"],
        &["--from-offset", "-3"],
        &["--from-time", "yesterday"],
        &["--assignor", "sticky"],
        &["--group-protocol", "consumer", "--assignor", "roundrobin"],
        &["--group-protocol", "consumer", "--session-timeout", "6"],
        &["--max-poll-interval", "5"],
        &["--guarantee", "at-most-once", "--commit", "async"],
        &["--group-id", ""],
        &["--guarantee", "exactly-twice"],
        &["--guarantee", "exactly-once", "--commit", "async"],
        &["--guarantee", "exactly-once", "--no-state"],
        &["--transactional-id", "t"],
        &["--crash-at", "after-pol:3"],
        &["--delay", "50"],
        &["--hang", "10m"],
        &["--poison", "temprature=1"],
        &["-f", "%x"],
        &["-f", "%s", "--output-format", "json"],
        &["-f", "%s", "--show", "anomalies"],
        &["redrive", "--topic", "a"],
        &["--hop", "10s"],
        &["--allowed-lateness", "10s"],
        &["--late-topic", "l"],
        &["--window-type", "jumping"],
        &["--window-type", "hopping"],
        &["--window-type", "tumbling", "--window", "60r"],
        &["--window-type", "hopping", "--hop", "0s"],
        &["--window-type", "hopping", "--hop", "61s"],
        &["--window-type", "hopping", "--hop", "59ms"],
        &["--window-type", "tumbling", "--window", "1s", "--allowed-lateness", "1h"],
        &["--window-type", "tumbling", "--allowed-lateness", "soon"],
        &["--window-type", "tumbling", "--metrics-topic", "sensor-data"],
        &["--metrics-topic", "m", "--late-topic", "m"],
        &["--metrics-listen", "9464"],
        &["--metrics-listen", "localhost:99999"],
    ];
    let sentences = wrong.map(|flags| {
        let refusal = read_flags(flags).expect_err(&flags.join(" "));
        assert_eq!(refusal.exit_code(), 2);
        refusal.to_string()
    });
    insta::assert_snapshot!(sentences.join("\n"));
}
