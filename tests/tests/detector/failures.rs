//! What is told of a plant in which failures were injected.

use millrace_consumer::outbox::Letter;
use millrace_core::Result;
use millrace_schemas::{AlertState, AnomalyAlert};
use millrace_tests::{KafkaTest, Lab, Verdict, alerts, detect, passed, produce, topic};

const DAY: i64 = 86_400_000;
const START: i64 = 1_767_225_600_000;

/// A failure of each kind, and the sensors that it shows in.
const FAILURES: [(&str, &[&str]); 5] = [
    ("bearing_failure", &["vibration", "bearing_temperature"]),
    ("pump_failure", &["pressure", "flow_rate", "power_consumption"]),
    ("overheating", &["temperature", "power_consumption", "bearing_temperature"]),
    ("oil_leak", &["oil_level", "temperature", "bearing_temperature"]),
    ("motor_failure", &["power_consumption", "vibration", "temperature"]),
];

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("failures::each_kind_is_told_of_once_and_closed_when_it_is_cleared", each_kind),
        KafkaTest::shared("failures::the_forest_of_the_guide_tells_of_each_kind_too", forest),
        KafkaTest::shared("failures::all_methods_speak_side_by_side", side_by_side),
        KafkaTest::shared("failures::a_topic_of_garbage_gives_dead_letters_and_no_alert", garbage),
    ]
}

/// The flags of a detector that reads a topic from its begin to its end.
pub fn all<'a>(lab: &'a Lab, topic: &'a str, alerts: &'a str, more: &[&'a str]) -> Vec<String> {
    let url = lab.registry_url();
    let ours = ["--bootstrap-server", lab.cluster.bootstrap_server(), "--topic", topic];
    let rest = ["--group-id", alerts, "--alerts-topic", alerts, "--schema-registry-url", &url];
    let whole = ["--from-beginning", "--until", "end"];
    ours.iter().chain(&rest).chain(&whole).chain(more).map(|flag| (*flag).to_owned()).collect()
}

/// Three days of six machines; each kind of failure begins in one of them at 2 d 3 h and is cleared six hours later.
pub fn lesson(lab: &Lab, topic: &str) -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = "scenario:\n".to_owned();
    for (number, (failure, _)) in (1..).zip(FAILURES) {
        text += &format!("  - {{at: 2d3h, machine: MACHINE_00{number}, failure: {failure}, hours: 2}}\n");
        text += &format!("  - {{at: 2d9h, machine: MACHINE_00{number}, clear: true}}\n");
    }
    let path = folder.path().join("lesson.yaml");
    std::fs::write(&path, text).expect("written");
    let run = ["--machines", "6", "--seed", "5", "--start", "2026-01-01T00:00:00Z", "--speed", "max"];
    let more = ["--rate", "0.05", "--duration", "259200", "--no-anomalies", "--no-maintenance"];
    let scenario = ["--scenario", path.to_str().expect("a path in UTF-8")];
    produce(&lab.into_topic(topic, &[&run[..], &more, &scenario].concat())).map(drop)
}

