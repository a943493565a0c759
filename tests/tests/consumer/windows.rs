//! Windows that close: what they say follows from the records alone, not from how these were read.

use std::collections::BTreeMap;

use millrace_core::Result;
use millrace_core::registry::RegistryClient;
use millrace_schemas::codec::{RecordCodec, read_frame};
use millrace_schemas::subject::WINDOW_STATS;
use millrace_schemas::{Sensor, WindowStats};
use millrace_tests::{KafkaTest, Lab, Verdict, consume, passed, produce, topic};

use crate::reading::{all, member};

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000;
const MINUTE: i64 = 60_000;

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("windows::each_machine_and_minute_has_one_record_of_all_its_readings", in_order),
        KafkaTest::shared("windows::late_readings_are_in_their_window_or_aside_and_none_is_lost", disordered),
        KafkaTest::shared("windows::members_that_come_and_go_do_not_show", members)
            .needs("groups that outlive their members"),
        KafkaTest::shared("windows::batches_commits_and_guarantees_do_not_show", batches),
    ]
}

type Windows = BTreeMap<String, Vec<WindowStats>>;

/// What lies in a topic of closed windows, by machine, each in the partition of its machine's readings.
fn windows(lab: &Lab, readings: &str, metrics: &str) -> Result<Windows> {
    let registry = RegistryClient::new(&lab.registry_url())?;
    let codec = RecordCodec::new(WINDOW_STATS).expect("a schema");
    let of_readings = topic::records(&lab.kafka(), readings)?;
    let places: BTreeMap<&str, i32> =
        of_readings.iter().map(|record| (&*record.key, record.partition)).collect();
    let mut all = Windows::new();
    for record in topic::records(&lab.kafka(), metrics)? {
        let (id, body) = read_frame(&record.value).expect("a frame");
        let window: WindowStats = codec.decode(&registry.schema(id)?, body).expect("a window");
        assert_eq!((&record.key, record.timestamp), (&window.machine_id, Some(window.window_end)));
        assert_eq!(Some(&record.partition), places.get(&*record.key));
        all.entry(record.key).or_default().push(window);
    }
    Ok(all)
}

fn filled(lab: &Lab, about: &str, more: &[&str]) -> Result<String> {
    let topic = lab.topic(about);
    let run = ["--machines", "6", "--seed", "7", "--start", "2026-01-01T00:00:00Z"];
    let fast = ["--speed", "max", "--duration", "1200"];
    produce(&lab.into_topic(&topic, &[&run[..], &fast, more].concat()))?;
    Ok(topic)
}

fn in_order(lab: &Lab) -> Verdict {
    let topic = filled(lab, "windows", &[])?;
    let metrics = lab.topic("metrics");
    let tally = consume(&all(lab, &topic, &metrics, &["--metrics-topic", &metrics]))?;
    assert_eq!((tally.records, tally.windows, tally.late), (7_200, 6 * 19, 0), "the last minute is open");
    let windows = windows(lab, &topic, &metrics)?;
    assert_eq!(windows.len(), 6);
    for own in windows.values() {
        let begins: Vec<i64> = own.iter().map(|window| window.window_start).collect();
        assert_eq!(begins, (0..19).map(|minute| START + minute * MINUTE).collect::<Vec<_>>());
        for window in own {
            assert_eq!((window.count, window.late), (60, 0));
            assert_eq!(window.window_end - window.window_start, MINUTE);
            let known = Sensor::ALL.iter().filter_map(|sensor| window.sensor(*sensor));
            assert_eq!(known.clone().count(), 7, "{window:?}");
            assert!(known.into_iter().all(|stats| stats.min <= stats.mean && stats.mean <= stats.max));
        }
    }
    let partitions = |topic: &str| topic::partitions(&lab.kafka(), topic);
    assert_eq!(partitions(&metrics)?, partitions(&topic)?, "as the readings");
    passed()
}

