use std::ffi::OsString;

use super::*;

fn read_flags(flags: &[&str]) -> millrace_core::Result<Settings> {
    let args = std::iter::once("consumer").chain(flags.iter().copied()).map(OsString::from);
    read(args).map(|settings| settings.expect("no help"))
}

#[test]
fn the_guides_command_is_understood() {
    let flags = ["--topic", "sensor-data", "--group-id", "my-consumer", "--anomaly-detection"];
    let settings = read_flags(&flags).expect("understood");
    assert_eq!((settings.topic.as_str(), settings.member.group.as_str()), ("sensor-data", "my-consumer"));
    assert_eq!(settings.detection.map(|detection| detection.z), Some(3.0));
    assert_eq!(settings.dead_letters, "sensor-data.dlq");
    assert_eq!(settings.window, Span::Time(60_000));
}

#[test]
fn what_is_said_wrongly_is_answered_in_one_sentence() {
    let wrong: [&[&str]; 17] = [
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
        &["--guarantee", "exactly-once"],
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
