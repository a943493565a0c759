//! Runs that are told to go on: what they take over from `producer-runs`, and what they refuse.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use millrace_core::shutdown::Shutdown;
use millrace_lab::cluster::{self, Choice, Request};
use millrace_producer::resume::{self, RUNS_TOPIC};
use millrace_producer::run::{Progress, Summary, run};
use millrace_tests::{KafkaTest, Lab, Verdict, passed, produce, settings, topic};

use rdkafka::producer::{BaseRecord, Producer};

use crate::reading::{Readings, Sequences, by_machine};

const FAST: [&str; 4] = ["--speed", "max", "--machines", "7"];

pub fn tests() -> Vec<KafkaTest> {
    let needs = "memory of runs";
    vec![
        KafkaTest::shared("resume::seed_and_start_need_not_be_said_again", goes_on).needs(needs),
        KafkaTest::shared("resume::json_keeps_the_form_of_its_times", goes_on_in_json).needs(needs),
        KafkaTest::shared("resume::shares_of_a_fleet_go_on_each_by_itself", shares).needs(needs),
        KafkaTest::shared("resume::a_share_goes_on_while_another_writes", beside_another).needs(needs),
        KafkaTest::shared("resume::a_run_that_is_still_written_is_not_gone_on_with", still_written)
            .needs(needs),
        KafkaTest::shared("resume::truth_of_another_run_does_not_count", beside_other_truth).needs(needs),
        KafkaTest::shared("resume::a_run_that_ends_while_it_catches_up_tells_nothing", interrupted)
            .needs(needs),
        KafkaTest::shared("resume::a_run_killed_at_its_very_end_tells_what_goes_on", untold).needs(needs),
        KafkaTest::shared("resume::exactly_once_needs_the_topic_it_wrote_to", made_anew).needs(needs),
        KafkaTest::shared("resume::a_share_does_not_begin_with_a_seed_of_its_own", share_begins).needs(needs),
        KafkaTest::shared("resume::a_complete_run_says_so_and_sends_nothing", complete).needs(needs),
        KafkaTest::shared("resume::another_option_is_refused_by_its_name", refused).needs(needs),
        KafkaTest::shared("resume::a_missing_topic_is_a_fresh_start", fresh).needs(needs),
        KafkaTest::shared("resume::a_second_producer_with_the_same_id_ends_the_first", fenced)
            .needs("transactions"),
        KafkaTest::shared("resume::an_id_that_nobody_went_on_with_is_taken_back", regained)
            .needs("transactions"),
        KafkaTest::shared("resume::what_is_not_committed_is_not_acknowledged", uncommitted)
            .needs("transactions"),
        KafkaTest::own("resume::the_demo_broker_is_refused", demo),
    ]
}

fn flags(lab: &Lab, topic: &str, more: &[&str]) -> Vec<String> {
    lab.into_topic(topic, &[&FAST[..], more].concat())
}

fn goes_on(lab: &Lab) -> Verdict {
    for mode in [&[][..], &["--exactly-once"]] {
        let (parts, whole) = (lab.topic("parts"), lab.topic("whole"));
        let first = settings(&flags(lab, &parts, &[&["--duration", "40"], mode].concat()))?;
        run(&first, &Shutdown::new(), &Progress::default())?;
        let more = [&["--duration", "100", "--resume"], mode].concat();
        assert_eq!(produce(&flags(lab, &parts, &more))?.acknowledged, 7 * 60);
        let seed = first.seed.to_string();
        let start = chrono::DateTime::from_timestamp_millis(first.clock.start).expect("a time").to_rfc3339();
        produce(&flags(lab, &whole, &["--duration", "100", "--seed", &seed, "--start", &start]))?;
        let read = |name: &str| topic::records(&lab.kafka(), name).map(by_machine);
        assert!(read(&parts)? == read(&whole)?, "the records are those of one run");
    }
    passed()
}

fn goes_on_in_json(lab: &Lab) -> Verdict {
    let (parts, whole) = (lab.topic("parts"), lab.topic("whole"));
    let same = ["--format", "json", "--seed", "7", "--no-control", "--duration"];
    let begins = ["--start", "2026-01-01T00:00:00.250Z"];
    produce(&flags(lab, &parts, &[&same[..], &["40"], &begins].concat()))?;
    produce(&flags(lab, &parts, &[&same[..], &["100", "--resume"]].concat()))?;
    produce(&flags(lab, &whole, &[&same[..], &["100"], &begins].concat()))?;
    let read = |name: &str| topic::records(&lab.kafka(), name).map(by_machine);
    assert!(read(&parts)? == read(&whole)?, "the times have their milliseconds");
    passed()
}

