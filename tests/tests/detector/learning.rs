//! What a group learns of a topic's past before it judges.

use millrace_core::Result;
use millrace_schemas::AnomalyAlert;
use millrace_tests::{KafkaTest, Lab, Verdict, alerts, detect, passed};

use crate::failures::{all, lesson};

pub fn tests() -> Vec<KafkaTest> {
    let past = "learning::a_group_that_learns_from_the_past_tells_what_one_that_read_it_tells";
    vec![KafkaTest::shared(past, from_the_past).needs("groups that outlive their members")]
}

/// The flags of a new group that begins two days after the topic, having learnt from its begin.
fn later(lab: &Lab, topic: &str, alerts: &str, more: &[&str]) -> Vec<String> {
    let from = ["--fit-from", "beginning", "--from-time", "2026-01-03T00:00:00Z"];
    let flags = all(lab, topic, alerts, &[&from[..], more].concat());
    flags.into_iter().filter(|flag| flag != "--from-beginning").collect()
}

fn sorted(lab: &Lab, topic: &str) -> Result<Vec<(String, String, i64)>> {
    let of = |alert: AnomalyAlert| (alert.machine_id, format!("{:?}", alert.state), alert.timestamp);
    let mut told: Vec<_> = alerts(lab, topic)?.into_iter().map(of).collect();
    told.sort();
    Ok(told)
}

fn from_the_past(lab: &Lab) -> Verdict {
    let input = lab.topic("lesson");
    let [whole, at_once, in_two] = ["whole", "at-once", "in-two"].map(|name| lab.topic(name));
    lesson(lab, &input)?;
    detect(&all(lab, &input, &whole, &[]))?;
    let tally = detect(&later(lab, &input, &at_once, &[]))?;
    assert_eq!(tally.records, 6 * 4_320, "those of the third day, which alone are judged");
    let told = sorted(lab, &whole)?;
    assert!(told.len() >= 10, "five failures, opened and closed: {told:?}");
    assert_eq!(sorted(lab, &at_once)?, told);
    // Who goes on knows what was learnt, although no checkpoint was made since.
    detect(&later(lab, &input, &in_two, &["--max-messages", "10"]))?;
    detect(&later(lab, &input, &in_two, &[]))?;
    assert_eq!(sorted(lab, &in_two)?, told, "the same command goes on");
    passed()
}