fn each_kind(lab: &Lab) -> Verdict {
    let (topic, told) = (lab.topic("lesson"), lab.topic("alerts"));
    lesson(lab, &topic)?;
    let tally = detect(&all(lab, &topic, &told, &[]))?;
    assert_eq!((tally.records, tally.rejected), (6 * 12_960, 0));
    let told = alerts(lab, &told)?;
    assert_eq!(tally.alerts, told.len() as u64);
    for (number, (failure, sensors)) in (1..).zip(FAILURES) {
        let machine = format!("MACHINE_00{number}");
        let own: Vec<&AnomalyAlert> = told.iter().filter(|alert| alert.machine_id == machine).collect();
        let (opened, closed) = (own[0], own[own.len() - 1]);
        let states: Vec<AlertState> = own.iter().map(|alert| alert.state).collect();
        let updated = states.iter().filter(|state| **state == AlertState::Updated).count();
        assert_eq!(states.len(), 2 + updated, "{failure}: opened and closed once: {states:?}");
        assert_eq!((opened.state, closed.state), (AlertState::Opened, AlertState::Closed), "{failure}");
        assert!(own.iter().all(|alert| alert.alert_id == opened.alert_id), "{failure}: one episode");
        let hours = |alert: &AnomalyAlert| (alert.timestamp - START - 2 * DAY) as f64 / 3_600_000.0;
        assert!((3.0..5.0).contains(&hours(opened)), "{failure} opens at {}", hours(opened));
        assert!((9.0..12.0).contains(&hours(closed)), "{failure} closes at {}", hours(closed));
        assert!(sensors.contains(&opened.sensor.as_str()), "{failure}: {opened:?}");
        assert_eq!(opened.failure_type.as_deref(), Some(failure), "{opened:?}");
        assert!(opened.score > opened.threshold && opened.evidence_from <= opened.timestamp, "{opened:?}");
    }
    assert!(told.iter().all(|alert| alert.machine_id != "MACHINE_006"), "that one is healthy");
    passed()
}

fn forest(lab: &Lab) -> Verdict {
    let (topic, told) = (lab.topic("lesson"), lab.topic("alerts"));
    lesson(lab, &topic)?;
    detect(&all(lab, &topic, &told, &["--algorithm", "isolation_forest"]))?;
    let told = alerts(lab, &told)?;
    for (number, (failure, sensors)) in (1..).zip(FAILURES) {
        let machine = format!("MACHINE_00{number}");
        let of = |alert: &&AnomalyAlert| alert.machine_id == machine && alert.timestamp > START + 2 * DAY;
        let own: Vec<&AnomalyAlert> = told.iter().filter(of).collect();
        let opened = own.iter().find(|alert| alert.state == AlertState::Opened).expect(failure);
        let hours = (opened.timestamp - START - 2 * DAY) as f64 / 3_600_000.0;
        assert!((3.0..5.5).contains(&hours), "{failure} opens at {hours}");
        assert!(sensors.contains(&opened.sensor.as_str()), "{failure}: {opened:?}");
        let is_closed = |alert: &&&AnomalyAlert| alert.alert_id == opened.alert_id;
        let last = own.iter().rfind(is_closed).map(|alert| alert.state);
        assert_eq!(last, Some(AlertState::Closed), "{failure} is closed when it is cleared");
    }
    passed()
}

fn side_by_side(lab: &Lab) -> Verdict {
    let (topic, told) = (lab.topic("lesson"), lab.topic("alerts"));
    lesson(lab, &topic)?;
    detect(&all(lab, &topic, &told, &["--algorithm", "all"]))?;
    let told = alerts(lab, &told)?;
    for method in ["residual", "t2", "honest", "mewma", "isolation_forest"] {
        let of = |alert: &&AnomalyAlert| alert.detector == method && alert.machine_id == "MACHINE_005";
        let first = told.iter().find(of).map(|alert| alert.state);
        assert_eq!(first, Some(AlertState::Opened), "{method} tells of the motor");
    }
    passed()
}

fn garbage(lab: &Lab) -> Verdict {
    let (topic, told) = (lab.topic("garbage"), lab.topic("alerts"));
    topic::make(&lab.kafka(), &topic, 1, &[])?;
    let letter =
        |number| Letter { topic: topic.clone(), payload: Some(vec![7, 7, number]), ..Letter::default() };
    topic::write(&lab.kafka(), (0..20).map(letter))?;
    let tally = detect(&all(lab, &topic, &told, &[]))?;
    assert_eq!((tally.records, tally.rejected, tally.alerts), (20, 20, 0));
    assert_eq!(topic::records(&lab.kafka(), &format!("{topic}.dlq"))?.len(), 20);
    passed()
}