fn shares(lab: &Lab) -> Verdict {
    let same = ["--seed", "7", "--start", "2026-01-01T00:00:00Z", "--no-control"];
    let (parts, whole) = (lab.topic("shares"), lab.topic("whole"));
    for (share, mode) in [("1/2", &[][..]), ("2/2", &["--exactly-once"])] {
        for duration in ["40", "100"] {
            let more = ["--share", share, "--resume", "--duration", duration];
            produce(&flags(lab, &parts, &[&same[..], &more, mode].concat()))?;
        }
    }
    produce(&flags(lab, &whole, &[&same[..], &["--duration", "100"]].concat()))?;
    let read = |name: &str| topic::records(&lab.kafka(), name).map(by_machine);
    assert!(read(&parts)? == read(&whole)?, "the records are those of one run");
    passed()
}

fn beside_another(lab: &Lab) -> Verdict {
    let topic = lab.topic("beside");
    let same = ["--machines", "40", "--seed", "7", "--start", "2026-01-01T00:00:00Z", "--no-control"];
    let of = |more: &[&str]| lab.into_topic(&topic, &[&same[..], more].concat());
    let other = Running::start(&of(&["--share", "2/2", "--speed", "100"]))?;
    other.wait_until("the other share writes", |progress| progress.acknowledged() > 0);
    for (duration, more) in [("40", 40), ("100", 60)] {
        let share = of(&["--share", "1/2", "--speed", "max", "--resume", "--duration", duration]);
        assert_eq!(produce(&share)?.acknowledged, 20 * more);
    }
    other.end()?;
    passed()
}

fn still_written(lab: &Lab) -> Verdict {
    let topic = lab.topic("still");
    let of = |more: &[&str]| lab.into_topic(&topic, &[&["--machines", "3", "--speed", "20"], more].concat());
    let first = Running::start(&of(&["--seed", "7", "--start", "2026-01-01T00:00:00Z"]))?;
    first.wait_until("the first writes", |progress| progress.acknowledged() > 0);
    let refusal = produce(&of(&["--resume"])).expect_err("two processes of one run").to_string();
    let says = format!("run {topic}-1of1 is still being written to topic {topic} by another process");
    assert!(refusal.starts_with(&says), "{refusal}");
    first.end()?;
    passed()
}

/// Both write about the same machines into one topic, the other in another format and at another time.
fn beside_other_truth(lab: &Lab) -> Verdict {
    let (topic, other, truth) = (lab.topic("parts"), lab.topic("other"), lab.topic("truth"));
    let truth_flag = format!("topic:{truth}");
    let more = ["--truth", &truth_flag, "--duration"];
    produce(&flags(lab, &topic, &[&more[..], &["40"]].concat()))?;
    let later = ["--format", "json", "--start", "2030-01-01T00:00:00Z"];
    produce(&flags(lab, &other, &[&more[..], &["500"], &later].concat()))?;
    produce(&flags(lab, &topic, &[&more[..], &["100", "--resume"]].concat()))?;
    assert_eq!(topic::records(&lab.kafka(), &truth)?.len(), 7 * 600);
    passed()
}

fn complete(lab: &Lab) -> Verdict {
    for mode in [&[][..], &["--exactly-once"]] {
        let topic = lab.topic("complete");
        let once = flags(lab, &topic, &[&["--duration", "10", "--resume"], mode].concat());
        assert_eq!(produce(&once)?.acknowledged, 70);
        assert_eq!(produce(&once)?.generated, 0);
        let without_end = flags(lab, &topic, &[&["--resume"], mode].concat());
        assert_eq!(produce(&without_end)?.generated, 0);
    }
    passed()
}

fn refused(lab: &Lab) -> Verdict {
    let topic = lab.topic("refused");
    let begun = ["--duration", "10", "--seed", "5", "--start", "2026-01-01T00:00:00Z"];
    produce(&flags(lab, &topic, &begun))?;
    let others: [(&str, &[&str]); 7] = [
        ("control_topic", &["--no-control"]),
        ("seed", &["--seed", "6"]),
        ("start", &["--start", "2026-01-02T00:00:00Z"]),
        ("rate", &["--rate", "2"]),
        ("anomaly_injection_rate", &["--no-anomalies"]),
        ("include_anomaly_labels", &["--include-labels"]),
        ("exactly_once", &["--exactly-once"]),
    ];
    for (name, other) in others {
        let again = flags(lab, &topic, &[&["--duration", "20", "--resume"], other].concat());
        let refusal = produce(&again).expect_err(name);
        assert_eq!(refusal.exit_code(), 1);
        let began = format!("run {topic}-1of1 has {name} ");
        assert!(refusal.to_string().starts_with(&began), "{name}: {refusal}");
    }
    let again = lab.into_topic(&topic, &["--machines", "8", "--duration", "20", "--resume"]);
    let refusal = produce(&again).expect_err("other machines");
    assert!(refusal.to_string().contains(" has machines 7, and now it is 8"), "{refusal}");
    passed()
}

