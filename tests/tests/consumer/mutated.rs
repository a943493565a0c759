//! A topic of which one record in a hundred is broken in one of many ways.
//!
//! Longer with `MILLRACE_MUTATED_RECORDS`, which also measures both topics in turns and prints the rates.

use std::collections::BTreeMap;
use std::time::Instant;

use millrace_consumer::outbox::Letter;
use millrace_core::Result;
use millrace_schemas::codec::{decode_reading, encode_reading, read_frame, write_frame_header};
use millrace_schemas::{Sensor, SensorReading};
use millrace_tests::topic::Record;
use millrace_tests::{KafkaTest, Lab, Verdict, consume, passed, produce, topic};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};

use crate::reading::{all, committed};

/// One record in so many is broken.
const ONE_IN: usize = 100;
const MACHINES: usize = 100;
const ROUNDS: usize = 5;
const FAR: i64 = 4_102_444_800_000;

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("mutated::all_that_comes_in_is_processed_or_becomes_a_letter", mutated)
            .needs("topics with settings"),
    ]
}

/// What a mutation does to a record.
type Mutation = fn(&Record, &mut Letter);

/// The ways, with the cause that each is rejected for; `None` = it is a reading all the same.
const WAYS: [(&str, Option<&str>, Mutation); 22] = [
    ("truncated", Some("NotAReading"), |record, letter| cut(letter, record.value.len() - 3)),
    ("frame only", Some("NotAReading"), |_, letter| cut(letter, 5)),
    ("half a frame", Some("NotFramed"), |_, letter| cut(letter, 3)),
    ("wrong magic", Some("NotFramed"), |_, letter| value(letter)[0] = 7),
    ("unknown schema", Some("UnknownSchema"), |_, letter| value(letter)[1..5].fill(0x7f)),
    ("negative length", Some("NotAReading"), |_, letter| value(letter)[NAME] = 3),
    ("huge length", Some("NotAReading"), |_, letter| {
        value(letter).splice(NAME.., [0xfe, 0xff, 0xff, 0xff, 0x0f]).for_each(drop);
    }),
    ("endless number", Some("NotAReading"), |_, letter| {
        value(letter).splice(NAME.., [0xff; 40]).for_each(drop);
    }),
    ("no text", Some("NotAReading"), |_, letter| value(letter)[NAME + 1] = 0xff),
    ("left over", Some("NotAReading"), |_, letter| value(letter).push(0)),
    ("NaN", None, |record, letter| *value(letter) = with_temperature(record, f64::NAN)),
    ("infinity", None, |record, letter| *value(letter) = with_temperature(record, f64::INFINITY)),
    ("wrong types", Some("NotAReading"), |_, letter| {
        *value(letter) = br#"{"timestamp":"2026-01-01T00:00:00","machine_id":"M","vibration":"x"}"#.to_vec();
    }),
    ("no object", Some("NotAReading"), |_, letter| *value(letter) = b"{\"machine_id\": ".to_vec()),
    ("deep", Some("NotAReading"), |_, letter| {
        *value(letter) = [&b"{\"a\":"[..], &[b'['; 1_000]].concat();
    }),
    ("empty", Some("Empty"), |_, letter| letter.payload = Some(Vec::new())),
    ("tombstone", Some("Empty"), |_, letter| letter.payload = None),
    ("wrong key", Some("WrongKey"), |_, letter| letter.key = Some(b"NOBODY".to_vec())),
    ("future time", None, |_, letter| letter.timestamp = Some(FAR)),
    ("JSON", None, |record, letter| *value(letter) = json(record)),
    ("UTF-16", Some("NotFramed"), |record, letter| {
        let text = String::from_utf8(json(record)).expect("text");
        *value(letter) =
            std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    }),
    ("CSV", Some("NotFramed"), |_, letter| *value(letter) = b"2026-01-01T00:00:00,M,70.5".to_vec()),
];

/// Where the length of the machine's name stands: behind the frame's head and a time of six bytes.
const NAME: usize = 11;

fn value(letter: &mut Letter) -> &mut Vec<u8> {
    letter.payload.as_mut().expect("a value")
}

fn cut(letter: &mut Letter, length: usize) {
    value(letter).truncate(length);
}

fn reading(record: &Record) -> (u32, SensorReading<'_>) {
    let (id, body) = read_frame(&record.value).expect("a frame");
    (id, decode_reading(body).expect("a reading"))
}

fn with_temperature(record: &Record, temperature: f64) -> Vec<u8> {
    let (id, mut reading) = reading(record);
    reading.sensors[Sensor::Temperature as usize] = Some(temperature);
    let mut bytes = Vec::new();
    write_frame_header(id, &mut bytes);
    encode_reading(&reading, &mut bytes);
    bytes
}

