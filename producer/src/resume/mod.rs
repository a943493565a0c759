//! How a run is found again after its process has gone: what it was is kept in the topic `producer-runs`,
//! how far it came is read from there (transactions) or from the end of its own topic.

mod keeper;
mod mark;
mod options;
mod position;
mod record;
mod replay;
mod runs;
mod seen;
mod tail;

use std::rc::Rc;

use millrace_core::kafka::Topic;
use millrace_core::registry::Registry;
use millrace_core::{Error, Result};

pub use keeper::Keeper;
pub use mark::Mark;
pub(crate) use options::of_plant as options_of_plant;
pub use position::Position;
pub use record::{Progress, RunRecord, State};
pub use replay::{Effect, Replay};
pub use runs::{RUNS_TOPIC, last_note};

use crate::control::Records;
use crate::report;
use crate::settings::{KafkaOutput, Recovery, Settings, TruthOutput};
use crate::sink::Client;
use record::beginning_at;
use tail::settled;

/// Where and how a run begins.
pub struct Start {
    /// With the seed and the start that the run has had from its first tick.
    pub settings: Settings,
    /// Which record of each machine comes next.
    pub position: Position,
    /// What commands did before.
    pub replay: Replay,
    /// Keeps its progress.
    pub keeper: Option<Keeper>,
}

impl Start {
    /// A run that begins with its first tick and is not kept.
    pub fn fresh(settings: &Settings) -> Self {
        let settings = settings.clone();
        Self { settings, position: Position::default(), replay: Replay::default(), keeper: None }
    }
}

/// Whether runs are kept in `producer-runs`, whose topic is then there.
///
/// # Errors
/// When they cannot be, and `output` depends on it.
pub fn is_kept(output: &KafkaOutput) -> Result<bool> {
    let KafkaOutput { kafka, recovery, .. } = output;
    let flag = match recovery {
        Recovery { exactly_once: Some(_), .. } => Some("--exactly-once"),
        Recovery { resume: true, .. } => Some("--resume"),
        _ => None,
    };
    let is_demo = kafka.is_demo()?;
    if let Some(flag) = flag.filter(|_| is_demo) {
        return Err(Error::failed(format!(
            "the demo broker at {} has neither transactions nor a memory of runs: leave {flag} out, or take a \
             real Kafka",
            kafka.bootstrap_servers()
        )));
    }
    if is_demo {
        return Ok(false);
    }
    match kafka.ensure_compacted_topic(RUNS_TOPIC, 1) {
        Err(error) if flag.is_none() => {
            eprintln!("producer: this run cannot be resumed: {error}");
            Ok(false)
        }
        made => made.map(|()| true),
    }
}

/// Finds out where a run begins, and notes in `producer-runs` that it does; `None` when it is complete, which
/// the user is told. `topic` is where its readings lie.
///
/// # Errors
/// When the run went on with another option before, a topic cannot be read, or the cluster has no
/// transactions for us.
pub fn begin(
    settings: &Settings,
    output: &KafkaOutput,
    topic: &Topic,
    client: &Rc<Client>,
) -> Result<Option<Start>> {
    // Ends what was left open, so that what is committed is known.
    client.take_over()?;
    let found = match output.recovery.resume && !topic.is_new {
        true => runs::find(&output.kafka, &output.recovery.run_id, client.in_transactions())?,
        false => None,
    };
    let (run, start) = match found {
        None => {
            let settings = &fresh(settings, output)?;
            let ends = settled(&output.kafka, &topic.name, topic.partitions, false)?.ends();
            let mark = |topic: String| Mark::now(&output.kafka, &topic);
            let replies = output.control.as_ref().map(|control| mark(control.replies())).transpose()?;
            let truth = truth_topic(settings).map(|topic| mark(topic.to_owned())).transpose()?;
            let run = RunRecord { replies, truth, ..RunRecord::new(settings, output, ends) };
            (run, Start::fresh(settings))
        }
        Some(mut before) => {
            let settings = before.settings(settings, output)?;
            before.claim(client)?;
            let replay = Replay::of(&before, &settings, output)?;
            match before.position(&settings, &replay, output, topic)? {
                None => {
                    report::complete(&settings, &before.completion());
                    return Ok(None);
                }
                Some(position) => (before, Start { settings, position, replay, keeper: None }),
            }
        }
    };
    let keeper = Keeper::begin(Rc::clone(client), run.at(&start))?;
    Ok(Some(Start { keeper: Some(keeper), ..start }))
}

/// The settings of a run that begins, although it was said how to go on with it.
fn fresh(said: &Settings, output: &KafkaOutput) -> Result<Settings> {
    let recovery = &output.recovery;
    if let Some(problem) = said.share.lacks(recovery.seed_is_said, recovery.start_is_said) {
        let run = &recovery.run_id;
        return Err(Error::failed(format!(
            "there is no run {run} to go on with, and to begin it, --share {problem}"
        )));
    }
    match recovery.start_is_said {
        true => Ok(said.clone()),
        false => beginning_at(said.clock.start, said.clone(), recovery),
    }
}

impl RunRecord {
    /// Where the run goes on; `None` where it is complete. One that was killed behind its last reading has still
    /// to tell what goes on at its end, and that it is complete.
    fn position(
        &self,
        settings: &Settings,
        replay: &Replay,
        output: &KafkaOutput,
        topic: &Topic,
    ) -> Result<Option<Position>> {
        let is_over = |ticks| replay.timeline(settings, ticks).end() <= ticks;
        let was_over = self.state == State::Complete && settings.ticks.is_none();
        if was_over || (self.state == State::Complete && is_over(self.progress.ticks)) {
            return Ok(None);
        }
        let position = match output.recovery.exactly_once {
            Some(_) => {
                self.refuse_made_anew(&settled(&output.kafka, &topic.name, topic.partitions, false)?.ends())?;
                Position::all_at(self.progress.ticks)
            }
            None => seen::of_topics(self, topic, settings, replay, output)?,
        };
        let was_killed = self.state == State::Running;
        Ok(Some(position).filter(|position| was_killed || !is_over(position.ticks())))
    }
}

/// The topic that the truth about a run's readings goes to.
fn truth_topic(settings: &Settings) -> Option<&str> {
    match &settings.truth {
        Some(TruthOutput::Topic(truth)) => Some(&truth.topic),
        Some(TruthOutput::Files(_)) | None => None,
    }
}

/// Reads what runs with this output have written, Avro or JSON.
fn records(output: &KafkaOutput) -> Result<Records> {
    let registry = output.schema_registry.as_ref().map(Registry::client).transpose()?;
    Ok(Records::new(registry))
}
