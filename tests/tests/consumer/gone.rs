//! What was there and is not any more: a topic, or records before they were read.

use std::process::Stdio;
use std::time::Duration;

use millrace_core::Result;
use millrace_tests::{Child, KafkaTest, Lab, Verdict, consume, passed, produce, topic};

use crate::groups::wait_until;
use crate::reading::{all, committed, member};

const RUN: [&str; 6] = ["--speed", "max", "--machines", "4", "--partitions", "2"];
const ONE: [&str; 6] = ["--speed", "max", "--machines", "4", "--partitions", "1"];
/// Little is fetched ahead.
const SMALL: [&str; 4] = ["-X", "queued.min.messages=10", "-X", "fetch.message.max.bytes=10000"];
const SOON: Duration = Duration::from_secs(60);

pub fn tests() -> Vec<KafkaTest> {
    let needs = "deletion";
    vec![
        KafkaTest::shared("gone::a_topic_that_goes_is_told_and_read_when_it_is_made_anew", topic_classic)
            .needs(needs),
        KafkaTest::shared("gone::a_topic_that_goes_is_told_in_the_new_protocol_too", topic_consumer)
            .needs(needs),
        KafkaTest::shared("gone::a_topic_that_is_made_anew_at_once_begins_anew_with_its_state", at_once)
            .needs(needs),
        KafkaTest::shared("gone::a_topic_that_goes_under_transactions_is_waited_for", in_transactions)
            .needs(needs),
        KafkaTest::shared("gone::records_that_go_before_they_are_read_are_told", records).needs(needs),
    ]
}

fn topic_classic(lab: &Lab) -> Verdict {
    topic(lab, &[])
}

fn topic_consumer(lab: &Lab) -> Verdict {
    topic(lab, &["--group-protocol", "consumer"])
}

/// Makes a topic anew that goes, with 120 records.
fn remake(lab: &Lab, topic: &str, run: &[&str]) -> Result<()> {
    wait_until("it has gone", || Ok(topic::partitions(&lab.kafka(), topic)? == 0))?;
    produce(&lab.into_topic(topic, &[run, &["--duration", "30"]].concat()))?;
    Ok(())
}

/// Waits until all of the new topic is read, and ends the reader.
fn is_read_whole(lab: &Lab, topic: &str, child: Child) -> Verdict {
    wait_until("all that is new is read", || Ok(committed(lab, topic, topic)? == 120))?;
    assert!(child.end()?.success());
    passed()
}

/// The beginning is asked for in the old topic only: that of the new one must be meant without that.
fn topic(lab: &Lab, more: &[&str]) -> Verdict {
    let topic = lab.topic("gone");
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--duration", "50"]].concat()))?;
    let flags = member(lab, &topic, &topic, &[&["--from-offset", "0"], more].concat());
    let child = Child::consumer(&flags, Stdio::null())?;
    wait_until("all is read", || Ok(committed(lab, &topic, &topic)? == 200))?;
    topic::delete(&lab.kafka(), &topic)?;
    child.hear(&format!("topic {topic} is gone"), SOON)?;
    remake(lab, &topic, &RUN)?;
    child.hear(&format!("topic {topic} is there again"), SOON)?;
    is_read_whole(lab, &topic, child)
}

/// A member with state that waits for more, which is not to take the new records for old ones.
fn at_once(lab: &Lab) -> Verdict {
    let topic = lab.topic("gone-soon");
    produce(&lab.into_topic(&topic, &[&ONE[..], &["--duration", "50"]].concat()))?;
    assert_eq!(consume(&all(lab, &topic, &topic, &[]))?.records, 200);
    let child = Child::consumer(&member(lab, &topic, &topic, &[]), Stdio::null())?;
    child.hear("is as it was", SOON)?;
    topic::delete(&lab.kafka(), &topic)?;
    remake(lab, &topic, &ONE)?;
    is_read_whole(lab, &topic, child)
}

/// Transactions are under way when the topic goes.
fn in_transactions(lab: &Lab) -> Verdict {
    let topic = lab.topic("gone-exactly");
    produce(&lab.into_topic(&topic, &[&ONE[..], &["--duration", "5000"]].concat()))?;
    let how = ["--guarantee", "exactly-once", "--delay", "1ms", "--commit-interval", "0.1"];
    let flags = member(lab, &topic, &topic, &[&["--from-beginning"], &how[..], &SMALL].concat());
    let child = Child::consumer(&flags, Stdio::null())?;
    wait_until("some is read", || Ok(committed(lab, &topic, &topic)? > 0))?;
    topic::delete(&lab.kafka(), &topic)?;
    child.hear(&format!("topic {topic} is gone"), SOON)?;
    remake(lab, &topic, &ONE)?;
    is_read_whole(lab, &topic, child)
}

fn records(lab: &Lab) -> Verdict {
    let topic = lab.topic("gone-records");
    produce(&lab.into_topic(&topic, &[&ONE[..], &["--duration", "5000"]].concat()))?;
    let flags = member(
        lab,
        &topic,
        &topic,
        &[&["--from-offset", "0", "--delay", "1ms", "--commit-interval", "0.1"], &SMALL[..]].concat(),
    );
    let child = Child::consumer(&flags, Stdio::null())?;
    wait_until("some is read", || Ok(committed(lab, &topic, &topic)? > 0))?;
    topic::truncate(&lab.kafka(), &topic, 0, 19_900)?;
    child.hear("is not there: records were deleted", SOON)?;
    wait_until("all that is left is read", || Ok(committed(lab, &topic, &topic)? == 20_000))?;
    assert!(child.end()?.success());
    passed()
}