fn fresh(lab: &Lab) -> Verdict {
    let topic = lab.topic("fresh");
    let resumed = flags(lab, &topic, &["--duration", "3", "--resume"]);
    assert_eq!(produce(&resumed)?.acknowledged, 21);
    // A run of the same name in a topic that others made: `producer-runs` knows the name, the topic is new.
    let other = lab.topic("fresh");
    let named = flags(lab, &other, &["--duration", "3", "--resume", "--run-id", &format!("{topic}-1of1")]);
    assert_eq!(produce(&named)?.acknowledged, 21);
    passed()
}

/// A run on a thread of its own, until it is told to end.
struct Running {
    shutdown: Shutdown,
    progress: Arc<Progress>,
    thread: thread::JoinHandle<millrace_core::Result<Summary>>,
}

impl Running {
    fn start(flags: &[String]) -> millrace_core::Result<Self> {
        let settings = settings(flags)?;
        let (shutdown, progress) = (Shutdown::new(), Arc::new(Progress::default()));
        let shared = (shutdown.clone(), Arc::clone(&progress));
        let thread = thread::spawn(move || run(&settings, &shared.0, &shared.1));
        Ok(Self { shutdown, progress, thread })
    }

    fn wait_until(&self, what: &str, condition: impl Fn(&Progress) -> bool) {
        wait_until(what, || condition(&self.progress) || self.thread.is_finished());
    }

    fn end(self) -> millrace_core::Result<Summary> {
        self.shutdown.request();
        self.thread.join().expect("no panic")
    }
}

fn fenced(lab: &Lab) -> Verdict {
    for how in [&[][..], &["--resume"]] {
        let topic = lab.topic("fenced");
        // So busy that it misses its transactional id at once.
        let busy = ["--machines", "3", "--exactly-once", "--transaction-interval", "0.05", "--speed", "200"];
        let of = |more: &[&str]| lab.into_topic(&topic, &[&busy[..], more].concat());
        let first = Running::start(&of(&[]))?;
        first.wait_until("the first is under way", |progress| progress.acknowledged() > 0);
        let second = Running::start(&of(how))?;
        second.wait_until("the second is under way", |progress| progress.acknowledged() > 0);
        wait_until("the first ends", || first.thread.is_finished());
        let ended = first.end().expect_err("taken over");
        let began = format!("the transactional id millrace-{topic}-1of1 was taken over by another producer");
        assert!(ended.to_string().starts_with(&began), "{ended}");
        let summary = second.end()?;
        assert_eq!(summary.acknowledged, summary.generated);
    }
    passed()
}

/// The flags of a run in whose end something goes on, and how many of its episodes are told now.
fn eventful<'a>(lab: &'a Lab, topic: &'a str, more: &[&'a str]) -> (Vec<String>, impl Fn() -> usize + 'a) {
    let machine = &*Box::leak(format!("PUMP-OF-{topic}").into_boxed_str());
    let plant = ["--machines", machine, "--seed", "7", "--anomaly-rate", "1", "--speed", "max"];
    let truth = ["--truth", "topic:truth-of-eventful", "--no-control"];
    let told = move || {
        let records = topic::records(&lab.kafka(), "anomaly-episodes").expect("readable");
        records.iter().filter(|record| record.key == machine).count()
    };
    (lab.into_topic(topic, &[&plant[..], &truth, more].concat()), told)
}

fn state(lab: &Lab, topic: &str) -> String {
    let note =
        resume::last_note(&lab.kafka(), &format!("{topic}-1of1"), false).expect("readable").expect("a note");
    let note: serde_json::Value = serde_json::from_str(&note).expect("JSON");
    note["state"].as_str().expect("a state").to_owned()
}

fn interrupted(lab: &Lab) -> Verdict {
    for mode in [&[][..], &["--exactly-once"]] {
        let topic = lab.topic("interrupted");
        let (first, told) = eventful(lab, &topic, &[&["--duration", "4000"], mode].concat());
        produce(&first)?;
        let before = told();
        assert!(before > 0, "a failure goes on");
        let (again, _) = eventful(lab, &topic, &[&["--duration", "5000", "--resume"], mode].concat());
        let interrupted = Shutdown::new();
        interrupted.request();
        assert_eq!(run(&settings(&again)?, &interrupted, &Progress::default())?.generated, 0);
        assert_eq!((told(), state(lab, &topic).as_str()), (before, "stopped"));
        assert_eq!(produce(&again)?.generated, 1000);
    }
    passed()
}

