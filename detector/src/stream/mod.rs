//! The detector as a member of a consumer group: it is a [`Processor`](millrace_consumer::pipeline::Processor) in
//! the consumer's pipeline, so guarantees, dead letters, state and group events are the same.

mod collect;
mod processor;
mod sensors;
mod settings;

use std::ffi::OsString;

use millrace_consumer::pipeline::Tally;
use millrace_consumer::run::{process, to_end};
use millrace_core::kafka::Kafka;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_schemas::Sensor;

use crate::machine::{Judging, is_plant};
use crate::model_file::ModelFile;
use crate::settings::WatchArgs;
use processor::Watching;
use settings::StreamSettings;

pub use collect::RunTopics;
pub use settings::StreamArgs;

/// What `--input` says for a topic.
pub(crate) const INPUT: &str = "kafka";

/// A run over a topic that can be carried out.
pub struct Stream {
    settings: StreamSettings,
    watch: WatchArgs,
    judging: Judging,
}

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
        let settings = settings::resolve(&cli.watch, &cli.stream)?;
        Self::of(cli.watch, settings).map(Some)
    }

    fn of(watch: WatchArgs, settings: StreamSettings) -> Result<Self> {
        Ok(Self { judging: judging(&watch, &settings)?, watch, settings })
    }

    /// The same with nothing on standard output: alerts go to their topic only.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.settings.form = None;
        self
    }

    /// The same on a cluster as it is reached from here.
    #[must_use]
    pub fn on(mut self, kafka: Kafka) -> Self {
        self.settings.member.kafka = kafka;
        self
    }

    /// The topic of alerts.
    pub fn alerts_topic(&self) -> &str {
        self.settings.member.alerts_topic.as_deref().unwrap_or_default()
    }

    /// Judges the topic until the end is asked for or reached.
    ///
    /// # Errors
    /// When the cluster or the registry is out of reach, or something cannot go on.
    pub fn run(&self, shutdown: &Shutdown) -> Result<Tally> {
        let Self { settings: StreamSettings { member, .. }, .. } = self;
        let of_topic = self.of_topic()?;
        let judging = of_topic.as_ref().unwrap_or(&self.judging);
        if member.misdeeds.poison.is_some() && !judging.is_plant() {
            return Err(Error::usage("--poison knows readings of our plant only, and the topic has others"));
        }
        process(member, None, Watching::new(&self.settings, judging), shutdown)
    }

    /// How records are judged that are not of our plant, as the topic shows where nothing was said of them.
    fn of_topic(&self) -> Result<Option<Judging>> {
        let StreamSettings { member, sensors, .. } = &self.settings;
        if sensors.is_some() || self.watch.model.is_some() {
            return Ok(None);
        }
        member.kafka.check()?;
        let found = sensors::of_topic(member)?;
        if found.is_none() && member.verbose {
            let topic = &member.topic;
            eprintln!(
                "topic {topic} has no record that tells its sensors; our plant's are expected, --sensors names others"
            );
        }
        let names = found.unwrap_or_else(|| Sensor::ALL.map(Sensor::name).map(str::to_owned).to_vec());
        let judging = self.watch.judging(&names)?;
        if is_plant(&names) {
            return Ok(Some(judging));
        }
        if member.verbose {
            let methods: Vec<&str> = judging.methods().iter().map(|method| method.name()).collect();
            let (methods, names) = (methods.join(", "), judging.names().join(", "));
            eprintln!(
                "topic {} has other sensors than our plant; judged by {methods}: {names}",
                member.topic
            );
        }
        Ok(Some(judging))
    }
}

/// How the sensors that were said are judged, else those of the model, else our plant's.
fn judging(watch: &WatchArgs, settings: &StreamSettings) -> Result<Judging> {
    let model = watch.model.as_deref().map(ModelFile::load).transpose()?;
    let plant = || Sensor::ALL.map(Sensor::name).map(str::to_owned).to_vec();
    match settings.sensors.clone().or_else(|| model.map(|model| model.sensors)) {
        Some(names) => watch.judging(&names),
        // What suits neither our plant nor others is said wrongly, whatever the topic holds.
        None => watch.judging(&plant()).or_else(|e| watch.judging(&["value".to_owned()]).map_err(|_| e)),
    }
}

pub(crate) fn is_stream(watch: &WatchArgs) -> bool {
    watch.input.as_ref().is_some_and(|input| input.as_os_str() == INPUT)
}

/// Judges a topic until the end is asked for or reached, and leaves the summary to standard error.
pub(crate) fn run(watch: &WatchArgs, stream: &StreamArgs) -> Result<()> {
    let stream = Stream::of(watch.clone(), settings::resolve(watch, stream)?)?;
    let told = |tally: &Tally| match tally.late {
        0 => String::new(),
        late => format!(", {late} readings left out, since they were late or alone from far ahead"),
    };
    to_end(&stream.settings.member, |shutdown| stream.run(shutdown), told)
}
