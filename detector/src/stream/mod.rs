//! The detector as a member of a consumer group: it is a [`Processor`](millrace_consumer::pipeline::Processor) in
//! the consumer's pipeline, so guarantees, dead letters, state and group events are the same.

mod collect;
mod processor;
mod sensors;
mod settings;

use std::ffi::OsString;
use std::time::Duration;

use millrace_consumer::pipeline::Tally;
use millrace_consumer::run::{process, to_end};
use millrace_consumer::settings::{Settings, Start};
use millrace_core::kafka::Kafka;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_schemas::Sensor;

use crate::machine::Judging;
use crate::model_file::ModelFile;
use crate::settings::WatchArgs;
use processor::Watching;
use sensors::Content;
use settings::StreamSettings;

pub use collect::RunTopics;
pub use settings::StreamArgs;
pub(crate) use settings::named;

/// How often an empty topic is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// What `--input` says for a topic.
pub(crate) const INPUT: &str = "kafka";

/// A run over a topic that can be carried out.
pub struct Stream {
    settings: StreamSettings,
    watch: WatchArgs,
    /// By the sensors that were said, or those of the model; by our plant's where neither is there.
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
        let model = watch.model.as_deref().map(ModelFile::load).transpose()?.map(|model| model.sensors);
        let judging = judging(&watch, settings.sensors.as_ref().or(model.as_ref()))?;
        Ok(Self { judging, watch, settings })
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
        let mut member = self.settings.member.clone();
        let judging = self.of_topic(&mut member, shutdown)?;
        if member.misdeeds.poison.is_some() && !judging.is_plant() {
            return Err(Error::usage("--poison knows readings of our plant only, and the topic has others"));
        }
        let watching = Watching::new(&self.settings, &judging);
        let relearn = watching.relearn();
        let tally = process(&member, None, watching, shutdown)?;
        for machine in relearn.borrow().unmet() {
            eprintln!(
                "--relearn: no record of machine {machine} came to this member, so nothing was forgotten of it"
            );
        }
        Ok(tally)
    }

    /// How records are judged, by what the topic holds where it is not said. An empty one is waited for: its first
    /// record tells.
    fn of_topic(&self, member: &mut Settings, shutdown: &Shutdown) -> Result<Judging> {
        member.kafka.check()?;
        let mut found = sensors::of_topic(member)?;
        let is_said = self.settings.sensors.is_some() || self.watch.model.is_some();
        let said = is_said.then(|| self.judging.names());
        if let (Content::Nothing, None, false) = (&found, said, member.until_end) {
            if member.verbose {
                eprintln!(
                    "topic {} has no record yet; its first one tells what there is to judge",
                    member.topic
                );
            }
            while matches!(found, Content::Nothing) && !shutdown.is_requested() {
                std::thread::sleep(BETWEEN_LOOKS);
                found = sensors::of_topic(member)?;
            }
            if member.start == Start::Committed {
                // All of it came after this member was there.
                member.start = Start::Beginning;
            }
        }
        if let (Some(said), Content::Numbers(there)) = (said, &found)
            && let Some(missing) = said.iter().find(|name| !there.contains(name))
        {
            let (what, topic) =
                (if self.settings.sensors.is_some() { "--sensors" } else { "--model" }, &member.topic);
            let there = crate::input::sensors(there.iter()).join(", ");
            return Err(Error::usage(format!(
                "{what}: none of the newest records of topic {topic} has `{missing}`; they have {there}"
            )));
        }
        let plant = Sensor::ALL.map(Sensor::name).map(str::to_owned);
        let names = match found {
            _ if said.is_some() => return Ok(self.judging.clone()),
            Content::Numbers(names) => crate::input::sensors(names.iter()),
            Content::Nothing | Content::NoNumbers => plant.to_vec(),
        };
        let judging = self.watch.judging(&names)?;
        if member.verbose && !judging.is_plant() {
            let methods: Vec<&str> = judging.methods().iter().map(|method| method.name()).collect();
            let (topic, methods, names) = (&member.topic, methods.join(", "), judging.names().join(", "));
            eprintln!("topic {topic} has other sensors than our plant; judged by {methods}: {names}");
        }
        Ok(judging)
    }
}

/// How these sensors are judged. Where none are said, what suits neither our plant nor others is said wrongly,
/// whatever the topic holds.
fn judging(watch: &WatchArgs, said: Option<&Vec<String>>) -> Result<Judging> {
    let plant = Sensor::ALL.map(Sensor::name).map(str::to_owned);
    match said {
        Some(names) => watch.judging(names),
        None => watch.judging(&plant).or_else(|e| watch.judging(&["value".to_owned()]).map_err(|_| e)),
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
