//! What the registry keeps in Kafka outlives it, and an outage of Kafka costs writes only.

use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use millrace_lab::registry::{self, Options, RegistryServer, TOPIC};
use millrace_tests::{KafkaTest, Lab, Verdict, passed, topic};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};

use crate::http::call;

const INT: &str = r#""int""#;
const LONG: &str = r#""long""#;
const STRING: &str = r#""string""#;

/// Every call whose answer a restart must not change.
const QUESTIONS: [&str; 9] = [
    "/schemas?deleted=true",
    "/subjects",
    "/subjects?deletedOnly=true",
    "/config",
    "/config/kept",
    "/mode",
    "/mode/kept",
    "/schemas/ids/1?fetchMaxId=true",
    "/subjects/kept/versions?deleted=true",
];

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::own("kept::a_restart_changes_no_answer_and_gives_no_id_twice", restart)
            .needs("topics that are kept"),
        KafkaTest::own("kept::many_clients_at_once_get_one_id_that_a_restart_keeps", at_once)
            .needs("topics that are kept"),
        KafkaTest::own("kept::a_topic_that_would_lose_schemas_is_refused_with_the_remedy", losing_topic)
            .needs("topics that are kept"),
        KafkaTest::own("kept::without_kafka_writes_are_refused_and_reads_go_on", outage)
            .needs("topics that are kept"),
    ]
}

fn start(lab: &Lab) -> Result<RegistryServer, Failed> {
    Ok(registry::start(Options { store: Some(lab.kafka()), ..Options::in_memory(0) })?)
}

fn register(registry: &RegistryServer, subject: &str, schema: &str) -> Result<(u16, Value), Failed> {
    let body = json!({"schema": schema}).to_string();
    call(&registry.url(), "POST", &format!("/subjects/{subject}/versions"), &body)
}

fn all_answers(registry: &RegistryServer) -> Result<Vec<(u16, Value)>, Failed> {
    QUESTIONS.iter().map(|path| call(&registry.url(), "GET", path, "")).collect()
}

/// Something of each kind: versions, one deleted, one gone, a level and a mode, global and of a subject.
fn fill(registry: &RegistryServer) -> Result<(), Failed> {
    let url = registry.url();
    for (subject, schema, id) in [("kept", INT, 1), ("kept", LONG, 2), ("other", INT, 1), ("gone", STRING, 3)]
    {
        assert_eq!(register(registry, subject, schema)?, (200, json!({"id": id})));
    }
    for (method, path, body) in [
        ("DELETE", "/subjects/kept/versions/1", ""),
        ("DELETE", "/subjects/other", ""),
        ("DELETE", "/subjects/gone", ""),
        ("DELETE", "/subjects/gone?permanent=true", ""),
        ("PUT", "/config", r#"{"compatibility":"FULL"}"#),
        ("PUT", "/config/kept", r#"{"compatibility":"NONE"}"#),
        ("PUT", "/mode/kept", r#"{"mode":"READONLY"}"#),
    ] {
        let (status, answer) = call(&url, method, path, body)?;
        assert_eq!(status, 200, "{method} {path}: {answer}");
    }
    Ok(())
}

fn restart() -> Verdict {
    let lab = Lab::start()?;
    let first = start(&lab)?;
    fill(&first)?;
    let before = all_answers(&first)?;
    drop(first);
    assert_eq!(topic::setting(&lab.kafka(), TOPIC, "cleanup.policy")?, "compact");
    assert_eq!(topic::setting(&lab.kafka(), TOPIC, "retention.ms")?, "-1");
    // What others write into the topic is passed over.
    write(&lab, "no key of ours", Some("x"))?;
    write(&lab, r#"{"keytype":"CONFIG","subject":null,"magic":0}"#, Some("no value of ours"))?;
    let second = start(&lab)?;
    assert_eq!(all_answers(&second)?, before);
    assert_eq!(register(&second, "other", STRING)?, (200, json!({"id": 4})), "3 is gone, yet not free");
    assert_eq!(register(&second, "kept", STRING)?.1["error_code"], 42205);
    passed()
}

fn write(lab: &Lab, key: &str, value: Option<&str>) -> Result<(), Failed> {
    let producer: BaseProducer =
        rdkafka::ClientConfig::new().set("bootstrap.servers", lab.kafka().bootstrap_servers()).create()?;
    let mut record = BaseRecord::to(TOPIC).key(key);
    record.payload = value;
    producer.send(record).map_err(|(error, _)| error)?;
    Ok(producer.flush(Duration::from_secs(10))?)
}

fn at_once() -> Verdict {
    let lab = Lab::start()?;
    let registry = start(&lab)?;
    let ids = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| register(&registry, "same", INT).map_err(|e| format!("{e:?}"))))
            .collect();
        clients.into_iter().map(|client| client.join().expect("a client")).collect::<Result<Vec<_>, _>>()
    })?;
    assert!(ids.iter().all(|answer| *answer == (200, json!({"id": 1}))), "{ids:?}");
    assert_eq!(topic::records(&lab.kafka(), TOPIC)?.len(), 1, "one version is written once");
    drop(registry);
    assert_eq!(register(&start(&lab)?, "same", INT)?, (200, json!({"id": 1})));
    passed()
}

fn losing_topic() -> Verdict {
    let lab = Lab::start()?;
    topic::make_plain(&lab.kafka(), TOPIC, 1)?;
    let started = registry::start(Options { store: Some(lab.kafka()), ..Options::in_memory(0) });
    let sentence = started.expect_err("it is not compacted").to_string();
    assert!(sentence.contains("set cleanup.policy=compact on it"), "{sentence}");
    passed()
}

fn outage() -> Verdict {
    let mut lab = Lab::start()?;
    let registry = start(&lab)?;
    register(&registry, "s", INT)?;
    lab.cluster.kill_broker(1)?;
    let (status, refused) = register(&registry, "s", LONG)?;
    assert_eq!((status, &refused["error_code"]), (500, &json!(50002)), "{refused}");
    assert!(refused["message"].as_str().is_some_and(|said| said.contains(TOPIC)), "{refused}");
    // Now it is known that the topic may hold more, so it is read before the next write.
    let (status, refused) = register(&registry, "s", LONG)?;
    assert_eq!((status, &refused["error_code"]), (500, &json!(50001)), "{refused}");
    assert_eq!(call(&registry.url(), "GET", "/subjects/s/versions", "")?, (200, json!([1])));
    lab.cluster.start_broker(1)?;
    let deadline = Instant::now() + Duration::from_secs(60);
    while register(&registry, "s", LONG)? != (200, json!({"id": 2})) {
        assert!(Instant::now() < deadline, "no write succeeds within 60 s after the outage");
    }
    assert_eq!(call(&registry.url(), "GET", "/subjects/s/versions", "")?, (200, json!([1, 2])));
    passed()
}
