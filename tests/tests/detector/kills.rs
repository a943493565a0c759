//! Two detectors under SIGKILL give the alerts of an undisturbed one, byte for byte and in their order.
//! `MILLRACE_KILL_RECORDS` and `MILLRACE_KILLS` make the run longer.

use std::collections::BTreeMap;
use std::time::Duration;

use millrace_tests::{Child, KafkaTest, Lab, Verdict, detect, number, passed, produce, topic};

use crate::failures::all;

/// Records a second that the producer sends while detectors are killed.
const RATE: u64 = 6_000;
const MACHINES: u64 = 20;

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("kills::exactly_once_gives_the_alerts_of_an_undisturbed_run", exactly_once)
            .needs("groups that outlive their members"),
    ]
}

/// The alerts of each machine in their order, as bytes.
fn found(lab: &Lab, topic: &str) -> millrace_core::Result<BTreeMap<String, Vec<Vec<u8>>>> {
    let mut all: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for record in topic::records(&lab.kafka(), topic)? {
        all.entry(record.key).or_default().push(record.value);
    }
    Ok(all)
}

fn exactly_once(lab: &Lab) -> Verdict {
    let (records, kills) = (number("MILLRACE_KILL_RECORDS", 72_000), number("MILLRACE_KILLS", 5));
    let (input, killed, calm) = (lab.topic("kills"), lab.topic("killed-alerts"), lab.topic("calm-alerts"));
    let (machines, speed) = (MACHINES.to_string(), (60 * RATE / MACHINES).to_string());
    let duration = (60 * records / MACHINES).to_string();
    let run = ["--machines", &machines, "--seed", "7", "--rate", "0.0166667", "--speed", &speed];
    let more = ["--duration", &duration, "--start", "2026-01-01T00:00:00Z", "--partitions", "4"];
    let failing = ["--anomaly-rate", "0.05", "--repair-after", "1h"];
    let run = lab.into_topic(&input, &[&run[..], &more, &failing].concat());
    let judged = ["--algorithm", "all", "--guarantee", "exactly-once", "--commit-interval", "0.2"];
    let kept = ["--checkpoint-records", "3000", "--session-timeout", "6"];
    let flags = |name: &str, alerts: &str| {
        let own = ["--group-instance-id", name];
        all(lab, &input, alerts, &[&judged[..], &kept, &own].concat())
    };
    let member = |name: &str| {
        let endless: Vec<String> = flags(name, &killed).into_iter().filter(|flag| flag != "end").collect();
        let endless: Vec<String> = endless.into_iter().filter(|flag| flag != "--until").collect();
        Child::detector(
            &[&["--input".to_owned(), "kafka".to_owned(), "--quiet".to_owned()][..], &endless].concat(),
        )
    };
    let seconds = records / RATE;
    std::thread::scope(|scope| -> Result<(), Box<dyn std::error::Error>> {
        let producing = scope.spawn(|| produce(&run));
        let names = ["one", "two"];
        let mut members = vec![member(names[0])?, member(names[1])?];
        for kill in 0..kills {
            // Uneven times, the same in every run.
            let pause = seconds * 1000 * (50 + (kill * 61 + 17) % 100) / 100 / kills.max(1);
            std::thread::sleep(Duration::from_millis(pause));
            let place = usize::from(kill * 7 % 3 != 0);
            members.remove(place).kill()?;
            members.insert(place, member(names[place])?);
        }
        producing.join().expect("it does not panic")?;
        members.into_iter().try_for_each(|member| member.kill().map(drop))?;
        Ok(())
    })?;
    // Each takes up what is its own for as long as the group remembers it.
    let last: Vec<_> = ["one", "two"].map(|name| flags(name, &killed)).into();
    std::thread::scope(|scope| {
        let ends: Vec<_> = last.iter().map(|flags| scope.spawn(|| detect(flags))).collect();
        ends.into_iter().try_for_each(|end| end.join().expect("it does not panic").map(drop))
    })?;
    detect(&flags("one", &calm))?;
    let (killed, calm) = (found(lab, &killed)?, found(lab, &calm)?);
    let count = |alerts: &BTreeMap<String, Vec<Vec<u8>>>| alerts.values().map(Vec::len).sum::<usize>();
    eprintln!("{records} records, {kills} kills, {} of {} alerts", count(&killed), count(&calm));
    assert!(count(&calm) > 100, "there is something to compare");
    for (machine, alerts) in &calm {
        let own = killed.get(machine).map_or(&[][..], Vec::as_slice);
        assert!(own == alerts.as_slice(), "{machine}: {} alerts instead of {}", own.len(), alerts.len());
    }
    assert_eq!(killed.len(), calm.len());
    passed()
}
