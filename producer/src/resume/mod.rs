//! How a run is found again after its process has gone: what it was is kept in the topic `producer-runs`,
//! how far it came is read from there (transactions) or from the end of its own topic.

mod keeper;
mod options;
mod position;
mod record;
mod runs;
mod tail;

use std::rc::Rc;

use millrace_core::kafka::Topic;
use millrace_core::{Error, Result};

pub use keeper::Keeper;
pub(crate) use options::of_plant as options_of_plant;
pub use position::Position;
pub use record::{Progress, RunRecord, State};
pub use runs::{RUNS_TOPIC, last_note};

use crate::report;
use crate::settings::{KafkaOutput, Recovery, Settings};
use crate::sink::Client;
use tail::Tail;

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
    match kafka.ensure_compacted_topic(RUNS_TOPIC) {
        Err(error) if flag.is_none() => {
            eprintln!("producer: this run cannot be resumed: {error}");
            Ok(false)
        }
        made => made.map(|()| true),
    }
}

/// Finds out where a run begins, and notes in `producer-runs` that it does: the settings with the seed and
/// the start that it has had from its first tick, and its position; `None` when it is complete, which the
/// user is told. `topic` is where its readings lie.
///
/// # Errors
/// When the run went on with another option before, a topic cannot be read, or the cluster has no
/// transactions for us.
pub fn begin(
    settings: &Settings,
    output: &KafkaOutput,
    topic: &Topic,
    client: &Rc<Client>,
) -> Result<Option<(Settings, Position, Keeper)>> {
    // Ends what was left open, so that what is committed is known.
    client.take_over()?;
    let found = match output.recovery.resume && !topic.is_new {
        true => runs::find(&output.kafka, &output.recovery.run_id, client.in_transactions())?,
        false => None,
    };
    let (settings, run, position) = match found {
        None => {
            let ends = Tail::of(&output.kafka, &topic.name, topic.partitions, false)?.ends();
            (settings.clone(), RunRecord::new(settings, output, ends), Position::default())
        }
        Some(before) => {
            let settings = before.settings(settings, output)?;
            match before.position(&settings, output, topic)? {
                None => {
                    report::complete(&settings, &before.completion());
                    return Ok(None);
                }
                Some(position) => (settings, before, position),
            }
        }
    };
    let keeper = Keeper::begin(Rc::clone(client), run.at(&position, &settings), &settings)?;
    Ok(Some((settings, position, keeper)))
}

impl RunRecord {
    /// Where the run goes on; `None` where it is complete.
    fn position(&self, settings: &Settings, output: &KafkaOutput, topic: &Topic) -> Result<Option<Position>> {
        let is_over = |ticks| settings.ticks.is_some_and(|end| end <= ticks);
        let was_over = self.state == State::Complete && settings.ticks.is_none();
        if was_over || (self.state == State::Complete && is_over(self.progress.ticks)) {
            return Ok(None);
        }
        let position = match output.recovery.exactly_once {
            Some(_) => Position::all_at(self.progress.ticks),
            None => position::of_topic(topic, &self.offsets, settings, output)?,
        };
        Ok(Some(position).filter(|position| !is_over(position.ticks())))
    }
}
