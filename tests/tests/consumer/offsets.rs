//! Lag on topics whose offsets are no count of records: markers, aborted records, compaction, deletion.

use std::time::{Duration, Instant};

use millrace_consumer::group::lag::{Meter, PartitionLag, count, measure};
use millrace_core::Result;
use millrace_core::kafka::{ProducerContext, cause};
use millrace_tests::{Child, KafkaTest, Lab, Verdict, passed, skipped, topic};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;

use crate::groups::wait_until;
use crate::lag::{TOOL, kafkas};

const CALL: Duration = Duration::from_secs(30);
const COMPACTED: [(&str, &str); 4] = [
    ("cleanup.policy", "compact"),
    ("segment.ms", "100"),
    ("min.cleanable.dirty.ratio", "0.01"),
    ("min.compaction.lag.ms", "0"),
];

pub fn tests() -> Vec<KafkaTest> {
    let needs = "transactions, compaction and deletion";
    vec![
        KafkaTest::shared("lag::counts_what_a_normal_topic_holds", normal).needs(needs),
        KafkaTest::shared("lag::counts_neither_markers_nor_aborted_records", aborted).needs(needs),
        KafkaTest::shared("lag::counts_what_compaction_left", compacted).needs(needs),
        KafkaTest::shared("lag::counts_what_deletion_left", truncated).needs(needs),
        KafkaTest::shared("lag::of_a_thousand_partitions_is_measured_in_moments", thousand).needs(needs),
        KafkaTest::shared("lag::is_known_in_wall_time_where_the_broker_stamps_records", stamped).needs(needs),
        KafkaTest::shared("lag::is_watched_until_it_is_told_to_end", watched).needs("groups of others"),
    ]
}

fn ok<T>(result: std::result::Result<T, KafkaError>) -> T {
    result.unwrap_or_else(|e| panic!("{}", cause(&e)))
}

/// Writes so many records to a partition, with one of ten keys each.
fn write(producer: &BaseProducer<ProducerContext>, topic: &str, partition: i32, records: usize) {
    for number in 0..records {
        let (key, value) = (format!("key {}", number % 10), format!("value {number}"));
        let record = BaseRecord::with_opaque_to(topic, 0).partition(partition).key(&key).payload(&value);
        producer.send(record).map_err(|(e, _)| e).expect("room");
    }
    ok(producer.flush(CALL));
}

/// What a group has read, without a member.
fn commit(lab: &Lab, topic: &str, offsets: &[(i32, i64)]) -> Result<()> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in offsets {
        ok(list.add_partition_offset(topic, *partition, Offset::Offset(*offset)));
    }
    ok(lab.kafka().observer(topic)?.commit(&list, CommitMode::Sync));
    Ok(())
}

/// Lag and count are what Kafka's tool says and what is there, and both are given.
fn compare(lab: &Lab, topic: &str, count_by_hand: i64) -> Result<Option<PartitionLag>> {
    let mut lags = measure(&lab.kafka(), topic, None)?;
    count(&lab.kafka(), &mut lags)?;
    let lag = lags.remove(0);
    let mut there = 0;
    topic::for_each(&lab.kafka(), topic, |record| there += i64::from(record.offset() >= lag.next()))?;
    assert_eq!((lag.unread, there), (Some(count_by_hand), count_by_hand), "{lag:?}");
    let Some(tool) = lab.cluster.tool(TOOL) else { return Ok(None) };
    let said = kafkas(lab, tool, topic).expect("the tool runs");
    // Kafka's tool counts what was deleted unread; nobody will read that any more.
    let deleted = (lag.log_start - lag.committed).max(0);
    assert_eq!(said, [lag.committed, lag.end, lag.lag + deleted], "current offset, log end offset, lag");
    Ok(Some(lag))
}

fn end(compared: Option<PartitionLag>) -> Verdict {
    if compared.is_none() {
        return skipped("Kafka's Java tools are not on this machine", "MILLRACE_REQUIRE_JDK");
    }
    passed()
}

fn normal(lab: &Lab) -> Verdict {
    let topic = lab.topic("normal");
    topic::make_plain(&lab.kafka(), &topic, 1)?;
    write(&lab.kafka().producer()?, &topic, 0, 100);
    commit(lab, &topic, &[(0, 30)])?;
    end(compare(lab, &topic, 70)?)
}

fn aborted(lab: &Lab) -> Verdict {
    let topic = lab.topic("aborted");
    topic::make_plain(&lab.kafka(), &topic, 1)?;
    let producer = lab.kafka().transactional_producer(&topic)?;
    ok(producer.init_transactions(CALL));
    for (records, commits) in [(20, true), (30, false), (40, true), (50, false)] {
        ok(producer.begin_transaction());
        write(&producer, &topic, 0, records);
        ok(if commits { producer.commit_transaction(CALL) } else { producer.abort_transaction(CALL) });
    }
    commit(lab, &topic, &[(0, 10)])?;
    let lag = compare(lab, &topic, 50)?;
    if let Some(lag) = &lag {
        assert_eq!((lag.end, lag.lag), (144, 134), "140 records and 4 markers");
    }
    end(lag)
}

