//! Where a group goes on when its partitions change hands, and where it cannot.

use std::sync::mpsc::channel;
use std::time::Duration;

use millrace_tests::{KafkaTest, Lab, Verdict, consume, passed, produce, topic};
use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};

use crate::groups::{Running, wait_until};
use crate::reading::{all, committed, member};

const RUN: [&str; 6] = ["--seed", "7", "--speed", "max", "--duration", "50"];

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("state::where_a_group_begins_is_committed_before_it_reads", begun),
        KafkaTest::shared("state::one_that_lost_its_first_records_goes_on_with_those_that_are_left", deleted)
            .needs("deletion of records"),
        KafkaTest::shared("state::a_topic_of_other_partitions_ends_the_run_in_one_sentence", refused)
            .needs("topics with settings"),
        KafkaTest::shared("state::a_topic_that_was_deleted_ends_the_run_and_names_the_remedies", gone)
            .needs("compacted topics"),
        KafkaTest::shared("state::a_checkpoint_that_is_due_is_made_although_nothing_more_comes", idle)
            .needs("compacted topics"),
    ]
}

/// Whoever gets its partitions before it has read anything must not begin at a later end.
fn begun(lab: &Lab) -> Verdict {
    let (topic, group) = (lab.topic("begun"), lab.topic("group"));
    produce(&lab.into_topic(&topic, &RUN))?;
    assert_eq!(consume(&member(lab, &topic, &group, &["--until", "end"]))?.records, 0);
    assert_eq!(committed(lab, &topic, &group)?, 250);
    let more = ["--seed", "8", "--speed", "max", "--duration", "10"];
    produce(&lab.into_topic(&topic, &more))?;
    assert_eq!(consume(&member(lab, &topic, &group, &["--until", "end"]))?.records, 50);
    passed()
}

fn deleted(lab: &Lab) -> Verdict {
    let (topic, group) = (lab.topic("deleted"), lab.topic("group"));
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--partitions", "1"]].concat()))?;
    let some = ["--from-beginning", "--max-messages", "30"];
    assert_eq!(consume(&member(lab, &topic, &group, &some))?.records, 30);
    topic::truncate(&lab.kafka(), &topic, 0, 100)?;
    // Without `--from-beginning` the client by itself would go to the end.
    assert_eq!(consume(&member(lab, &topic, &group, &["--until", "end"]))?.records, 150);
    passed()
}

/// Windows that are silently empty would be worse.
fn gone(lab: &Lab) -> Verdict {
    let (topic, group) = (lab.topic("gone"), lab.topic("group"));
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--partitions", "1"]].concat()))?;
    assert_eq!(consume(&all(lab, &topic, &group, &["--checkpoint-records", "1"]))?.records, 250);
    let state = format!("{group}.state");
    topic::delete(&lab.kafka(), &state)?;
    wait_until("it is gone", || Ok(topic::partitions(&lab.kafka(), &state)? == 0))?;
    let refusal = consume(&all(lab, &topic, &group, &[])).expect_err("refused");
    assert_eq!(refusal.exit_code(), 1);
    let sentence = refusal.to_string();
    let lack =
        format!("the state of {topic} partition 0 is not whole: topic {state} has 0 of its 5 snapshots");
    assert!(sentence.contains(&lack) && sentence.contains("--no-state"), "{sentence}");
    assert_eq!(consume(&all(lab, &topic, &group, &["--no-state"]))?.records, 0);
    produce(&lab.into_topic(&topic, &RUN))?;
    assert_eq!(consume(&all(lab, &topic, &group, &["--no-state", "--max-messages", "1"]))?.records, 1);
    assert_eq!(consume(&all(lab, &topic, &group, &[]))?.records, 249, "with state again");
    passed()
}

fn idle(lab: &Lab) -> Verdict {
    for guarantee in ["at-least-once", "exactly-once"] {
        let (topic, group) = (lab.topic("idle"), lab.topic("group"));
        produce(&lab.into_topic(&topic, &[&RUN[..], &["--machines", "40", "--partitions", "4"]].concat()))?;
        let how = ["--from-beginning", "--guarantee", guarantee, "--checkpoint-records", "10"];
        let member = Running::start(&member(lab, &topic, &group, &how))?;
        let observer = lab.kafka().observer(&group)?;
        wait_until("every partition has a checkpoint at its end", || {
            let mut list = TopicPartitionList::new();
            list.add_partition_range(&topic, 0, 3);
            let Ok(list) = observer.committed_offsets(list, Duration::from_secs(5)) else { return Ok(false) };
            let has_one = |place: &TopicPartitionListElem<'_>| match place.offset() {
                Offset::Offset(end) => place.metadata().contains(&format!("\"from\":{end},")),
                _ => false,
            };
            Ok(list.elements().iter().all(has_one))
        })?;
        assert_eq!(member.leave()?.records, 2_000);
    }
    passed()
}

fn refused(lab: &Lab) -> Verdict {
    let (topic, group) = (lab.topic("refused"), lab.topic("group"));
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--partitions", "2"]].concat()))?;
    let state = format!("{group}.state");
    topic::make(&lab.kafka(), &state, 3, &[("cleanup.policy", "compact")])?;
    let flags = all(lab, &topic, &group, &[]);
    let (ended, end) = channel();
    std::thread::spawn(move || drop(ended.send(consume(&flags))));
    let refusal = end.recv_timeout(Duration::from_secs(60)).expect("it ends").expect_err("refused");
    assert_eq!(refusal.exit_code(), 1);
    let sentence = refusal.to_string();
    assert!(sentence.contains(&format!("topic {state} at ")), "{sentence}");
    assert!(sentence.contains("has 3 partitions, and its order needs 2"), "{sentence}");
    passed()
}