fn disordered(lab: &Lab) -> Verdict {
    let topic = filled(lab, "wild", &["--disorder", "late=0.05:1s..90s,duplicate=0.01"])?;
    let records = topic::records(&lab.kafka(), &topic)?;
    let (metrics, late) = (lab.topic("metrics"), format!("{topic}.late"));
    let closing = ["--window-type", "hopping", "--hop", "20s", "--allowed-lateness", "20s"];
    let flags = [&closing[..], &["--metrics-topic", &metrics]].concat();
    let tally = consume(&all(lab, &topic, &metrics, &flags))?;
    assert_eq!((tally.records, tally.rejected), (records.len() as u64, 0));
    let aside = topic::records(&lab.kafka(), &late)?;
    assert_eq!(aside.len() as u64, tally.late);
    assert!(!aside.is_empty() && aside.iter().all(|record| records.contains(record)), "as they came");
    let windows = windows(lab, &topic, &metrics)?;
    assert_eq!(windows.values().map(Vec::len).sum::<usize>() as u64, tally.windows);
    let told: i64 = windows.values().flatten().map(|window| window.late).sum();
    assert!(told > 0, "some came late and in time");
    for (machine, own) in &windows {
        let own_records = |all: &[topic::Record]| {
            all.iter().filter(|record| record.key == *machine).cloned().collect::<Vec<_>>()
        };
        let (came, aside) = (own_records(&records), own_records(&aside));
        for window in own {
            let is_within = |record: &&topic::Record| {
                (window.window_start..window.window_end).contains(&record.timestamp.expect("a time"))
            };
            let (came, aside) =
                (came.iter().filter(is_within).count(), aside.iter().filter(is_within).count());
            assert!((window.count as usize) <= came - aside, "{window:?}");
        }
        assert!(own.windows(2).all(|pair| pair[0].window_end < pair[1].window_end), "in order, once each");
    }
    passed()
}

fn batches(lab: &Lab) -> Verdict {
    let topic = filled(lab, "batches", &["--disorder", "late=0.05:1s..90s,drop=0.01"])?;
    let closing = ["--window-type", "tumbling", "--window", "30s", "--allowed-lateness", "15s"];
    let read = |more: &[&str]| {
        let metrics = lab.topic("metrics");
        let flags = [&closing[..], &["--metrics-topic", &metrics], more].concat();
        consume(&all(lab, &topic, &metrics, &flags))?;
        windows(lab, &topic, &metrics)
    };
    let slow = ["-X", "fetch.message.max.bytes=1000", "--commit-interval", "0.01"];
    let one = read(&[])?;
    assert_eq!(one.len(), 6);
    assert_eq!(one, read(&slow)?);
    assert_eq!(
        one,
        read(&["--guarantee", "at-most-once", "--group-protocol", "classic", "--assignor", "range"])?
    );
    passed()
}

/// One member after another, and two at once, each with some of the records.
fn members(lab: &Lab) -> Verdict {
    let topic = filled(lab, "turns", &["--disorder", "late=0.05:1s..90s,drop=0.01"])?;
    let closing = ["--window-type", "hopping", "--hop", "15s", "--allowed-lateness", "15s"];
    let exactly = ["--guarantee", "exactly-once", "--commit-interval", "0.1", "--checkpoint-records", "400"];
    let read = |metrics: &str, more: &[&str]| {
        let late = format!("{metrics}-late");
        let to = ["--metrics-topic", metrics, "--late-topic", &late, "--from-beginning"];
        consume(&member(lab, &topic, metrics, &[&closing[..], &exactly, &to, more].concat()))
    };
    let told = |metrics: &str| -> Result<_> {
        let late = topic::records(&lab.kafka(), &format!("{metrics}-late"))?;
        Ok((windows(lab, &topic, metrics)?, late))
    };
    let (calm, turns) = (lab.topic("metrics"), lab.topic("metrics"));
    read(&calm, &["--until", "end"])?;
    let (windows, late) = told(&calm)?;
    assert!(windows.len() == 6 && !late.is_empty());
    for assignor in ["range", "cooperative-sticky"] {
        read(&turns, &["--max-messages", "700", "--assignor", assignor])?;
        std::thread::scope(|scope| {
            let some = || read(&turns, &["--max-messages", "900", "--assignor", assignor]);
            let both = [scope.spawn(some), scope.spawn(some)];
            both.into_iter().try_for_each(|one| one.join().expect("no panic").map(drop))
        })?;
    }
    read(&turns, &["--until", "end"])?;
    assert_eq!(told(&turns)?, (windows, late));
    passed()
}