fn compacted(lab: &Lab) -> Verdict {
    let topic = lab.topic("compacted");
    topic::make(&lab.kafka(), &topic, 1, &COMPACTED)?;
    let producer = lab.kafka().producer()?;
    write(&producer, &topic, 0, 100);
    let there = || topic::records(&lab.kafka(), &topic).map(|records| records.len());
    wait_until("the topic is compacted", || {
        // Only what lies before the newest segment is.
        write(&producer, &topic, 0, 1);
        Ok(there()? < 100)
    })?;
    let rest = there()? as i64;
    commit(lab, &topic, &[(0, 5)])?;
    end(compare(lab, &topic, rest)?)
}

fn truncated(lab: &Lab) -> Verdict {
    let topic = lab.topic("truncated");
    topic::make_plain(&lab.kafka(), &topic, 1)?;
    write(&lab.kafka().producer()?, &topic, 0, 100);
    commit(lab, &topic, &[(0, 30)])?;
    topic::truncate(&lab.kafka(), &topic, 0, 60)?;
    end(compare(lab, &topic, 40)?)
}

fn thousand(lab: &Lab) -> Verdict {
    let topic = lab.topic("thousand");
    topic::make(&lab.kafka(), &topic, 1_000, &[("retention.ms", "-1")])?;
    let producer = lab.kafka().producer()?;
    for (partition, time) in
        (0..1_000).flat_map(|partition| [1_000, 2_000, 3_500].map(|time| (partition, time)))
    {
        let record = BaseRecord::<[u8], str, usize>::with_opaque_to(&topic, 0).partition(partition);
        producer.send(record.timestamp(time).payload("x")).map_err(|(e, _)| e).expect("room");
    }
    ok(producer.flush(CALL));
    let committed: Vec<(i32, i64)> = (0..1_000).map(|partition| (partition, 1)).collect();
    commit(lab, &topic, &committed)?;
    let began = Instant::now();
    let lags = measure(&lab.kafka(), &topic, None)?;
    let took = began.elapsed();
    eprintln!("the lag of 1,000 partitions took {:.2} s", took.as_secs_f64());
    assert_eq!(lags.len(), 1_000);
    for lag in lags {
        assert_eq!((lag.lag, lag.lag_event_s), (2, Some(1.5)), "{lag:?}");
    }
    assert!(
        took < Duration::from_secs(20),
        "a busy machine may take longer than 2 s, but not this: {took:?}"
    );
    passed()
}

fn stamped(lab: &Lab) -> Verdict {
    let topic = lab.topic("stamped");
    topic::make(&lab.kafka(), &topic, 1, &[("message.timestamp.type", "LogAppendTime")])?;
    write(&lab.kafka().producer()?, &topic, 0, 10);
    commit(lab, &topic, &[(0, 4)])?;
    let meter = Meter::new(&lab.kafka(), &topic, None)?;
    let seconds = || Ok::<_, millrace_core::Error>(meter.measure()?[0].lag_wall_s.expect("known"));
    let first = seconds()?;
    assert!((0.0..60.0).contains(&first), "{first}");
    wait_until("it is longer", || Ok(seconds()? > first))?;
    commit(lab, &topic, &[(0, 10)])?;
    assert_eq!(seconds()?, 0.0);
    passed()
}

fn watched(lab: &Lab) -> Verdict {
    let (topic, folder) = (lab.topic("watched"), tempfile::tempdir()?);
    topic::make_plain(&lab.kafka(), &topic, 1)?;
    let producer = lab.kafka().producer()?;
    write(&producer, &topic, 0, 100);
    commit(lab, &topic, &[(0, 30)])?;
    let out = folder.path().join("out");
    let flags =
        ["lag", "--group", &topic, "--bootstrap-server", lab.cluster.bootstrap_server(), "--watch", "0.2"];
    let child =
        Child::consumer(&[&flags[..], &["--output-format", "json"]].concat(), std::fs::File::create(&out)?)?;
    let last = || -> Value {
        let text = std::fs::read_to_string(&out).expect("a file");
        text.lines().next_back().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
    };
    wait_until("it looks again", || Ok(last()["arriving_per_s"] == 0.0))?;
    assert_eq!((&last()["lag"], &last()["lag_wall_s"]), (&70.into(), &Value::Null));
    write(&producer, &topic, 0, 50);
    commit(lab, &topic, &[(0, 110)])?;
    wait_until("it sees rates", || {
        let seen = last();
        Ok(seen["lag"] == 40 && seen["read_per_s"].as_f64() > seen["arriving_per_s"].as_f64())
    })?;
    let seen = last();
    assert!(seen["catch_up_s"].as_f64() > Some(0.0) && seen["lag_wall_s"].as_f64() > Some(0.0), "{seen}");
    assert!(child.end()?.success());
    passed()
}