/// A run that was killed between its last readings and the note of its end.
fn untold(lab: &Lab) -> Verdict {
    for mode in [&[][..], &["--exactly-once"]] {
        let topic = lab.topic("untold");
        let (flags, told) = eventful(lab, &topic, &[&["--duration", "4000", "--resume"], mode].concat());
        produce(&flags)?;
        let (before, name) = (told(), format!("{topic}-1of1"));
        let note = resume::last_note(&lab.kafka(), &name, false)?.expect("a note");
        let note = note.replace(r#""state":"complete""#, r#""state":"running""#);
        let writer = lab.kafka().producer()?;
        let record = BaseRecord::with_opaque_to(RUNS_TOPIC, 1).key(&name).payload(&note);
        writer.send(record).map_err(|(error, _)| error)?;
        writer.flush(Duration::from_secs(30))?;
        assert_eq!(state(lab, &topic), "running");
        assert_eq!(produce(&flags)?.generated, 0);
        assert_eq!(state(lab, &topic), "complete");
        assert!(told() > before, "what goes on is told");
    }
    passed()
}

fn made_anew(lab: &Lab) -> Verdict {
    let topic = lab.topic("anew");
    let exactly = flags(lab, &topic, &["--exactly-once", "--duration", "40"]);
    produce(&exactly)?;
    topic::delete(&lab.kafka(), &topic)?;
    wait_until("the topic is gone", || topic::partitions(&lab.kafka(), &topic).is_ok_and(|count| count == 0));
    topic::make_plain(&lab.kafka(), &topic, 4)?;
    let again = flags(lab, &topic, &["--exactly-once", "--duration", "100", "--resume"]);
    let refusal = produce(&again).expect_err("a hole").to_string();
    assert!(
        refusal.starts_with(&format!("topic {topic} holds less than run {topic}-1of1 has written")),
        "{refusal}"
    );
    passed()
}

fn share_begins(lab: &Lab) -> Verdict {
    let topic = lab.topic("begins");
    let refusal = produce(&flags(lab, &topic, &["--share", "2/2", "--resume"])).expect_err("another plant");
    assert_eq!(
        refusal.to_string(),
        format!(
            "there is no run {topic}-2of2 to go on with, and to begin it, --share 2/2 needs --seed too, the same \
             for all 2"
        )
    );
    passed()
}

/// What Kafka does to a transaction that took too long, it does here because someone asks for the id.
fn regained(lab: &Lab) -> Verdict {
    let topic = lab.topic("regained");
    let flags = ["--machines", "40", "--speed", "50", "--exactly-once", "--transaction-interval", "0.5"];
    let running = Running::start(&lab.into_topic(&topic, &flags))?;
    running.wait_until("it is under way", |progress| progress.acknowledged() > 0);
    let taken = running.progress.generated();
    let other = lab.kafka().transactional_producer(&format!("millrace-{topic}-1of1"))?;
    other.init_transactions(Duration::from_secs(30))?;
    running.wait_until("it goes on", |progress| progress.acknowledged() > taken + 4_000);
    let summary = running.end()?;
    assert_eq!(summary.acknowledged, summary.generated);
    let mut readings = Readings::through(&lab.registry_url())?;
    let mut sequences = Sequences::default();
    for record in topic::records(&lab.kafka(), &topic)? {
        sequences.note(&record.key, readings.decode(&record.value).sequence);
    }
    sequences.check(40, (summary.generated / 40).cast_signed());
    passed()
}

fn uncommitted(lab: &Lab) -> Verdict {
    let topic = lab.topic("uncommitted");
    let slow = ["--machines", "3", "--exactly-once", "--transaction-interval", "30"];
    let running = Running::start(&lab.into_topic(&topic, &slow))?;
    running.wait_until("records are sent", |progress| progress.generated() >= 6);
    assert_eq!(running.progress.acknowledged(), 0, "nothing is committed yet");
    assert_eq!(topic::records(&lab.kafka(), &topic)?, [], "and nothing is seen");
    let summary = running.end()?;
    assert_eq!(summary.acknowledged, summary.generated, "the end commits what was made");
    assert_eq!(topic::records(&lab.kafka(), &topic)?.len() as u64, summary.acknowledged);
    passed()
}

fn demo() -> Verdict {
    let request = Request { choice: Choice::Demo, ..Request::default() };
    let demo = cluster::start(&request, &Shutdown::new())?;
    for flag in ["--exactly-once", "--resume"] {
        let flags = ["--mode", "kafka", "--format", "json", "--duration", "1", flag];
        let refusal = produce(&[&flags[..], &["--bootstrap-server", demo.bootstrap_server()]].concat());
        let refusal = refusal.expect_err("refused").to_string();
        assert!(refusal.contains(&format!("leave {flag} out")), "{refusal}");
    }
    passed()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
