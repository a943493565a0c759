use std::collections::BTreeMap;

use millrace_core::{Error, Result};
use millrace_schemas::subject::CONTROL_REPLY;
use millrace_schemas::{ControlReply, ControlStatus};
use rdkafka::message::Message;

use super::record::RunRecord;
use super::records;
use crate::control::{Command, KEYBOARD, Wish, producer};
use crate::settings::{KafkaOutput, Settings, Share};
use crate::simulate::{Act, Cause};
use crate::timeline::Timeline;

/// What accepted commands ask of the plant again, by the tick at which they took effect.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replay(BTreeMap<u64, Effect>);

/// What took effect at one tick.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effect {
    /// What was done to machines, by id.
    pub acts: Vec<(String, Act)>,
    /// The rate from this tick on.
    pub rate: Option<f64>,
}

impl Replay {
    /// What was accepted in the run so far; in transactions, what is committed.
    ///
    /// # Errors
    /// When the answers cannot be read.
    pub(super) fn of(run: &RunRecord, settings: &Settings, output: &KafkaOutput) -> Result<Self> {
        let mut replay = Self::default();
        let Some(replies) = &run.replies else { return Ok(replay) };
        let committed = output.recovery.exactly_once.is_some();
        let Some(span) = replies.since(&output.kafka, committed)? else { return Ok(replay) };
        let mut records = records(output)?;
        span.each(&output.kafka, |record| {
            // What is no reply of ours has asked nothing of this run.
            if let Ok(reply) = records.read::<ControlReply>(CONTROL_REPLY, record.payload())? {
                replay.add(reply, settings)?;
            }
            Ok(())
        })?;
        Ok(replay)
    }

    fn add(&mut self, reply: ControlReply, settings: &Settings) -> Result<()> {
        let is_ours = reply.status == ControlStatus::Accepted
            && reply.seed == Some(settings.seed.to_string())
            && reply.start == Some(settings.clock.start)
            && is_obeyed(&reply, settings);
        let (Some(said), Some(at), Some(tick)) = (reply.command, reply.timestamp, reply.sequence) else {
            return Ok(());
        };
        if !is_ours {
            return Ok(());
        }
        let id = said.id.clone();
        let command = Command::check(said).map_err(|why| {
            Error::failed(format!(
                "the command {id} was accepted before and cannot be carried out again: {why}"
            ))
        })?;
        let effect = self.0.entry(tick.cast_unsigned()).or_default();
        match command.wish {
            Wish::Act(deed) => {
                let act = Act { at, deed, cause: Cause::Command };
                match command.said.machine_id {
                    Some(machine) => effect.acts.push((machine, act)),
                    None => effect.acts.extend(settings.machines.iter().map(|id| (id.clone(), act))),
                }
            }
            Wish::Rate(rate) => effect.rate = Some(rate),
            // These leave no trace in the records.
            Wish::Speed(_) | Wish::Pause | Wish::Resume | Wish::Stop | Wish::States => {}
        }
        Ok(())
    }

    /// Takes out what takes effect at a tick.
    pub fn take(&mut self, tick: u64) -> Effect {
        self.0.remove(&tick).unwrap_or_default()
    }

    /// How many ticks there are from `tick` to the next effect behind it.
    pub fn until_next(&self, tick: u64) -> u64 {
        self.0.range(tick + 1..).next().map_or(u64::MAX, |(next, _)| next - tick)
    }

    /// The timeline of a run up to a tick, with its changes of rate.
    pub(crate) fn timeline(&self, settings: &Settings, tick: u64) -> Timeline {
        let mut timeline = Timeline::new(settings);
        for (tick, effect) in self.0.range(..tick) {
            if let Some(rate) = effect.rate {
                timeline.set_rate(*tick, rate);
            }
        }
        timeline
    }

    /// The event time of each of its ticks.
    pub(super) fn times(&self, settings: &Settings) -> Times {
        let mut timeline = Timeline::new(settings);
        let mut times = BTreeMap::from([(0, timeline.clone())]);
        for (tick, effect) in &self.0 {
            if let Some(rate) = effect.rate {
                timeline.set_rate(*tick, rate);
                times.insert(*tick, timeline.clone());
            }
        }
        Times(times)
    }
}

/// The event times of a run whose rate changed, by the tick from which each timeline holds.
pub(super) struct Times(BTreeMap<u64, Timeline>);

