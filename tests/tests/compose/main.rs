//! The compose file as people use it: the file itself, and its Kafka node brought up from the top folder.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use libtest_mimic::{Completion, Failed};
use millrace_core::kafka::{Kafka, Properties};
use millrace_lab::cluster::Choice;
use millrace_tests::{KafkaTest, Verdict, passed, produce, skipped, topic};

/// How long a container may take to answer.
const PATIENCE: Duration = Duration::from_secs(90);
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
/// The part of the published image that starts a broker on a volume that is formatted already.
const PUBLISHED: &str = "/etc/kafka/docker/launch";
const REQUIRED: &str = "MILLRACE_REQUIRE_COMPOSE";

fn main() {
    millrace_tests::main(|| {
        vec![
            KafkaTest::own("the_file_is_valid_with_all_its_profiles", the_file_is_valid),
            KafkaTest::own("its_kafka_takes_records_and_keeps_them_on_its_volume", kafka_keeps_records),
        ]
    })
}

/// Docker's own compose, or the older program; run in the top folder, where `.env` names the file.
#[derive(Clone, Copy)]
struct Compose(&'static [&'static str]);

impl Compose {
    fn find() -> Result<Self, Result<Completion, Failed>> {
        let known = [Self(&["docker", "compose"]), Self(&["docker-compose"])];
        let works =
            |compose: &Self| compose.command().arg("version").output().is_ok_and(|o| o.status.success());
        known.into_iter().find(works).ok_or_else(|| skipped("there is no docker-compose", REQUIRED))
    }

    fn command(self) -> Command {
        let mut command = Command::new(self.0[0]);
        command.args(&self.0[1..]).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        command
    }
}

fn the_file_is_valid() -> Verdict {
    let compose = match Compose::find() {
        Ok(compose) => compose,
        Err(skip) => return skip,
    };
    let shown =
        said(compose.command().args(["--profile", "plant", "--profile", "three", "config"]).output()?)?;
    for service in ["kafka:", "kafka-1:", "kafka-2:", "kafka-3:", "registry:", "producer:"] {
        assert!(shown.lines().any(|line| line.trim() == service), "{service} is not in {shown}");
    }
    passed()
}

/// A project of its own, removed with its volumes when the value goes.
struct Project {
    compose: Compose,
    name: String,
    port: u16,
}

impl Project {
    fn run(&self, args: &[&str]) -> Result<String, Failed> {
        let mut command = self.compose.command();
        command.args(["--project-name", &self.name]).args(args).env("KAFKA_PORT", self.port.to_string());
        said(command.output()?)
    }

    fn kafka(&self) -> Kafka {
        Kafka::new(format!("127.0.0.1:{}", self.port), Properties::default())
    }

    fn wait_for_kafka(&self) -> Result<(), Failed> {
        let began = Instant::now();
        while let Err(error) = self.kafka().check() {
            if began.elapsed() > PATIENCE {
                return Err(format!("{error}: {}", self.run(&["logs", "kafka"])?).into());
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
        Ok(())
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if let Err(failed) = self.run(&["down", "--volumes"]) {
            eprintln!("project {} remains: {failed:?}", self.name);
        }
    }
}

fn kafka_keeps_records() -> Verdict {
    let compose = match Compose::find() {
        Ok(compose) => compose,
        Err(skip) => return skip,
    };
    // The image may have to be pulled, which only an engine can.
    if millrace_lab::cluster::resolve(Choice::Docker).is_err() {
        return skipped("there is no Docker engine with the image of Kafka", REQUIRED);
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let project = Project { compose, name: format!("millrace-test-{}", std::process::id()), port };
    project.run(&["up", "--detach", "kafka"])?;
    project.wait_for_kafka()?;
    let address = format!("127.0.0.1:{port}");
    let flags = ["--mode", "kafka", "--format", "json", "--bootstrap-server", &address, "--topic", "kept"];
    produce(&flags.into_iter().chain(["--duration", "20", "--speed", "max"]).collect::<Vec<_>>())?;
    let look = "grep -c ' /var/lib/kafka/data ' /proc/mounts; ls /var/lib/kafka/data";
    let lies = project.run(&["exec", "-T", "kafka", "sh", "-c", look])?;
    assert!(lies.starts_with('1') && lies.contains("kept-0"), "not on the volume: {lies}");
    if project.run(&["exec", "-T", "kafka", "test", "-e", PUBLISHED]).is_ok() {
        project.run(&["restart", "kafka"])?;
        project.wait_for_kafka()?;
    } else {
        eprintln!("this image is not the published one, whose start copes with a volume that has data");
    }
    assert_eq!(topic::records(&project.kafka(), "kept")?.len(), 100);
    passed()
}

fn said(output: Output) -> Result<String, Failed> {
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}