fn json(record: &Record) -> Vec<u8> {
    let (_, reading) = reading(record);
    let (machine, time, sequence) = (&reading.machine_id, reading.timestamp, reading.sequence);
    format!(r#"{{"machine_id":"{machine}","timestamp":{time},"sequence":{sequence}}}"#).into_bytes()
}

fn whole(topic: &str, record: &Record) -> Letter {
    Letter {
        topic: topic.to_owned(),
        key: Some(record.key.clone().into_bytes()),
        payload: Some(record.value.clone()),
        timestamp: record.timestamp,
        ..Letter::default()
    }
}

/// The record as it was, or in the way whose turn it is, whose name is in a header then.
fn mutate(topic: &str, index: usize, record: &Record) -> Letter {
    let mut letter = whole(topic, record);
    if index.is_multiple_of(ONE_IN) {
        let (name, _, mutation) = WAYS[index / ONE_IN % WAYS.len()];
        mutation(record, &mut letter);
        letter.headers = Some(OwnedHeaders::new().insert(Header { key: "way", value: Some(name) }));
    }
    letter
}

/// How many letters there are of each way, once it is seen that each has the right cause.
fn letters(lab: &Lab, topic: &str) -> Result<BTreeMap<String, usize>> {
    let mut found = BTreeMap::new();
    topic::for_each(&lab.kafka(), &format!("{topic}.dlq"), |letter| {
        let headers = letter.headers().expect("headers");
        let header = |name: &str| {
            let header = headers.iter().find(|header| header.key == name).expect("the header");
            String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned()
        };
        let way = header("way");
        let cause = header("__streams.errors.exception").replace("millrace.consumer.", "");
        let expected = WAYS.iter().find(|(name, ..)| *name == way).and_then(|(_, cause, _)| *cause);
        assert_eq!(Some(cause.as_str()), expected, "{way}: {}", header("__streams.errors.message"));
        *found.entry(way).or_default() += 1;
    })?;
    Ok(found)
}

fn mutated(lab: &Lab) -> Verdict {
    let asked = std::env::var("MILLRACE_MUTATED_RECORDS").ok().and_then(|count| count.parse::<usize>().ok());
    let count = asked.unwrap_or(20_000) / MACHINES * MACHINES;
    let (clean, broken) = (lab.topic("clean"), lab.topic("mutated"));
    let (machines, seconds) = (MACHINES.to_string(), (count / MACHINES).to_string());
    let run = ["--seed", "7", "--start", "2026-01-01T00:00:00Z", "--speed", "max", "--partitions", "3"];
    let size = ["--machines", &machines, "--duration", &seconds];
    produce(&lab.into_topic(&clean, &[&run[..], &size].concat()))?;
    lab.kafka().ensure_topic(&broken, Some(3), &Default::default())?;
    let records = topic::records(&lab.kafka(), &clean)?;
    assert_eq!(records.len(), count);
    topic::write(
        &lab.kafka(),
        records.iter().enumerate().map(|(index, record)| mutate(&broken, index, record)),
    )?;
    let tally = consume(&all(lab, &broken, &broken, &[]))?;
    let mut expected = BTreeMap::new();
    for index in (0..count).step_by(ONE_IN) {
        let (name, cause, _) = WAYS[index / ONE_IN % WAYS.len()];
        if cause.is_some() {
            *expected.entry(name.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(letters(lab, &broken)?, expected, "each broken record is a letter, once, and no other");
    let rejected: usize = expected.values().sum();
    assert_eq!((tally.records, tally.rejected), (count as u64, rejected as u64));
    assert_eq!(committed(lab, &broken, &broken)?, count as i64);
    if asked.is_some() {
        // Written as the broken ones are: how records lie in batches counts as well.
        let copy = lab.topic("clean-copy");
        lab.kafka().ensure_topic(&copy, Some(3), &Default::default())?;
        topic::write(&lab.kafka(), records.iter().map(|record| whole(&copy, record)))?;
        measure(lab, &copy, &broken, count)?;
    }
    passed()
}

/// Reads both topics in turns, and prints the middle of each one's rates and CPU times.
fn measure(lab: &Lab, clean: &str, broken: &str, count: usize) -> Result<()> {
    let mut rounds: [Vec<[f64; 2]>; 2] = Default::default();
    for round in 0..ROUNDS {
        for (topic, rounds) in [clean, broken].into_iter().zip(&mut rounds) {
            let group = format!("{topic}-{round}");
            let (began, busy) = (Instant::now(), cpu_seconds());
            assert_eq!(consume(&all(lab, topic, &group, &[]))?.records, count as u64);
            let (seconds, busy) = (began.elapsed().as_secs_f64(), cpu_seconds() - busy);
            rounds.push([count as f64 / seconds, busy * 1e9 / count as f64]);
        }
    }
    let [clean, broken] = rounds.map(|rounds| [0, 1].map(|column| middle(&rounds, column)));
    let share = 100.0 * broken[0] / clean[0];
    eprintln!(
        "{count} records: clean {:.0}/s, {:.0} ns of CPU each; one in {ONE_IN} broken {:.0}/s ({share:.1}%), {:.0} ns",
        clean[0], clean[1], broken[0], broken[1]
    );
    Ok(())
}

fn middle(rounds: &[[f64; 2]], column: usize) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(|round| round[column]).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// CPU time of this process so far.
fn cpu_seconds() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the system counts");
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}