impl Times {
    /// The event time of a tick.
    pub fn of(&self, tick: u64) -> i64 {
        self.0.range(..=tick).next_back().map_or(i64::MIN, |(_, timeline)| timeline.timestamp(tick))
    }
}

/// Whether this producer did what was answered: it answered itself, or the first share answered for the fleet.
fn is_obeyed(reply: &ControlReply, settings: &Settings) -> bool {
    let by = |share| reply.producer == producer(settings, share);
    let first = Share { number: 1, ..settings.share };
    let for_all = reply.command.as_ref().is_some_and(|said| said.machine_id.is_none());
    by(settings.share) || (for_all && by(first) && !reply.command_id.starts_with(KEYBOARD))
}

#[cfg(test)]
mod tests {
    use millrace_schemas::ControlCommand;

    use super::*;
    use crate::settings::read;

    fn settings(flags: &[&str]) -> Settings {
        let ours = ["producer", "--mode", "kafka", "--seed", "7", "--start", "2026-01-01T00:00:00Z"];
        read(ours.iter().chain(flags).map(Into::into)).expect("fine").expect("a run")
    }

    fn reply(settings: &Settings, share: usize, tick: i64, said: ControlCommand) -> ControlReply {
        ControlReply {
            command_id: said.id.clone(),
            status: ControlStatus::Accepted,
            timestamp: Some(settings.clock.start + tick * 1000),
            sequence: Some(tick),
            producer: producer(settings, Share { number: share, ..settings.share }),
            seed: Some(settings.seed.to_string()),
            start: Some(settings.clock.start),
            command: Some(said),
            ..ControlReply::default()
        }
    }

    fn clear(id: &str, machine: Option<&str>) -> ControlCommand {
        let machine_id = machine.map(ToOwned::to_owned);
        ControlCommand { id: id.into(), action: "clear".into(), machine_id, ..ControlCommand::default() }
    }

    #[test]
    fn effects_come_at_their_tick_and_rates_make_the_timeline() {
        let settings = settings(&["--duration", "100"]);
        let rate = |id: &str, rate| ControlCommand {
            id: id.into(),
            action: "set_rate".into(),
            rate: Some(rate),
            ..ControlCommand::default()
        };
        let mut replay = Replay::default();
        replay.add(reply(&settings, 1, 10, clear("a", Some("MACHINE_002"))), &settings).expect("fine");
        replay.add(reply(&settings, 1, 50, rate("b", 2.0)), &settings).expect("fine");
        replay.add(reply(&settings, 1, 50, clear("c", None)), &settings).expect("fine");
        assert_eq!([0, 10, 11, 50].map(|tick| replay.until_next(tick)), [10, 40, 39, u64::MAX]);
        let timeline = replay.timeline(&settings, 60);
        assert_eq!((timeline.timestamp(60) - settings.clock.start, timeline.end()), (55_000, 150));
        assert_eq!(replay.timeline(&settings, 50).end(), 100, "not before its tick");
        assert_eq!(replay.take(10).acts.len(), 1);
        let both = replay.take(50);
        assert_eq!((both.acts.len(), both.rate), (5, Some(2.0)));
        assert_eq!(replay, Replay::default());
    }

    #[test]
    fn only_what_this_run_was_told_is_done_again() {
        let settings = settings(&["--machines", "4", "--share", "2/2"]);
        let said = |machine| clear("a", machine);
        let ours = reply(&settings, 2, 1, said(Some("MACHINE_002")));
        let others = [
            ControlReply { status: ControlStatus::Refused, ..ours.clone() },
            ControlReply { seed: Some("8".into()), ..ours.clone() },
            ControlReply { start: Some(0), ..ours.clone() },
            reply(&settings, 1, 1, said(Some("MACHINE_001"))),
            reply(&settings, 1, 1, clear("keyboard-1-1", None)),
        ];
        let mut replay = Replay::default();
        for other in others {
            replay.add(other, &settings).expect("fine");
        }
        assert_eq!(replay, Replay::default());
        replay.add(ours, &settings).expect("fine");
        replay.add(reply(&settings, 1, 2, said(None)), &settings).expect("fine");
        assert_eq!((replay.take(1).acts.len(), replay.take(2).acts.len()), (1, 2), "the fleet's too");
    }
}
