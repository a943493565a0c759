//! Where a group goes on when its partitions change hands, and where it cannot.

use std::sync::mpsc::channel;
use std::time::Duration;

use millrace_tests::{KafkaTest, Lab, Verdict, consume, passed, produce, topic};

use crate::reading::{all, committed, member};

const RUN: [&str; 6] = ["--seed", "7", "--speed", "max", "--duration", "50"];

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("state::where_a_group_begins_is_committed_before_it_reads", begun),
        KafkaTest::shared("state::one_that_lost_its_first_records_goes_on_with_those_that_are_left", deleted)
            .needs("deletion of records"),
        KafkaTest::shared("state::a_topic_of_other_partitions_ends_the_run_in_one_sentence", refused)
            .needs("topics with settings"),
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
