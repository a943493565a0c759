//! The detector as a member of a consumer group: it is a [`Processor`](millrace_consumer::pipeline::Processor) in
//! the consumer's pipeline, so guarantees, dead letters, state and group events are the same.

mod collect;
mod processor;
mod settings;

use std::ffi::OsString;

use millrace_consumer::pipeline::Tally;
use millrace_consumer::run::{process, to_end};
use millrace_core::kafka::Kafka;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

use crate::settings::WatchArgs;
use processor::Watching;
use settings::StreamSettings;

pub use collect::RunTopics;
pub use settings::StreamArgs;

/// What `--input` says for a topic.
pub(crate) const INPUT: &str = "kafka";

/// A run over a topic that can be carried out.
pub struct Stream(StreamSettings);

impl Stream {
    /// Reads the command line of a run, which begins with the program's name. `None` = help was asked for and
    /// printed.
    ///
    /// # Errors
    /// One sentence about the first thing said wrongly, with exit code 2.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Option<Self>> {
        let Some(cli) = crate::settings::read(args)? else { return Ok(None) };
        if cli.command.is_some() || !is_stream(&cli.watch) {
            return Err(Error::usage("--input kafka is missing"));
        }
        settings::resolve(&cli.watch, &cli.stream).map(|settings| Some(Self(settings)))
    }

    /// The same with nothing on standard output: alerts go to their topic only.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.0.form = None;
        self
    }

    /// The same on a cluster as it is reached from here.
    #[must_use]
    pub fn on(mut self, kafka: Kafka) -> Self {
        self.0.member.kafka = kafka;
        self
    }

    /// The topic of alerts.
    pub fn alerts_topic(&self) -> &str {
        self.0.member.alerts_topic.as_deref().unwrap_or_default()
    }

    /// Judges the topic until the end is asked for or reached.
    ///
    /// # Errors
    /// When the cluster or the registry is out of reach, or something cannot go on.
    pub fn run(&self, shutdown: &Shutdown) -> Result<Tally> {
        process(&self.0.member, None, Watching::new(&self.0), shutdown)
    }
}

pub(crate) fn is_stream(watch: &WatchArgs) -> bool {
    watch.input.as_ref().is_some_and(|input| input.as_os_str() == INPUT)
}

/// Judges a topic until the end is asked for or reached, and leaves the summary to standard error.
pub(crate) fn run(watch: &WatchArgs, stream: &StreamArgs) -> Result<()> {
    let stream = Stream(settings::resolve(watch, stream)?);
    let told = |tally: &Tally| match tally.late {
        0 => String::new(),
        late => format!(", {late} readings left out, since they were late or alone from far ahead"),
    };
    to_end(&stream.0.member, |shutdown| stream.run(shutdown), told)
}
