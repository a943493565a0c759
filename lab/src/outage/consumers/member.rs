use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use millrace_core::kafka::Kafka;
use millrace_core::{Error, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use super::Guarantee;
use crate::written;

/// How long one question about the group waits.
const CALL: Duration = Duration::from_millis(500);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// A consumer in a process of its own, and what its group has committed.
pub(super) struct Member {
    pub guarantee: Guarantee,
    pub group: String,
    topic: String,
    partitions: i32,
    process: Child,
    kafka: Kafka,
    observer: BaseConsumer,
}

/// How a member ended.
pub(super) struct End {
    pub status: ExitStatus,
    /// The most memory that it took, in bytes, where the system tells.
    pub peak: Option<u64>,
}

impl Member {
    /// Starts it, in a group of its own.
    pub fn start(
        kafka: &Kafka,
        registry_url: &str,
        (topic, partitions): (&str, i32),
        guarantee: Guarantee,
    ) -> Result<Self> {
        let group = format!("{topic}-{guarantee}");
        let mut command = written::consumer(topic, &group, guarantee.name())?;
        command.args(["--commit-interval", "0.2"]);
        let process = at(&mut command, kafka, registry_url)
            .spawn()
            .map_err(|e| Error::failed(format!("the consumer cannot be run: {e}")))?;
        let observer = kafka.observer(&group)?;
        Ok(Self {
            guarantee,
            group,
            topic: topic.to_owned(),
            partitions,
            process,
            kafka: kafka.clone(),
            observer,
        })
    }

    /// Asks by a new client, which has no outage behind it.
    pub fn look_anew(&mut self) -> Result<()> {
        self.observer = self.kafka.observer(&self.group)?;
        Ok(())
    }

    /// How many records its group has committed; `None` where the broker does not say so soon.
    pub fn committed(&self) -> Option<i64> {
        let mut list = TopicPartitionList::new();
        list.add_partition_range(&self.topic, 0, self.partitions - 1);
        let found = self.observer.committed_offsets(list, CALL).ok()?;
        let offset = |offset| if let Offset::Offset(offset) = offset { offset } else { 0 };
        Some(found.elements().iter().map(|element| offset(element.offset())).sum())
    }

    /// Refuses to go on when it has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                Err(Error::failed(format!("the consumer with {} ended by itself: {status}", self.guarantee)))
            }
            Err(error) => Err(Error::failed(format!("the consumer cannot be watched: {error}"))),
        }
    }

    /// Ends it as Ctrl-C does.
    pub fn end(mut self, within: Duration) -> Result<End> {
        let peak = peak(self.process.id());
        let refuse = |why: String| Error::failed(format!("the consumer cannot be ended: {why}"));
        let pid = Pid::from_raw(self.process.id().cast_signed());
        kill(pid, Signal::SIGINT).map_err(|e| refuse(e.to_string()))?;
        let began = Instant::now();
        while began.elapsed() < within {
            if let Some(status) = self.process.try_wait().map_err(|e| refuse(e.to_string()))? {
                return Ok(End { status, peak });
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
        Err(refuse(format!("it goes on {} s after it was told to end", within.as_secs())))
    }
}

/// Nothing outlives a drill that fails.
impl Drop for Member {
    fn drop(&mut self) {
        // Where it has ended, there is nothing to kill and nothing to wait for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The command, on this cluster, with nothing on standard output.
pub(super) fn at<'a>(command: &'a mut Command, kafka: &Kafka, registry_url: &str) -> &'a mut Command {
    command
        .args(["--bootstrap-server", kafka.bootstrap_servers(), "--schema-registry-url", registry_url])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
}

/// The most memory that a process took so far.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}
