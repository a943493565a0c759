use std::ffi::OsString;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use millrace_consumer::pipeline::Tally;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_detector::stream::Stream;
use millrace_producer::settings::KafkaOutput;

/// How long a companion may take to leave its group.
const LEAVING: Duration = Duration::from_secs(15);

/// A consumer and a detector beside the plant: each a member of a group of its own, as their programs are, with
/// nothing on standard output. What they find is in their topics.
pub(super) struct Companions {
    threads: Vec<(&'static str, JoinHandle<Result<Tally>>)>,
    ending: Shutdown,
}

impl Companions {
    /// Starts them on what the plant writes.
    pub fn start(output: &KafkaOutput, registry_url: &str) -> Result<Self> {
        let ending = Shutdown::new();
        let args = |program: &[&str]| -> Vec<OsString> {
            let place = ["--topic", &output.topic, "--schema-registry-url", registry_url, "--from-beginning"];
            let rest = ["--quiet", "--bootstrap-server", output.kafka.bootstrap_servers()];
            program.iter().chain(&place).chain(&rest).map(OsString::from).collect()
        };
        let silent = ["consumer", "--output-format", "text", "--show", "nothing"];
        let windows = ["--window", "10s", "--metrics-topic", super::findings::WINDOWS];
        let consumer = millrace_consumer::settings::read(args(&[&silent[..], &windows].concat()))?;
        let detector = Stream::read(args(&["detector", "--input", "kafka"]))?;
        let mut threads = Vec::new();
        if let Some(mut run) = consumer {
            run.settings.kafka = output.kafka.clone();
            let ending = ending.clone();
            threads.push(beside("consumer", move || millrace_consumer::run::run(&run, &ending))?);
        }
        if let Some(stream) = detector {
            let (stream, ending) = (stream.silent().on(output.kafka.clone()), ending.clone());
            threads.push(beside("detector", move || stream.run(&ending))?);
        }
        Ok(Self { threads, ending })
    }

    /// What one of them ended with, where it should not have ended.
    pub fn failure(&mut self) -> Option<String> {
        let ended = self.threads.iter().position(|(_, thread)| thread.is_finished())?;
        let (name, thread) = self.threads.swap_remove(ended);
        Some(match thread.join() {
            Ok(Ok(_)) => format!("the {name} ended"),
            Ok(Err(error)) => format!("the {name} ended: {error}"),
            Err(_) => format!("the {name} ended unexpectedly; please report it with the message above"),
        })
    }

    /// Ends them, and waits until they have left their groups, but not for a cluster that is away.
    pub fn end(self) -> Result<()> {
        self.ending.request();
        let until = Instant::now() + LEAVING;
        for (name, thread) in self.threads {
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(20));
            }
            if !thread.is_finished() {
                return Err(Error::failed(format!("the {name} does not end: Kafka does not answer it")));
            }
            if let Ok(ended) = thread.join() {
                ended?;
            }
        }
        Ok(())
    }
}

fn beside(
    name: &'static str,
    run: impl FnOnce() -> Result<Tally> + Send + 'static,
) -> Result<(&'static str, JoinHandle<Result<Tally>>)> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(run);
    let thread = thread.map_err(|e| Error::failed(format!("the {name} cannot be started: {e}")))?;
    Ok((name, thread))
}
