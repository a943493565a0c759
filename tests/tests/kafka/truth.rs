//! The truth in topics of its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use millrace_core::kafka::Kafka;
use millrace_core::registry::RegistryClient;
use millrace_schemas::codec::{RecordCodec, read_frame};
use millrace_schemas::subject::{EPISODE, SENSOR_TRUTH};
use millrace_schemas::{Episode, EpisodeKind, SensorTruth};
use millrace_tests::topic::Record;
use millrace_tests::{KafkaTest, Lab, Verdict, passed, produce, topic};
use serde::de::DeserializeOwned;

use crate::reading::Readings;

const DAYS: [&str; 12] = [
    "--seed",
    "7",
    "--start",
    "2026-01-01T00:00:00Z",
    "--speed",
    "max",
    "--rate",
    "0.016666666666666666",
    "--duration",
    "259200",
    "--anomaly-rate",
    "0.1",
];

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("truth::each_reading_has_its_truth_in_the_same_partition", beside_the_readings),
        KafkaTest::shared("truth::it_is_in_the_transactions_of_the_readings", in_transactions)
            .needs("transactions"),
        KafkaTest::shared("truth::a_file_of_readings_has_its_truth_in_a_topic", beside_a_file),
        KafkaTest::shared("truth::json_readings_have_json_truth", as_json),
        KafkaTest::shared("truth::a_resumed_run_has_it_without_a_gap", resumed).needs("memory of runs"),
    ]
}

struct Decoder(RegistryClient);

impl Decoder {
    fn through(lab: &Lab) -> millrace_core::Result<Self> {
        RegistryClient::new(&lab.registry_url()).map(Self)
    }

    fn all<T: DeserializeOwned>(&self, ours: &str, records: &[Record]) -> Vec<T> {
        let codec = RecordCodec::new(ours).expect("a schema");
        let mut schemas = BTreeMap::new();
        let decode = |record: &Record| {
            let (id, body) = read_frame(&record.value).expect("a frame");
            let schema = schemas.entry(id).or_insert_with(|| self.0.schema(id).expect("registered"));
            codec.decode(schema, body).expect("of our schema")
        };
        records.iter().map(decode).collect()
    }
}

/// What lies in a topic of these machines; the episodes' topics are everybody's.
fn records_of(kafka: &Kafka, topic: &str, machines: &[&str]) -> millrace_core::Result<Vec<Record>> {
    let all = topic::records(kafka, topic)?;
    Ok(all.into_iter().filter(|record| machines.contains(&record.key.as_str())).collect())
}

fn beside_the_readings(lab: &Lab) -> Verdict {
    let (readings, truth) = (lab.topic("readings"), lab.topic("truth"));
    let machines = ["TRUE_A", "TRUE_B", "TRUE_C", "TRUE_D"];
    let place = format!("topic:{truth}");
    let more =
        [&DAYS[..], &["--truth", &place, "--threads", "2", "--include-labels", "--machines"], &machines];
    let summary = produce(&lab.into_topic(&readings, &more.concat()))?;
    assert_eq!(summary.acknowledged, 4 * 3 * 1440, "only readings are counted");
    let decoder = Decoder::through(lab)?;
    let (data, records) = (topic::records(&lab.kafka(), &readings)?, topic::records(&lab.kafka(), &truth)?);
    let truths: Vec<SensorTruth<'_>> = decoder.all(SENSOR_TRUTH, &records);
    assert_eq!(truths.len(), data.len());
    let mut avro = Readings::through(&lab.registry_url())?;
    for ((record, truth), reading) in records.iter().zip(&truths).zip(&data) {
        assert_eq!(
            (record.partition, &record.key, record.timestamp),
            (reading.partition, &reading.key, reading.timestamp)
        );
        let reading = avro.decode(&reading.value);
        assert_eq!((&truth.machine_id, truth.sequence), (&reading.machine_id, reading.sequence));
        assert_eq!(Some(truth.anomaly_label), reading.anomaly_label);
        assert_eq!(Some(&truth.anomaly_type), reading.anomaly_type.as_ref());
    }
    let failures: Vec<Episode<'_>> =
        decoder.all(EPISODE, &records_of(&lab.kafka(), "anomaly-episodes", &machines)?);
    assert!(
        failures.iter().all(|episode| episode.kind == EpisodeKind::Failure && episode.cause == "automatic")
    );
    let labelled = truths.iter().filter(|truth| truth.anomaly_label == 1).count();
    let covered = truths.iter().filter(|truth| failures.iter().any(|episode| covers(episode, truth))).count();
    assert!(labelled > 1000 && labelled == covered, "{labelled} {covered}");
    let episodes = topic::partitions(&lab.kafka(), "anomaly-episodes")?;
    match lab.cluster.capabilities().admin {
        true => assert_eq!(episodes, 1, "a topic of episodes has one order"),
        // The demo broker makes every topic as it likes.
        false => assert_eq!(episodes, topic::partitions(&lab.kafka(), &truth)?),
    }
    passed()
}

