//! What lay in a topic at a moment is read to that end, whatever is written behind it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use millrace_core::kafka::{Kafka, Role, Span};
use millrace_tests::{KafkaTest, Lab, Verdict, passed, topic};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, Producer};

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("span::a_topic_that_is_still_written_is_read_to_where_it_ended", written)
            .needs("topics of a given width"),
    ]
}

fn written(lab: &Lab) -> Verdict {
    let (kafka, name) = (lab.kafka(), lab.topic("span"));
    kafka.ensure_topic(&name, Some(3), &Default::default())?;
    for partition in 0..3 {
        fill(&kafka, &name, partition, 1000)?;
    }
    let span = Span::of(&kafka, &name)?;
    let is_read = AtomicBool::new(false);
    let mut found: BTreeMap<i32, i64> = BTreeMap::new();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            while !is_read.load(Ordering::Relaxed) {
                fill(&kafka, &name, 0, 10)?;
            }
            millrace_core::Result::Ok(())
        });
        let read = span.each(&kafka, |record| {
            *found.entry(record.partition()).or_default() += 1;
            // Slow enough that the first partition comes to an end of its own more than once.
            thread::sleep(Duration::from_micros(200));
            Ok(())
        });
        is_read.store(true, Ordering::Relaxed);
        writer.join().expect("it does not panic").and(read)
    })?;
    assert_eq!(found, BTreeMap::from([(0, 1000), (1, 1000), (2, 1000)]));
    assert!(topic::records(&kafka, &name)?.len() > 3000, "more was written meanwhile");
    passed()
}

fn fill(kafka: &Kafka, topic: &str, partition: i32, records: usize) -> millrace_core::Result<()> {
    let producer = kafka.producer()?;
    for _ in 0..records {
        let record = BaseRecord::<(), [u8], usize>::with_opaque_to(topic, Role::Reading as usize);
        producer.send(record.partition(partition).payload(b"x")).map_err(|(e, _)| e).expect("taken");
    }
    producer.flush(Duration::from_secs(30)).expect("sent");
    Ok(())
}
