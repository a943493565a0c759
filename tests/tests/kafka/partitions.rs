//! Java's own murmur2 puts every key where we put it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use millrace_core::kafka::partition_of;
use millrace_tests::{KafkaTest, Lab, Verdict, passed, skipped};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/java/Murmur.java");

pub fn tests() -> Vec<KafkaTest> {
    vec![KafkaTest::shared("partitions::javas_murmur2_gives_a_thousand_keys_the_same_partitions", agrees)]
}

fn agrees(lab: &Lab) -> Verdict {
    let keys: Vec<String> = (0..1000).map(key).collect();
    for partitions in [3, 4, 1009, i32::MAX] {
        let Some(mut java) = lab.cluster.tool(SOURCE) else {
            return skipped("Kafka's Java classes are not on this machine", "MILLRACE_REQUIRE_JDK");
        };
        let output = ask(java.arg(partitions.to_string()), &keys.join("\n"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("jdk.compiler") {
            return skipped("this Java is no JDK and runs no source files", "MILLRACE_REQUIRE_JDK");
        }
        assert!(output.status.success(), "{said}");
        let theirs: Vec<i32> =
            String::from_utf8(output.stdout)?.lines().map(str::parse).collect::<Result<_, _>>()?;
        let ours: Vec<i32> = keys.iter().map(|key| partition_of(key.as_bytes(), partitions)).collect();
        assert!(ours == theirs, "of {partitions} partitions: {:?}", first_difference(&keys, &ours, &theirs));
    }
    passed()
}

/// Machine ids, and texts of every length from 0 to 99 with bytes beyond ASCII.
fn key(number: usize) -> String {
    match number {
        0..900 => format!("MACHINE_{number:03}"),
        _ => "a\u{e4}\u{20ac}\u{1f600}z9".chars().cycle().take(number - 900).collect(),
    }
}

fn first_difference<'a>(keys: &'a [String], ours: &[i32], theirs: &[i32]) -> Option<(&'a str, i32, i32)> {
    let pairs = ours.iter().copied().zip(theirs.iter().copied());
    let found = keys.iter().zip(pairs).find(|(_, (ours, theirs))| ours != theirs);
    found.map(|(key, (ours, theirs))| (key.as_str(), ours, theirs))
}

fn ask(command: &mut Command, input: &str) -> std::io::Result<Output> {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn()?;
    // A program that ends early says why on its standard error, which is shown.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(format!("{input}\n").as_bytes()));
    child.wait_with_output()
}