fn covers(episode: &Episode<'_>, truth: &SensorTruth<'_>) -> bool {
    episode.machine_id == truth.machine_id
        && episode.name == truth.anomaly_type
        && episode.start <= truth.timestamp
        && episode.end.is_none_or(|end| truth.timestamp < end)
}

fn in_transactions(lab: &Lab) -> Verdict {
    let (readings, truth) = (lab.topic("readings"), lab.topic("truth"));
    let place = format!("topic:{truth}");
    let machines = ["--machines", "EXACT_A", "EXACT_B"];
    let more =
        [&DAYS[..], &["--truth", &place, "--exactly-once", "--maintenance-interval", "7200"], &machines];
    produce(&lab.into_topic(&readings, &more.concat()))?;
    assert_eq!((committed(lab, &readings, 8640)?, committed(lab, &truth, 8640)?), (8640, 8640));
    let stops = records_of(&lab.kafka(), "maintenance-events", &["EXACT_A", "EXACT_B"])?;
    let stops: Vec<Episode<'_>> = Decoder::through(lab)?.all(EPISODE, &stops);
    assert!(stops.len() > 20 && stops.iter().all(|stop| stop.name == "maintenance"), "{}", stops.len());
    passed()
}

/// How many records are committed, once there are as many as wanted or a while has passed: the end of a
/// transaction reaches its partitions after the producer.
fn committed(lab: &Lab, topic: &str, wanted: usize) -> millrace_core::Result<usize> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let found = topic::records(&lab.kafka(), topic)?.len();
        if found == wanted || Instant::now() > deadline {
            return Ok(found);
        }
    }
}

fn beside_a_file(lab: &Lab) -> Verdict {
    let truth = lab.topic("truth");
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rows.csv");
    let (place, url) = (format!("topic:{truth}"), lab.registry_url());
    let cluster = ["--bootstrap-server", lab.cluster.bootstrap_server(), "--schema-registry-url", &url];
    let output = ["--mode", "file", "--output", file.to_str().expect("a path in UTF-8"), "--truth", &place];
    produce(&[&DAYS[..], &cluster, &output, &["--machines", "FILE_A"]].concat())?;
    let rows = std::fs::read_to_string(&file)?.lines().count() - 1;
    let truths: Vec<SensorTruth<'_>> =
        Decoder::through(lab)?.all(SENSOR_TRUTH, &topic::records(&lab.kafka(), &truth)?);
    assert_eq!((rows, truths.len()), (4320, 4320));
    passed()
}

fn as_json(lab: &Lab) -> Verdict {
    let (readings, truth) = (lab.topic("readings"), lab.topic("truth"));
    let place = format!("topic:{truth}");
    let more = [&DAYS[..], &["--truth", &place, "--format", "json", "--machines", "JSON_A"]].concat();
    produce(&lab.into_topic(&readings, &more))?;
    for (sequence, record) in topic::records(&lab.kafka(), &truth)?.iter().enumerate() {
        let value: serde_json::Value = serde_json::from_slice(&record.value)?;
        assert_eq!(
            (value["machine_id"].as_str(), value["sequence"].as_u64()),
            (Some("JSON_A"), Some(sequence as u64))
        );
    }
    passed()
}

fn resumed(lab: &Lab) -> Verdict {
    for mode in [&[][..], &["--exactly-once"]] {
        let (readings, truth, whole) = (lab.topic("readings"), lab.topic("truth"), lab.topic("whole"));
        let (parts, place) = (format!("topic:{truth}"), format!("topic:{whole}"));
        let same = ["--seed", "7", "--start", "2026-01-01T00:00:00Z", "--speed", "max", "--machines", "5"];
        let until = |end, more: &[&str]| {
            let flags = [&same[..], &["--truth", &parts, "--duration", end], mode, more].concat();
            produce(&lab.into_topic(&readings, &flags))
        };
        until("400", &[])?;
        until("900", &["--resume"])?;
        let flags = [&same[..], &["--truth", &place, "--duration", "900"]].concat();
        produce(&lab.into_topic(&lab.topic("once"), &flags))?;
        let read = |name: &str| topic::records(&lab.kafka(), name);
        committed(lab, &truth, 4500)?;
        assert!(read(&truth)? == read(&whole)?, "the truth is that of one run");
    }
    passed()
}
