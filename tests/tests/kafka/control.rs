//! Commands from the topic: each is answered once, what is accepted shows, and nothing else does.

use std::collections::{BTreeMap, HashMap};
use std::process::{self, Child, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use millrace_core::registry::RegistryClient;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_producer::run::{Progress, Summary, run};
use millrace_schemas::codec::{RecordCodec, read_frame};
use millrace_schemas::subject::{CONTROL_COMMAND, CONTROL_REPLY, SENSOR_TRUTH, value_subject};
use millrace_schemas::{
    ControlCommand, ControlReply, ControlStatus, MaintenanceStatus, SensorReading, SensorTruth,
};
use millrace_tests::{KafkaTest, Lab, Verdict, number, passed, produce, settings, topic};
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::reading::Readings;

const PATIENCE: Duration = Duration::from_secs(30);
/// Commands that are sent: more with `MILLRACE_COMMANDS`.
const COMMANDS: u64 = 200;
const FAILURES: [&str; 5] = ["bearing_failure", "pump_failure", "overheating", "oil_leak", "motor_failure"];

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared(
            "control::random_commands_are_each_answered_once_and_take_effect_as_stated",
            random,
        ),
        KafkaTest::shared("control::what_is_older_than_the_start_has_expired_and_is_answered_once", expired),
        KafkaTest::shared("control::two_shares_obey_a_fleet_command_and_one_answers", shares),
        KafkaTest::shared("control::two_shares_give_the_records_of_one_producer", same_records),
        KafkaTest::shared("control::the_rate_changes_and_the_duration_stays", rate),
        KafkaTest::shared("control::a_command_from_a_shell_waits_for_its_answer", shell),
        KafkaTest::shared("control::transactions_carry_the_answers", transactions).needs("transactions"),
    ]
}

/// A producer on a thread of its own, and the topic it listens to.
struct Run {
    thread: JoinHandle<Result<Summary>>,
    progress: Arc<Progress>,
    ending: Shutdown,
}

impl Run {
    /// Starts one and waits until it makes records, so that it listens.
    fn start(flags: &[String]) -> Result<Self> {
        let settings = settings(flags)?;
        let (progress, ending) = (Arc::new(Progress::default()), Shutdown::new());
        let (watched, end) = (Arc::clone(&progress), ending.clone());
        let thread = thread::spawn(move || run(&settings, &end, &watched));
        let run = Self { thread, progress, ending };
        run.wait_for(|run| run.progress.generated() > 0)?;
        Ok(run)
    }

