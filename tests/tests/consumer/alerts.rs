//! Alerts: what they say, and that a restart says it again in the same words.

use std::collections::BTreeMap;

use millrace_schemas::{AlertState, AnomalyAlert};
use millrace_tests::{KafkaTest, Lab, Verdict, alerts, consume, passed, produce};

use crate::reading::all;

pub fn tests() -> Vec<KafkaTest> {
    vec![KafkaTest::shared("alerts::a_failing_machine_is_told_of_and_again_in_the_same_words", failing)]
}

fn failing(lab: &Lab) -> Verdict {
    let folder = tempfile::tempdir()?;
    let lesson = folder.path().join("lesson.yaml");
    std::fs::write(
        &lesson,
        "scenario:\n  - {at: 20m, machine: MACHINE_002, failure: overheating, severity: 1}\n",
    )?;
    let (topic, first, second) = (lab.topic("failing"), lab.topic("alerts"), lab.topic("alerts"));
    let run = ["--machines", "3", "--seed", "7", "--start", "2026-01-01T00:00:00Z", "--speed", "max"];
    let more = ["--duration", "7200", "--rate", "0.1", "--no-anomalies", "--no-maintenance", "--scenario"];
    let lesson = lesson.to_str().expect("a path in UTF-8");
    produce(&lab.into_topic(&topic, &[&run[..], &more, &[lesson]].concat()))?;
    for alerts in [&first, &second] {
        let detect = ["--anomaly-detection", "--window", "60r", "--alerts-topic", alerts];
        let tally = consume(&all(lab, &topic, alerts, &detect))?;
        assert_eq!((tally.records, tally.rejected), (2_160, 0));
        assert!(tally.alerts > 0);
    }
    let by_machine = |all: Vec<AnomalyAlert>| {
        let mut machines: BTreeMap<String, Vec<AnomalyAlert>> = BTreeMap::new();
        all.into_iter().for_each(|alert| machines.entry(alert.machine_id.clone()).or_default().push(alert));
        machines
    };
    let told = by_machine(alerts(lab, &first)?);
    assert_eq!(told, by_machine(alerts(lab, &second)?), "alerts follow from the readings alone");
    let critical = told["MACHINE_002"].iter().find(|alert| alert.timestamp >= 1_767_225_600_000 + 1_200_000);
    let critical = critical.expect("the overheating is told of");
    assert!(
        ["temperature", "power_consumption", "bearing_temperature"].contains(&critical.sensor.as_str()),
        "{critical:?}"
    );
    for alert in told.values().flatten() {
        assert!(alert.score >= alert.threshold && (alert.shares.values().sum::<f64>() - 1.0).abs() < 1e-9);
        let opened = told[&alert.machine_id].iter().find(|other| other.alert_id == alert.alert_id);
        assert_eq!(opened.map(|alert| alert.state), Some(AlertState::Opened), "{alert:?}");
    }
    passed()
}
