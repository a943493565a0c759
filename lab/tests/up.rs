//! `lab up` on each kind of cluster: what it shows, and that nothing outlives it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use millrace_lab::cluster::Choice;
use millrace_tests::{KafkaTest, Verdict, passed};

const DEADLINE: Duration = Duration::from_secs(60);

fn main() {
    millrace_tests::main(|| {
        vec![
            KafkaTest::own(
                "a_run_shows_its_cluster_and_records_and_leaves_nothing",
                shows_and_leaves_nothing,
            ),
            KafkaTest::own("nothing_remains_after_the_run_is_killed", nothing_remains_after_a_kill)
                .needs("process of its own"),
            KafkaTest::own("with_neither_docker_nor_java_the_demo_broker_is_taken", the_demo_needs_nothing),
            KafkaTest::own("wrong_producer_flags_are_refused_before_anything_is_started", wrong_flags),
        ]
    })
}

/// `lab up` whose temporary files lie in a folder of its own.
fn up(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(["up", "--port", "0", "--registry-port", "0"]);
    if let (false, Ok(choice)) = (args.contains(&"--cluster"), millrace_tests::choice()) {
        command.args(["--cluster", &choice.to_string()]);
    }
    command.args(args);
    command.env("TMPDIR", folder).env_remove("KAFKA_BROKERS").stdin(Stdio::null());
    command
}

fn left_behind(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("an entry").path()).collect()
}

/// A run that is killed at the latest when the test ends.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many brokers a run of `lab up` has: processes with its folder in their command line, or containers
/// that carry its process id.
fn brokers(folder: &Path, run: u32) -> usize {
    let containers = Command::new("docker")
        .args(["ps", "--all", "--quiet", "--filter", &format!("label=millrace.held-by={run}")])
        .output()
        .map_or(0, |output| String::from_utf8_lossy(&output.stdout).lines().count());
    containers + processes(&folder.to_string_lossy())
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
    let child =
        up(folder.path(), &["--duration", "4"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let run = child.id();
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let took = match millrace_tests::choice()? {
        Choice::Docker => " in Docker",
        Choice::Java => " run by Java",
        _ => "DEMO BROKER",
    };
    for shown in [took, "http://127.0.0.1:", "MACHINE_001", "p2 ", "failed 0"] {
        assert!(text.contains(shown), "{shown} is missing in {text}");
    }
    assert_eq!(left_behind(folder.path()), Vec::<PathBuf>::new());
    assert_eq!(brokers(folder.path(), run), 0);
    passed()
}

fn nothing_remains_after_a_kill() -> Verdict {
    let folder = tempfile::tempdir().expect("a folder");
    let mut run = Run(up(folder.path(), &[]).stdout(Stdio::piped()).spawn()?);
    let id = run.0.id();
    first_record(&mut run.0);
    assert!(brokers(folder.path(), id) > 0, "the broker is not seen");
    drop(run);
    wait_until("the end of the broker", || brokers(folder.path(), id) == 0);
    wait_until("the clean-up", || left_behind(folder.path()).is_empty());
    passed()
}

/// As on a machine that has neither an engine nor Java nor Maven.
fn the_demo_needs_nothing() -> Verdict {
    let folder = tempfile::tempdir()?;
    let mut command = up(folder.path(), &["--duration", "3", "--cluster", "auto"]);
    command.env("PATH", folder.path()).env_remove("JAVA_HOME").env_remove("KAFKA_HOME");
    command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for shown in
        ["DEMO BROKER", "not docker: no Docker engine answers", "not java: Java 17", "MACHINE_00", "failed 0"]
    {
        assert!(text.contains(shown), "{shown} is missing in {text}");
    }
    passed()
}

fn wrong_flags() -> Verdict {
    let folder = tempfile::tempdir().expect("a folder");
    let output = up(folder.path(), &["--", "--rate", "0"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(error, "lab: --rate: 0 is out of range: it must be from 0.000001 to 1000 samples a second\n");
    assert!(output.stdout.is_empty());
    passed()
}
