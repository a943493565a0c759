//! What is read, from where, and how far it is committed.

use std::time::Duration;

use millrace_core::Result;
use millrace_tests::{KafkaTest, Lab, Verdict, consume, passed, produce, topic};
use rdkafka::consumer::Consumer;
use rdkafka::{Offset, TopicPartitionList};

const START: &str = "2026-01-01T00:00:00Z";
const RUN: [&str; 8] = ["--seed", "7", "--start", START, "--speed", "max", "--duration", "50"];

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("reading::a_group_reads_everything_once_and_goes_on_where_it_was", goes_on),
        KafkaTest::shared("reading::json_is_read_too", json),
        KafkaTest::shared("reading::with_nothing_committed_only_what_comes_next_is_read", only_new),
        KafkaTest::shared("reading::a_time_or_an_offset_wins_over_what_is_committed", placed)
            .needs("look-up by time"),
        KafkaTest::shared("reading::what_is_asked_for_is_taken_and_no_more_is_committed", counted),
        KafkaTest::shared("reading::at_most_once_commits_what_it_takes", at_most_once),
        KafkaTest::shared("reading::commits_that_are_not_waited_for_arrive_too", asynchronous),
    ]
}

/// The flags of a quiet member of `group` on `topic`, followed by `more`.
pub fn member<'a>(lab: &'a Lab, topic: &'a str, group: &'a str, more: &[&'a str]) -> Vec<String> {
    let url = lab.registry_url();
    let ours = ["--bootstrap-server", lab.cluster.bootstrap_server(), "--topic", topic, "--group-id", group];
    let rest = ["--schema-registry-url", &url, "--output-format", "text", "--show", "nothing"];
    ours.iter().chain(&rest).chain(more).map(|flag| (*flag).to_owned()).collect()
}

/// The same, from the first record to the last.
pub fn all<'a>(lab: &'a Lab, topic: &'a str, group: &'a str, more: &[&'a str]) -> Vec<String> {
    member(lab, topic, group, &[&["--from-beginning", "--until", "end"], more].concat())
}

/// What a group has committed in all partitions of a topic together: records, if the topic begins with 0.
pub fn committed(lab: &Lab, topic: &str, group: &str) -> Result<i64> {
    let observer = lab.kafka().observer(group)?;
    let mut list = TopicPartitionList::new();
    list.add_partition_range(topic, 0, topic::partitions(&lab.kafka(), topic)? - 1);
    let list = observer.committed_offsets(list, Duration::from_secs(10)).expect("the cluster answers");
    let offset = |offset| if let Offset::Offset(offset) = offset { offset } else { 0 };
    Ok(list.elements().iter().map(|element| offset(element.offset())).sum())
}

fn goes_on(lab: &Lab) -> Verdict {
    let (topic, group) = (lab.topic("read"), lab.topic("group"));
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--machines", "20"]].concat()))?;
    let flags = all(lab, &topic, &group, &[]);
    let tally = consume(&flags)?;
    assert_eq!((tally.records, tally.rejected), (1_000, 0));
    assert_eq!(committed(lab, &topic, &group)?, 1_000);
    assert_eq!(consume(&flags)?.records, 0, "there is nothing new");
    let more = ["--seed", "8", "--start", START, "--speed", "max", "--duration", "3", "--machines", "20"];
    produce(&lab.into_topic(&topic, &more))?;
    assert_eq!(consume(&flags)?.records, 60);
    passed()
}

fn json(lab: &Lab) -> Verdict {
    let topic = lab.topic("read-json");
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--machines", "4", "--format", "json"]].concat()))?;
    let tally = consume(&all(lab, &topic, &topic, &[]))?;
    assert_eq!((tally.records, tally.rejected), (200, 0));
    passed()
}

fn only_new(lab: &Lab) -> Verdict {
    let topic = lab.topic("read-new");
    produce(&lab.into_topic(&topic, &RUN))?;
    assert_eq!(consume(&member(lab, &topic, &topic, &["--until", "end"]))?.records, 0);
    passed()
}

fn placed(lab: &Lab) -> Verdict {
    let topic = lab.topic("read-from");
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--partitions", "1", "--machines", "4"]].concat()))?;
    assert_eq!(consume(&all(lab, &topic, &topic, &[]))?.records, 200);
    let from = |more: &[&str]| consume(&member(lab, &topic, &topic, &[&["--until", "end"], more].concat()));
    assert_eq!(from(&["--from-offset", "150"])?.records, 50);
    assert_eq!(from(&["--from-offset", "201"])?.records, 0, "there are no more than 200");
    assert_eq!(from(&["--from-time", "2026-01-01T00:00:40Z"])?.records, 40);
    assert_eq!(from(&["--from-time", "2027-01-01T00:00:00Z"])?.records, 0);
    assert_eq!(from(&["--from-beginning"])?.records, 0, "the group has committed");
    passed()
}

fn counted(lab: &Lab) -> Verdict {
    let (topic, group) = (lab.topic("read-some"), lab.topic("group"));
    produce(&lab.into_topic(&topic, &RUN))?;
    for guarantee in ["at-least-once", "at-most-once"] {
        let group = format!("{group}-{guarantee}");
        let some = ["--from-beginning", "--max-messages", "30", "--guarantee", guarantee];
        assert_eq!(consume(&member(lab, &topic, &group, &some))?.records, 30);
        assert_eq!(committed(lab, &topic, &group)?, 30);
        let rest = all(lab, &topic, &group, &["--guarantee", guarantee]);
        assert_eq!(consume(&rest)?.records, 250 - 30);
    }
    passed()
}

fn at_most_once(lab: &Lab) -> Verdict {
    let topic = lab.topic("read-once");
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--machines", "100"]].concat()))?;
    let tally = consume(&all(lab, &topic, &topic, &["--guarantee", "at-most-once"]))?;
    assert_eq!(tally.records, 5_000);
    assert_eq!(committed(lab, &topic, &topic)?, 5_000);
    passed()
}

fn asynchronous(lab: &Lab) -> Verdict {
    let topic = lab.topic("read-async");
    produce(&lab.into_topic(&topic, &RUN))?;
    let flags = all(lab, &topic, &topic, &["--commit", "async", "--commit-interval", "0.01"]);
    assert_eq!(consume(&flags)?.records, 250);
    assert_eq!(committed(lab, &topic, &topic)?, 250);
    passed()
}
