//! Dead letters that go back, each at most once.

use std::ffi::OsString;

use millrace_consumer::outbox::Letter;
use millrace_consumer::redrive::{Outcome, REDRIVEN, Redrive};
use millrace_consumer::settings::{Errand, read_errand};
use millrace_core::Result;
use millrace_core::shutdown::Shutdown;
use millrace_lab::registry;
use millrace_tests::{KafkaTest, Lab, Verdict, consume, passed, topic};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};

use crate::letters::{Pair, frame, put, registered};
use crate::reading::all;

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("redrive::letters_whose_cause_is_gone_are_read_and_the_others_stay", known_by_now)
            .needs("transactions"),
        KafkaTest::shared("redrive::a_record_goes_back_as_it_was_and_counts_its_returns", as_it_was)
            .needs("transactions"),
        KafkaTest::shared("redrive::what_is_passed_over_can_go_back_later_and_nothing_twice", in_parts)
            .needs("transactions"),
        KafkaTest::shared("redrive::two_at_once_put_no_letter_back_twice", two).needs("transactions"),
        KafkaTest::shared("redrive::counting_changes_nothing", dry),
        KafkaTest::shared("redrive::without_letters_it_says_so", without),
    ]
}

/// Runs `consumer redrive` with these flags.
pub fn redrive(lab: &Lab, flags: &[&str]) -> Result<Outcome> {
    let args = ["consumer", "redrive"].iter().chain(flags).map(OsString::from);
    let Some(Errand::Redrive(args)) = read_errand(args)? else { panic!("no redrive: {flags:?}") };
    Redrive::new(&args)?.run(&lab.kafka(), &Shutdown::new())
}

fn counts<const N: usize>(of: [(&str, u64); N]) -> std::collections::BTreeMap<String, u64> {
    of.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

fn known_by_now(lab: &Lab) -> Verdict {
    let topic = lab.topic("known-by-now");
    let id = registered(lab, &topic)?;
    let key: Option<&[u8]> = Some(b"M");
    let good = (key, Some(frame(id)));
    let bad = (key, Some(b"hello".to_vec()));
    put(lab, &topic, &[good.clone(), bad.clone(), good.clone(), good, bad])?;
    // One that knows no schema at all.
    let ignorant = registry::start(registry::Options::in_memory(0))?;
    let first = all(lab, &topic, &topic, &[]);
    let mut without = first.clone();
    let url = without.iter().position(|flag| *flag == lab.registry_url()).expect("the registry");
    without[url] = ignorant.url();
    assert_eq!(consume(&without)?.rejected, 5);
    let outcome = redrive(lab, &["--topic", &topic, "--cause", "UnknownSchema"])?;
    assert_eq!(
        (&outcome.back, &outcome.left),
        (&counts([("UnknownSchema", 3)]), &counts([("NotFramed", 2)]))
    );
    let tally = consume(&first)?;
    assert_eq!((tally.records, tally.rejected), (3, 0), "the schema is known by now");
    let outcome = redrive(lab, &["--topic", &topic, "--cause", "UnknownSchema"])?;
    assert_eq!((outcome.back, outcome.before), (counts([]), 3), "each goes back once");
    let outcome = redrive(lab, &["--topic", &topic])?;
    assert_eq!((outcome.back, outcome.before), (counts([("NotFramed", 2)]), 3));
    let tally = consume(&first)?;
    assert_eq!((tally.records, tally.rejected), (2, 2), "hello is no reading still");
    passed()
}

type Whole = (i32, Option<Vec<u8>>, Option<Vec<u8>>, Option<i64>, Vec<(String, Vec<u8>)>);

/// Partition, key, value, time and headers of all records, in order; returns are told by their header.
fn wholes(lab: &Lab, topic: &str) -> Result<Vec<Whole>> {
    let mut all = Vec::new();
    topic::for_each(&lab.kafka(), topic, |record| {
        let headers = record.headers().into_iter().flat_map(Headers::iter);
        let headers =
            headers.map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec()));
        let bytes = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let (key, value) = (bytes(record.key()), bytes(record.payload()));
        all.push((record.partition(), key, value, topic::create_time(record), headers.collect()));
    })?;
    all.sort();
    Ok(all)
}

/// The records that were put back so often.
fn returned(all: &[Whole], times: &str) -> Vec<Whole> {
    let header = (REDRIVEN.to_owned(), times.as_bytes().to_vec());
    let returned = all.iter().filter(|record| record.4.contains(&header)).cloned();
    returned
        .map(|mut record| {
            record.4.retain(|(name, _)| name != REDRIVEN);
            record
        })
        .collect()
}

