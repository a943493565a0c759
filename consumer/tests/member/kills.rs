//! Two members under SIGKILL: each guarantee keeps what it says. `MILLRACE_KILL_RECORDS` and `MILLRACE_KILLS` make
//! the run longer.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use millrace_tests::{KafkaTest, Lab, Verdict, number, passed, produce, topic};

/// Records a second that the producer sends while members are killed.
const RATE: u64 = 10_000;
const MACHINES: u64 = 200;
/// A member that takes longer for what is left is stuck.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn tests() -> Vec<KafkaTest> {
    let real = "groups that outlive their members";
    vec![
        KafkaTest::shared("kills::exactly_once_gives_what_an_undisturbed_run_gives", exactly_once)
            .needs(real),
        KafkaTest::shared("kills::at_least_once_repeats_and_loses_nothing", at_least_once).needs(real),
        KafkaTest::shared("kills::at_most_once_never_repeats", at_most_once).needs(real),
    ]
}

fn windows(alerts: &str) -> String {
    format!("{alerts}-windows")
}

fn late(alerts: &str) -> String {
    format!("{alerts}-late")
}

/// The alerts and closed windows of each machine, each in their order, as bytes.
type Alerts = BTreeMap<String, Vec<Vec<u8>>>;

/// A member that is killed when its value goes.
struct Member(Child);

impl Member {
    fn start(lab: &Lab, input: &str, alerts: &str, more: &[&str]) -> std::io::Result<Self> {
        let url = lab.registry_url();
        let child = Command::new(env!("CARGO_BIN_EXE_consumer"))
            .args(["--topic", input, "--group-id", alerts, "--alerts-topic", alerts, "--from-beginning"])
            .args(["--bootstrap-server", lab.cluster.bootstrap_server(), "--schema-registry-url", &url])
            .args(["--anomaly-detection", "--output-format", "text", "--show", "nothing", "--quiet"])
            .args(["--session-timeout", "6", "--checkpoint-records", "3000"])
            .args(["--window", "2s", "--metrics-topic", &windows(alerts), "--late-topic", &late(alerts)])
            .args(more)
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    /// Waits for its end, which it must be about to come to.
    fn ends(mut self) -> Result<(), String> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.0.try_wait().map_err(|e| e.to_string())? {
                return if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) };
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err("it does not end".to_owned())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn found(lab: &Lab, alerts: &str) -> millrace_core::Result<Alerts> {
    let mut all = Alerts::new();
    for (kind, topic) in [("alerts", alerts.to_owned()), ("windows", windows(alerts))] {
        for record in topic::records(&lab.kafka(), &topic)? {
            all.entry(format!("{kind} of {}", record.key)).or_default().push(record.value);
        }
    }
    Ok(all)
}

/// The alerts of a run in which members are killed at random moments, and those of one that nothing disturbs.
fn both(lab: &Lab, guarantee: &str) -> Result<(Alerts, Alerts), Box<dyn std::error::Error>> {
    let (records, kills) = (number("MILLRACE_KILL_RECORDS", 60_000), number("MILLRACE_KILLS", 5));
    let input = lab.topic("kills");
    let (disturbed, undisturbed) = (lab.topic("killed-alerts"), lab.topic("calm-alerts"));
    let seconds = records / RATE;
    let rate = (RATE / MACHINES).to_string();
    let (machines, duration) = (MACHINES.to_string(), seconds.to_string());
    let flags = ["--machines", &machines, "--seed", "7", "--rate", &rate, "--duration", &duration];
    let run = lab.into_topic(
        &input,
        &[&flags[..], &["--start", "2026-01-01T00:00:00Z", "--partitions", "4"]].concat(),
    );
    let often = ["--commit-interval", "0.2"];
    let often = if guarantee == "at-most-once" { &[][..] } else { &often[..] };
    let member = |name: &str, alerts: &str, more: &[&str]| {
        let said = ["--guarantee", guarantee, "--group-instance-id", name];
        Member::start(lab, &input, alerts, &[&said[..], often, more].concat())
    };
    std::thread::scope(|scope| {
        let producing = scope.spawn(|| produce(&run));
        let mut members = [member("one", &disturbed, &[])?, member("two", &disturbed, &[])?];
        for kill in 0..kills {
            // Uneven times, the same in every run.
            let pause = seconds * 1000 * (50 + (kill * 61 + 17) % 100) / 100 / kills.max(1);
            std::thread::sleep(Duration::from_millis(pause));
            let (place, name) = if kill * 7 % 3 == 0 { (0, "one") } else { (1, "two") };
            members[place].0.kill()?;
            members[place].0.wait()?;
            members[place] = member(name, &disturbed, &[])?;
        }
        producing.join().expect("it does not panic")?;
        drop(members);
        // Each takes up what is its own for as long as the group remembers it.
        let last = ["one", "two"].map(|name| member(name, &disturbed, &["--until", "end"]));
        last.into_iter().try_for_each(|member| Ok::<_, Box<dyn std::error::Error>>(member?.ends()?))?;
        member("one", &undisturbed, &["--until", "end"])?.ends()?;
        let (killed, calm) = (found(lab, &disturbed)?, found(lab, &undisturbed)?);
        let count = |alerts: &Alerts| alerts.values().map(Vec::len).sum::<usize>();
        let sent = topic::records(&lab.kafka(), &input)?.len();
        eprintln!(
            "{guarantee}: {sent} records, {kills} kills, {} of {} alerts",
            count(&killed),
            count(&calm)
        );
        assert!(count(&calm) > 100, "there is something to compare");
        Ok((killed, calm))
    })
}

fn exactly_once(lab: &Lab) -> Verdict {
    let (killed, calm) = both(lab, "exactly-once").map_err(|e| e.to_string())?;
    assert!(killed == calm, "{}", difference(&killed, &calm));
    passed()
}

fn at_least_once(lab: &Lab) -> Verdict {
    let (killed, calm) = both(lab, "at-least-once").map_err(|e| e.to_string())?;
    assert_eq!(killed.keys().collect::<Vec<_>>(), calm.keys().collect::<Vec<_>>());
    for (machine, alerts) in &calm {
        let (expected, all): (BTreeSet<_>, BTreeSet<_>) =
            (alerts.iter().collect(), killed[machine].iter().collect());
        assert!(all == expected, "of {machine}: {}", difference(&killed, &calm));
        let mut seen = BTreeSet::new();
        let firsts = killed[machine].iter().filter(|alert| seen.insert(*alert));
        assert!(firsts.eq(alerts), "{machine}: the first time they came in their order");
    }
    passed()
}

fn at_most_once(lab: &Lab) -> Verdict {
    let (killed, calm) = both(lab, "at-most-once").map_err(|e| e.to_string())?;
    for (machine, alerts) in &killed {
        let mut rest = calm[machine].iter();
        assert!(
            alerts.iter().all(|alert| rest.any(|other| other == alert)),
            "{machine}: some of them, in their order"
        );
    }
    passed()
}

fn difference(killed: &Alerts, calm: &Alerts) -> String {
    let machines = calm.keys().filter(|machine| killed.get(*machine) != calm.get(*machine));
    let counts = machines.map(|machine| {
        let count = |alerts: &Alerts| alerts.get(machine).map_or(0, Vec::len);
        format!("{machine}: {} instead of {}", count(killed), count(calm))
    });
    counts.collect::<Vec<_>>().join(", ")
}