    fn wait_for(&self, met: impl Fn(&Self) -> bool) -> Result<()> {
        let began = Instant::now();
        while !met(self) {
            if began.elapsed() > PATIENCE || (self.thread.is_finished() && !met(self)) {
                return Err(Error::failed("the producer does not come as far as the test needs"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn more(&self, records: u64) -> Result<()> {
        let goal = self.progress.acknowledged() + records;
        self.wait_for(|run| run.progress.acknowledged() >= goal)
    }

    fn join(self) -> Result<Summary> {
        self.thread.join().expect("the producer does not panic")
    }

    fn end(self) -> Result<Summary> {
        self.ending.request();
        self.join()
    }
}

/// Someone who sends commands.
struct Commander {
    producer: BaseProducer,
    codec: RecordCodec,
    schema_id: u32,
    topic: String,
}

impl Commander {
    fn new(lab: &Lab, topic: &str) -> Result<Self> {
        Self::at(lab.cluster.bootstrap_server(), &lab.registry_url(), topic)
    }

    fn at(bootstrap_server: &str, registry_url: &str, topic: &str) -> Result<Self> {
        let registry = RegistryClient::new(registry_url)?;
        let mut config = rdkafka::config::ClientConfig::new();
        config.set("bootstrap.servers", bootstrap_server).set("linger.ms", "0");
        Ok(Self {
            producer: config.create().expect("a producer"),
            codec: RecordCodec::new(CONTROL_COMMAND).expect("a schema"),
            schema_id: registry.register(&value_subject(topic), CONTROL_COMMAND)?,
            topic: topic.to_owned(),
        })
    }

    fn say(&self, command: &ControlCommand) {
        let payload = self.codec.encode(self.schema_id, command).expect("written");
        self.bytes(command.machine_id.as_deref(), &payload);
    }

    fn bytes(&self, key: Option<&str>, payload: &[u8]) {
        let record = BaseRecord::<str, [u8]>::to(&self.topic).payload(payload);
        let record = match key {
            Some(key) => record.key(key),
            None => record,
        };
        self.producer.send(record).map_err(|(e, _)| e).expect("taken");
    }

    fn flush(&self) {
        self.producer.flush(PATIENCE).expect("everything is sent");
    }
}

fn command(id: &str, action: &str, machine: Option<&str>) -> ControlCommand {
    ControlCommand {
        id: id.into(),
        action: action.into(),
        machine_id: machine.map(Into::into),
        ..ControlCommand::default()
    }
}

/// Every answer that is there, by id.
fn replies(lab: &Lab, control: &str) -> Result<BTreeMap<String, Vec<ControlReply>>> {
    let codec = RecordCodec::new(CONTROL_REPLY).expect("a schema");
    let mut replies: BTreeMap<String, Vec<ControlReply>> = BTreeMap::new();
    for record in topic::records(&lab.kafka(), &format!("{control}-replies"))? {
        let (_, body) = read_frame(&record.value).expect("a frame");
        let reply: ControlReply = codec.decode(CONTROL_REPLY, body).expect("a reply");
        replies.entry(reply.command_id.clone()).or_default().push(reply);
    }
    Ok(replies)
}

fn wait_for_replies(lab: &Lab, control: &str, ids: usize) -> Result<BTreeMap<String, Vec<ControlReply>>> {
    let began = Instant::now();
    loop {
        let found = replies(lab, control)?;
        if found.len() >= ids {
            return Ok(found);
        }
        if began.elapsed() > PATIENCE {
            return Err(Error::failed(format!("{} of {ids} commands are answered", found.len())));
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// The readings of each machine, in order.
fn readings(lab: &Lab, data: &str) -> Result<HashMap<String, Vec<SensorReading<'static>>>> {
    let mut decoder = Readings::through(&lab.registry_url())?;
    let mut machines: HashMap<String, Vec<SensorReading<'static>>> = HashMap::new();
    for record in topic::records(&lab.kafka(), data)? {
        machines.entry(record.key).or_default().push(decoder.decode(&record.value));
    }
    Ok(machines)
}

/// Random numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// A command of which it is known whether it is valid.
fn drawn(dice: &mut Dice, id: String) -> (ControlCommand, bool) {
    let machine = format!("MACHINE_{:03}", 1 + dice.throw(20));
    let machine = Some(machine.as_str());
    let failure = Some(FAILURES[dice.throw(5)].to_owned());
    match dice.throw(12) {
        0..=3 => (ControlCommand { failure, hours: Some(0.01), ..command(&id, "inject", machine) }, true),
        4 => (ControlCommand { severity: Some(0.5), ..command(&id, "inject", machine) }, true),
        5 => (command(&id, "clear", machine), true),
        6 => (ControlCommand { minutes: Some(1.0), ..command(&id, "maintain", machine) }, true),
        7 => (command(&id, "show_states", machine), true),
        8 => (ControlCommand { failure, hours: Some(-1.0), ..command(&id, "inject", machine) }, false),
        9 => (ControlCommand { failure: Some("rust".into()), ..command(&id, "inject", machine) }, false),
        10 => (command(&id, "inject", Some("MACHINE_999")), false),
        _ => (command(&id, "explode", machine), false),
    }
}

fn how_many() -> usize {
    number("MILLRACE_COMMANDS", COMMANDS) as usize
}

/// Sends commands in turn with duplicates and garbage; gives each id with whether it is valid, and how much
/// garbage there was.
fn bombard(commander: &Commander, number: u64, count: usize) -> (Vec<(String, bool)>, usize) {
    let mut dice = Dice(number);
    let mut said: Vec<(ControlCommand, bool)> = Vec::new();
    let mut garbage = 0;
    for index in 0..count {
        match dice.throw(10) {
            0 if !said.is_empty() => commander.say(&said[dice.throw(said.len())].0),
            1 => {
                garbage += 1;
                commander.bytes(Some("MACHINE_001"), &[&[0, 0, 0, 0, 1, 255][..], &[255; 9]].concat());
            }
            2 => {
                garbage += 1;
                commander.bytes(None, br#"{"id": "x", "actoin": "stop"}"#);
            }
            _ => {
                let drawn = drawn(&mut dice, format!("{number}-{index}"));
                commander.say(&drawn.0);
                said.push(drawn);
            }
        }
        if index % 10 == 0 {
            commander.flush();
            thread::sleep(Duration::from_millis(2));
        }
    }
    commander.flush();
    (said.into_iter().map(|(said, is_valid)| (said.id, is_valid)).collect(), garbage)
}

/// Another process that sends commands: this program once more, which [`serve_as_commander`] hears.
struct OtherProcess(Child);

/// Where the other process sends to.
const COMMANDER: &str = "MILLRACE_TEST_COMMANDER";

impl OtherProcess {
    fn start(lab: &Lab, control: &str) -> Result<Self> {
        let place = format!("{} {} {control}", lab.cluster.bootstrap_server(), lab.registry_url());
        let program = std::env::current_exe().expect("this program");
        let child = process::Command::new(program).env(COMMANDER, place).stdout(Stdio::piped()).spawn();
        Ok(Self(child.expect("it starts")))
    }

    /// What it sent, as [`bombard`] gives it.
    fn join(self) -> (Vec<(String, bool)>, usize) {
        let ended = self.0.wait_with_output().expect("it ends");
        assert!(ended.status.success());
        serde_json::from_slice(&ended.stdout).expect("what it sent")
    }
}

/// Sends commands and leaves, if this process was started for that.
pub fn serve_as_commander() {
    let Ok(place) = std::env::var(COMMANDER) else { return };
    let mut words = place.split(' ');
    let mut word = || words.next().expect("a server, a registry and a topic");
    let commander = Commander::at(word(), word(), word()).expect("a commander");
    println!("{}", serde_json::json!(bombard(&commander, 2, how_many() / 2)));
    process::exit(0);
}

fn random(lab: &Lab) -> Verdict {
    let (data, control) = (lab.topic("steered"), lab.topic("commands"));
    let truth = lab.topic("truth");
    let into = format!("topic:{truth}");
    let more = ["--machines", "20", "--speed", "200", "--no-anomalies", "--truth", &into];
    let run = Run::start(&lab.into_topic(&data, &[&more[..], &["--control-topic", &control]].concat()))?;
    let other = OtherProcess::start(lab, &control)?;
    let one = Commander::new(lab, &control)?;
    let (mut sent, garbage) = bombard(&one, 1, how_many() / 2);
    let (more, more_garbage) = other.join();
    sent.extend(more);
    let garbage = garbage + more_garbage;
    let stop = command("the-end", "stop", None);
    wait_for_replies(lab, &control, sent.len())?;
    run.more(400)?;
    one.say(&stop);
    one.flush();
    let summary = run.join()?;
    assert_eq!(summary.acknowledged, summary.generated);
    sent.push((stop.id, true));
    let replies = replies(lab, &control)?;
    assert_eq!(replies.len(), sent.len(), "nothing else is answered");
    for (id, is_valid) in &sent {
        let answers = &replies[id];
        let statuses: Vec<_> = answers.iter().map(|reply| reply.status).collect();
        let expected = if *is_valid { ControlStatus::Accepted } else { ControlStatus::Refused };
        assert_eq!(statuses, [expected], "{id}: {answers:?}");
    }
    check_truth(&readings(lab, &data)?, &truths(lab, &truth)?, replies.values().map(|answers| &answers[0]));
    check_garbage(lab, &control, garbage)?;
    passed()
}

/// The truth of each machine, in order.
fn truths(lab: &Lab, topic: &str) -> Result<HashMap<String, Vec<SensorTruth<'static>>>> {
    let codec = RecordCodec::new(SENSOR_TRUTH).expect("a schema");
    let mut machines: HashMap<String, Vec<SensorTruth<'static>>> = HashMap::new();
    for record in topic::records(&lab.kafka(), topic)? {
        let (_, body) = read_frame(&record.value).expect("a frame");
        machines.entry(record.key).or_default().push(codec.decode(SENSOR_TRUTH, body).expect("truth"));
    }
    Ok(machines)
}

/// Finds in every machine's truth what was accepted, at the time that its answer states, and nothing else.
fn check_truth<'a>(
    readings: &HashMap<String, Vec<SensorReading<'static>>>,
    truths: &HashMap<String, Vec<SensorTruth<'static>>>,
    replies: impl Iterator<Item = &'a ControlReply>,
) {
    let mut acts: HashMap<&str, Vec<(i64, &ControlCommand)>> = HashMap::new();
    for reply in replies.filter(|reply| reply.status == ControlStatus::Accepted) {
        let said = reply.command.as_ref().expect("the command is in the answer");
        let sequence = reply.sequence.expect("a sequence");
        if let Some(machine) = said.machine_id.as_deref().filter(|_| said.action != "show_states") {
            let reading = readings[machine].get(sequence as usize).expect("a reading from then on");
            assert_eq!(Some(reading.timestamp), reply.timestamp, "{reply:?}");
            acts.entry(machine).or_default().push((sequence, said));
        }
    }
    assert_eq!((readings.len(), truths.len()), (20, 20));
    for (machine, readings) in readings {
        let acts = acts.remove(machine.as_str()).unwrap_or_default();
        let first = acts.iter().filter(|(_, said)| said.action == "inject").map(|(at, _)| *at).min();
        for (reading, truth) in readings.iter().zip(&truths[machine]) {
            assert_eq!((truth.timestamp, truth.sequence), (reading.timestamp, reading.sequence));
            let is_healthy = truth.anomaly_type == "normal";
            let was_asked = first.is_some_and(|first| first <= truth.sequence);
            assert!(is_healthy || was_asked, "{machine} fails at {} without being asked to", truth.sequence);
            check_moment(reading, truth, &acts);
        }
    }
}

/// What is alone at its tick shows there; on a machine that stands still a failure waits.
fn check_moment(reading: &SensorReading<'_>, truth: &SensorTruth<'_>, acts: &[(i64, &ControlCommand)]) {
    let mut now = acts.iter().filter(|(at, _)| *at == truth.sequence);
    let (Some((_, said)), None) = (now.next(), now.next()) else { return };
    let is_running = reading.maintenance_status == MaintenanceStatus::Operational;
    let shown = truth.anomaly_type.as_ref();
    match said.action.as_str() {
        "inject" if is_running => assert_eq!(Some(shown), said.failure.as_deref(), "{said:?}"),
        "clear" => assert_eq!(shown, "normal", "{said:?}"),
        "maintain" => assert!(!is_running, "{said:?}"),
        _ => {}
    }
}

fn check_garbage(lab: &Lab, control: &str, expected: usize) -> Result<()> {
    let mut found = 0;
    topic::for_each(&lab.kafka(), &format!("{control}.dlq"), |letter| {
        found += 1;
        let header = |name: &str| {
            let key = format!("__streams.errors.{name}");
            let header = letter.headers().expect("headers").iter().find(|header| header.key == key);
            String::from_utf8_lossy(header.and_then(|header| header.value).unwrap_or_default()).into_owned()
        };
        assert_eq!(header("topic"), control);
        assert!(header("offset").parse::<i64>().is_ok() && !header("message").is_empty());
        let payload = letter.payload().unwrap_or_default();
        assert!(
            payload.starts_with(b"{\"id\"") == (letter.key().is_none()),
            "key and bytes are as they came"
        );
    })?;
    assert_eq!(found, expected, "dead letters");
    Ok(())
}

fn expired(lab: &Lab) -> Verdict {
    let (data, control) = (lab.topic("late"), lab.topic("commands"));
    let flags = |duration| {
        let more = ["--machines", "2", "--speed", "max", "--control-topic", &control, "--duration", duration];
        lab.into_topic(&data, &more)
    };
    produce(&flags("2"))?;
    let commander = Commander::new(lab, &control)?;
    commander.say(&command("early", "inject", Some("MACHINE_001")));
    commander.bytes(None, b"garbage");
    commander.flush();
    for _ in 0..2 {
        let run = Run::start(&lab.into_topic(&data, &["--machines", "2", "--control-topic", &control]))?;
        let answers = wait_for_replies(lab, &control, 1)?;
        assert_eq!(answers["early"].len(), 1, "{answers:?}");
        assert_eq!(answers["early"][0].status, ControlStatus::Expired);
        run.end()?;
    }
    check_one_letter(lab, &control)?;
    passed()
}

fn check_one_letter(lab: &Lab, control: &str) -> Result<()> {
    let began = Instant::now();
    loop {
        let letters = topic::records(&lab.kafka(), &format!("{control}.dlq"))?;
        if letters.len() == 1 || began.elapsed() > PATIENCE {
            assert_eq!(letters.len(), 1, "rejected once, whatever the number of starts");
            assert_eq!(letters[0].value, b"garbage");
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn shares(lab: &Lab) -> Verdict {
    let (data, control) = (lab.topic("shared"), lab.topic("commands"));
    let same = ["--machines", "5", "--seed", "7", "--start", "2026-01-01T00:00:00Z", "--no-anomalies"];
    let of = |share| {
        let more = [&same[..], &["--speed", "100", "--control-topic", &control, "--share", share]].concat();
        Run::start(&lab.into_topic(&data, &more))
    };
    let (one, two) = (of("1/2")?, of("2/2")?);
    let commander = Commander::new(lab, &control)?;
    for machine in 1..=5 {
        commander.say(&command(&format!("to-{machine}"), "clear", Some(&format!("MACHINE_00{machine}"))));
    }
    commander.say(&command("unknown", "clear", Some("MACHINE_006")));
    commander.flush();
    // Only then the end, which a topic of several partitions, as the demo broker's, may bring before the rest.
    wait_for_replies(lab, &control, 6)?;
    commander.say(&command("end", "stop", None));
    commander.flush();
    one.join()?;
    two.join()?;
    let replies = replies(lab, &control)?;
    assert_eq!(replies.len(), 7);
    for (id, answers) in &replies {
        let [answer] = &answers[..] else { panic!("{id}: {answers:?}") };
        let owner = match id.as_str() {
            "to-2" | "to-4" => format!("{data} 2of2"),
            _ => format!("{data} 1of2"),
        };
        assert_eq!(answer.producer, owner, "{id}");
    }
    assert_eq!(replies["unknown"][0].status, ControlStatus::Refused);
    passed()
}

fn same_records(lab: &Lab) -> Verdict {
    let same = ["--machines", "7", "--seed", "7", "--start", "2026-01-01T00:00:00Z", "--speed", "max"];
    let whole = lab.topic("whole");
    let duration = ["--duration", "300"];
    produce(&lab.into_topic(&whole, &[&same[..], &duration].concat()))?;
    let parts = lab.topic("parts");
    for share in ["1/3", "2/3", "3/3"] {
        produce(&lab.into_topic(&parts, &[&same[..], &duration, &["--share", share]].concat()))?;
    }
    let read = |name: &str| topic::records(&lab.kafka(), name).map(crate::reading::by_machine);
    assert!(read(&whole)? == read(&parts)?, "the shares together are the whole, byte for byte");
    passed()
}

fn rate(lab: &Lab) -> Verdict {
    let (data, control) = (lab.topic("rates"), lab.topic("commands"));
    let more = ["--machines", "2", "--start", "2026-01-01T00:00:00Z", "--duration", "3600", "--speed", "50"];
    let run = Run::start(&lab.into_topic(&data, &[&more[..], &["--control-topic", &control]].concat()))?;
    let commander = Commander::new(lab, &control)?;
    commander.say(&ControlCommand { rate: Some(0.1), ..command("slow", "set_rate", None) });
    commander.say(&ControlCommand { speed: Some("max".into()), ..command("fast", "set_speed", None) });
    commander.flush();
    run.join()?;
    let slow = &replies(lab, &control)?["slow"][0];
    let (tick, time) = (slow.sequence.expect("a tick"), slow.timestamp.expect("a time"));
    for readings in readings(lab, &data)?.values() {
        for reading in readings {
            let expected =
                time + (reading.sequence - tick) * if reading.sequence < tick { 1000 } else { 10_000 };
            assert_eq!(reading.timestamp, expected, "sequence {}", reading.sequence);
        }
        let last = readings.last().expect("readings").timestamp - readings[0].timestamp;
        assert!((3_590_000..3_600_000).contains(&last), "the run has its duration: {last}");
    }
    passed()
}

fn shell(lab: &Lab) -> Verdict {
    let (data, control) = (lab.topic("by-hand"), lab.topic("commands"));
    let run = Run::start(&lab.into_topic(&data, &["--control-topic", &control]))?;
    let url = lab.registry_url();
    let bootstrap = lab.cluster.bootstrap_server();
    let say = |words: &[&str]| {
        let place =
            ["--bootstrap-server", bootstrap, "--schema-registry-url", &url, "--control-topic", &control];
        let args = [&["producer", "control"][..], words, &place].concat();
        millrace_producer::main(args.into_iter().map(Into::into))
    };
    say(&["inject", "MACHINE_001", "bearing_failure", "--hours", "2", "--id", "once"])?;
    say(&["inject", "MACHINE_001", "bearing_failure", "--hours", "2", "--id", "once"])?;
    say(&["states", "--format", "json"])?;
    let refusal = say(&["inject", "MACHINE_009"]).expect_err("there is none");
    assert_eq!(refusal.exit_code(), 1);
    assert_eq!(
        refusal.to_string(),
        "refused: there is no machine `MACHINE_009`; did you mean `MACHINE_005`?"
    );
    say(&["stop"])?;
    run.join()?;
    let unanswered = say(&["stop", "--timeout", "3"]).expect_err("nobody listens");
    assert!(unanswered.to_string().contains("was not answered within 3 s"), "{unanswered}");
    assert_eq!(replies(lab, &control)?["once"].len(), 1);
    passed()
}

fn transactions(lab: &Lab) -> Verdict {
    let (data, control) = (lab.topic("exact"), lab.topic("commands"));
    let more = ["--exactly-once", "--transaction-interval", "0.2", "--control-topic", &control];
    let run = Run::start(&lab.into_topic(&data, &more))?;
    let commander = Commander::new(lab, &control)?;
    commander.say(&command("pause", "pause", None));
    commander.say(&command("inject", "inject", Some("MACHINE_001")));
    commander.flush();
    wait_for_replies(lab, &control, 2)?;
    commander.say(&command("resume", "resume", None));
    commander.say(&command("end", "stop", None));
    commander.flush();
    let summary = run.join()?;
    assert_eq!(summary.acknowledged, summary.generated);
    let replies = replies(lab, &control)?;
    assert!(replies.len() == 4 && replies.values().all(|answers| answers.len() == 1), "{replies:?}");
    passed()
}