fn as_it_was(lab: &Lab) -> Verdict {
    let topic = lab.topic("as-it-was");
    topic::make_plain(&lab.kafka(), &topic, 3)?;
    let bad: [Pair<'_>; 5] = [
        (Some(b"M"), Some(b"hello".to_vec())),
        (Some(b"N"), Some(vec![0xff; 4])),
        (None, Some(b"{}".to_vec())),
        (Some(b"O"), None),
        (Some(b""), Some(Vec::new())),
    ];
    put(lab, &topic, &bad)?;
    let before = wholes(lab, &topic)?;
    let read = all(lab, &topic, &topic, &[]);
    for (round, times) in [(1, "1"), (2, "2")] {
        assert_eq!(consume(&read)?.rejected, 5);
        assert_eq!(redrive(lab, &["--topic", &topic])?.back.values().sum::<u64>(), 5, "round {round}");
        assert_eq!(returned(&wholes(lab, &topic)?, times), before, "round {round}");
    }
    passed()
}

/// Letters of a consumer that read them from `topic`; half of each of two causes.
fn letters(lab: &Lab, topic: &str, count: i64) -> Result<()> {
    lab.kafka().ensure_topic(topic, None, &Default::default())?;
    lab.kafka().ensure_topic(&format!("{topic}.dlq"), None, &Default::default())?;
    topic::write(&lab.kafka(), (0..count).map(|offset| letter(topic, offset)))
}

fn letter(topic: &str, offset: i64) -> Letter {
    let cause = if offset % 2 == 0 { "Empty" } else { "NotFramed" };
    let exception = format!("millrace.consumer.{cause}");
    let place = ((offset % 2).to_string(), offset.to_string());
    let errors =
        [("exception", exception.as_str()), ("topic", topic), ("partition", &place.0), ("offset", &place.1)];
    let headers = errors.iter().fold(OwnedHeaders::new(), |headers, (name, value)| {
        headers.insert(Header { key: &format!("__streams.errors.{name}"), value: Some(*value) })
    });
    Letter {
        topic: format!("{topic}.dlq"),
        key: Some(b"M".to_vec()),
        payload: Some(offset.to_string().into_bytes()),
        timestamp: Some(1_767_225_600_000 + offset),
        headers: Some(headers),
        ..Letter::default()
    }
}

/// The numbers of the letters that are back, in order.
fn back(lab: &Lab, topic: &str) -> Result<Vec<i64>> {
    let all = topic::records(&lab.kafka(), topic)?;
    let number = |value: &[u8]| std::str::from_utf8(value).expect("text").parse::<i64>().expect("a number");
    let mut numbers: Vec<i64> = all.iter().map(|record| number(&record.value)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn in_parts(lab: &Lab) -> Verdict {
    let topic = lab.topic("in-parts");
    letters(lab, &topic, 100)?;
    let some = redrive(lab, &["--topic", &topic, "--cause", "NotFramed", "--max-messages", "20"])?;
    assert_eq!(some.back, counts([("NotFramed", 20)]));
    assert_eq!(some.left, counts([("Empty", 50), ("NotFramed", 30)]));
    let others = redrive(lab, &["--dlq", &format!("{topic}.dlq"), "--cause", "millrace.consumer.Empty"])?;
    assert_eq!((others.back, others.before), (counts([("Empty", 50)]), 20));
    let rest = redrive(lab, &["--topic", &topic])?;
    assert_eq!((rest.back, rest.before), (counts([("NotFramed", 30)]), 70));
    assert_eq!(back(lab, &topic)?, (0..100).collect::<Vec<_>>(), "each is back once");
    passed()
}

fn two(lab: &Lab) -> Verdict {
    let topic = lab.topic("two");
    letters(lab, &topic, 12_000)?;
    std::thread::scope(|scope| {
        let run = || redrive(lab, &["--topic", &topic]);
        let both = [scope.spawn(run), scope.spawn(run)].map(|run| run.join().expect("no panic"));
        for refusal in both.into_iter().filter_map(Result::err) {
            let sentence = refusal.to_string();
            assert!(sentence.starts_with("another `consumer redrive` puts the letters of "), "{sentence}");
        }
    });
    // Whatever the one that was ended has left is put back now.
    redrive(lab, &["--topic", &topic])?;
    assert_eq!(back(lab, &topic)?, (0..12_000).collect::<Vec<_>>());
    passed()
}

fn dry(lab: &Lab) -> Verdict {
    let topic = lab.topic("counted-only");
    letters(lab, &topic, 10)?;
    let outcome = redrive(lab, &["--topic", &topic, "--dry-run", "--cause", "Empty"])?;
    assert_eq!((outcome.back, outcome.left), (counts([("Empty", 5)]), counts([("NotFramed", 5)])));
    assert!(back(lab, &topic)?.is_empty());
    assert_eq!(topic::partitions(&lab.kafka(), &format!("{topic}.dlq.redriven"))?, 0, "nothing was made");
    passed()
}

fn without(lab: &Lab) -> Verdict {
    let refusal = redrive(lab, &["--topic", "nobody"]).expect_err("no letters");
    assert_eq!(refusal.exit_code(), 1);
    let sentence = refusal.to_string();
    assert!(sentence.starts_with("there is no topic nobody.dlq at "), "{sentence}");
    assert!(sentence.ends_with("check --topic and --dlq"), "{sentence}");
    passed()
}
