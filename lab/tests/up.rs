//! `lab up` on real Kafka: what it shows, and that nothing outlives it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use millrace_tests::{KafkaTest, Verdict, passed};

const DEADLINE: Duration = Duration::from_secs(60);

fn main() {
    millrace_tests::main(|| {
        vec![
            KafkaTest::own("a_run_shows_kafka_and_records_and_leaves_nothing", shows_and_leaves_nothing),
            KafkaTest::own("nothing_remains_after_the_run_is_killed", nothing_remains_after_a_kill),
            KafkaTest::free("wrong_producer_flags_are_refused_before_anything_is_started", wrong_flags),
        ]
    })
}

/// `lab up` whose temporary files lie in a folder of its own.
fn up(folder: &std::path::Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(["up", "--port", "0", "--registry-port", "0"]).args(args);
    command.env("TMPDIR", folder).env_remove("KAFKA_BROKERS").stdin(Stdio::null());
    command
}

fn left_behind(folder: &std::path::Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("an entry").path()).collect()
}

/// Processes with `text` in their command line.
fn processes(text: &str) -> usize {
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    entries
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(text))
        .count()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < DEADLINE, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn first_record(child: &mut Child) {
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let mut lines = output.lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("MACHINE_0")), "no record was shown");
    // Goes on reading, so that the view never meets a closed pipe.
    std::thread::spawn(move || lines.for_each(drop));
}

fn shows_and_leaves_nothing() -> Verdict {
    let folder = tempfile::tempdir().expect("a folder");
    let output = up(folder.path(), &["--duration", "4"]).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for shown in ["Apache Kafka", "http://127.0.0.1:", "MACHINE_001", "p2 ", "failed 0"] {
        assert!(text.contains(shown), "{shown} is missing in {text}");
    }
    assert_eq!(left_behind(folder.path()), Vec::<PathBuf>::new());
    passed()
}

fn nothing_remains_after_a_kill() -> Verdict {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = up(folder.path(), &[]).stdout(Stdio::piped()).spawn().expect("it starts");
    first_record(&mut child);
    let broker = folder.path().to_string_lossy().into_owned();
    assert!(processes(&broker) > 0, "the broker is not seen");
    child.kill().expect("killed");
    child.wait().expect("ended");
    wait_until("the end of the broker", || processes(&broker) == 0);
    wait_until("the clean-up", || left_behind(folder.path()).is_empty());
    passed()
}

fn wrong_flags() -> Verdict {
    let folder = tempfile::tempdir().expect("a folder");
    let output = up(folder.path(), &["--", "--rate", "0"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        error,
        "lab: --rate: 0 is out of range: it must be above 0 and at most 1000 samples a second\n"
    );
    assert!(output.stdout.is_empty());
    passed()
}
