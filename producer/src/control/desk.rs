use std::sync::mpsc::Receiver;

use millrace_core::Result;
use millrace_schemas::{ControlCommand, ControlReply, ControlStatus, MachineState};

use super::command::{Command, Wish};
use super::{Origin, Outbox, Request};
use crate::settings::{Output, Settings, Share, Speed, TruthOutput};
use crate::simulate::{Act, Cause, Clock};

/// More states than this fit no record.
const MOST_STATES: usize = 1000;
/// Commands that one order takes, so that a flood of them does not hold up the stream.
const AT_ONCE: usize = 256;

/// Decides about commands, and answers them.
pub(crate) struct Desk<'a> {
    settings: &'a Settings,
    inbox: Receiver<Request>,
    outbox: Outbox,
    is_closed: bool,
    /// Commands of the topic are not heard any more, because they could not be answered.
    is_deaf: bool,
}

/// The tick that is ordered next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moment {
    /// Its event time, in milliseconds.
    pub timestamp: i64,
    /// Its number.
    pub tick: u64,
}

/// What commands ask of the run and its next order.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// What is done to machines, by id.
    pub acts: Vec<(String, Act)>,
    /// The rate from the next tick on.
    pub rate: Option<f64>,
    /// The speed from now on.
    pub speed: Option<Speed>,
    /// Whether stream time is to stand still from now on.
    pub pause: Option<bool>,
    /// The end.
    pub stop: bool,
    /// The answers, due when the order has been carried out.
    pub answers: Vec<Answer>,
}

/// An answer that is ready but for the states of machines.
#[derive(Debug)]
pub(crate) struct Answer {
    pub reply: ControlReply,
    pub from: Origin,
    pub machine_id: Option<String>,
    /// The states that are asked for: of every machine, or of the one above.
    pub wants_states: bool,
}

/// Whose a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// That of every producer's machines.
    Fleet,
    /// A machine of ours.
    Ours,
    /// A machine of another producer.
    Theirs,
    /// A machine that nobody has.
    Nobodys,
}

/// The command that is carried out, or why it is not.
type Decided = std::result::Result<Command, (ControlStatus, String)>;

impl<'a> Desk<'a> {
    /// A desk that hears `inbox` and answers through `outbox`.
    pub fn new(settings: &'a Settings, inbox: Receiver<Request>, outbox: Outbox) -> Self {
        Self { settings, inbox, outbox, is_closed: false, is_deaf: false }
    }

    /// What was said since the last call, decided at the moment at which it takes effect.
    pub fn take(&mut self, at: Moment) -> Asked {
        let mut asked = Asked::default();
        self.is_deaf |= self.outbox.is_refused();
        while asked.answers.len() < AT_ONCE {
            let Ok(request) = self.inbox.try_recv() else { break };
            if self.is_deaf && request.from == Origin::Topic {
                continue;
            }
            self.decide(request, at, &mut asked);
        }
        asked
    }

    /// Answers what the outbox is given from now on.
    ///
    /// # Errors
    /// When an answer cannot be sent.
    pub fn answer(&self, answers: Vec<Answer>, states: &[MachineState]) -> Result<()> {
        for mut answer in answers {
            if answer.wants_states {
                let wanted = |state: &&MachineState| {
                    answer.machine_id.as_ref().is_none_or(|machine| *machine == state.machine_id)
                };
                answer.reply.states = states.iter().filter(wanted).cloned().collect();
            }
            self.outbox.send(&answer)?;
        }
        self.outbox.settle()
    }

    /// Answers whatever still comes in that the run is over.
    ///
    /// # Errors
    /// When an answer cannot be sent.
    pub fn close(&mut self, at: Moment) -> Result<()> {
        self.is_closed = true;
        loop {
            let asked = self.take(at);
            if asked.answers.is_empty() {
                return Ok(());
            }
            self.answer(asked.answers, &[])?;
        }
    }

    /// Says a line to whoever sits before the run.
    pub fn say(&self, line: &str) {
        self.outbox.say(line);
    }

    fn decide(&mut self, request: Request, at: Moment, asked: &mut Asked) {
        let Request { said, from, is_old } = request;
        let reach = self.reach(said.machine_id.as_deref());
        let is_ours = matches!(reach, Reach::Fleet | Reach::Ours);
        let decided = if is_old {
            Err((ControlStatus::Expired, "it is older than the producer's start".to_owned()))
        } else if self.is_closed {
            Err((ControlStatus::Expired, "the producer has come to its end".to_owned()))
        } else if is_ours {
            self.accept(said.clone(), at, asked).map_err(|why| (ControlStatus::Refused, why))
        } else {
            Err((ControlStatus::Refused, self.unknown(&said)))
        };
        let is_answered = match reach {
            Reach::Ours => true,
            Reach::Theirs => false,
            Reach::Fleet | Reach::Nobodys => self.settings.share.is_first() || from == Origin::Keyboard,
        };
        if is_answered {
            asked.answers.push(self.draft(said, from, at, decided));
        }
    }

    fn reach(&self, machine: Option<&str>) -> Reach {
        let Some(machine) = machine else { return Reach::Fleet };
        match self.settings.fleet.iter().position(|id| id == machine) {
            None => Reach::Nobodys,
            Some(place) if self.settings.share.has(place) => Reach::Ours,
            Some(_) => Reach::Theirs,
        }
    }

    fn unknown(&self, said: &ControlCommand) -> String {
        let machine = said.machine_id.as_deref().unwrap_or_default();
        let known = self.settings.fleet.iter().take(MOST_STATES).map(String::as_str);
        match millrace_core::cli::nearest(machine, known) {
            Some(name) => format!("there is no machine `{machine}`; did you mean `{name}`?"),
            None => format!("there is no machine `{machine}`"),
        }
    }

    /// Takes a command on, or says why not.
    fn accept(
        &mut self,
        said: ControlCommand,
        at: Moment,
        asked: &mut Asked,
    ) -> std::result::Result<Command, String> {
        let command = Command::check(said)?;
        match command.wish {
            Wish::Act(deed) => {
                let act = Act { at: at.timestamp, deed, cause: Cause::Command };
                match &command.said.machine_id {
                    Some(machine) => asked.acts.push((machine.clone(), act)),
                    None => asked.acts.extend(self.settings.machines.iter().map(|id| (id.clone(), act))),
                }
            }
            Wish::Rate(rate) => {
                self.check_rate(Clock { start: at.timestamp, rate })?;
                asked.rate = Some(rate);
            }
            Wish::Speed(speed) => asked.speed = Some(speed),
            Wish::Pause => asked.pause = Some(true),
            Wish::Resume => asked.pause = Some(false),
            Wish::Stop => {
                asked.stop = true;
                self.is_closed = true;
            }
            Wish::States => self.check_states(&command)?,
        }
        Ok(command)
    }

    /// A text's times have milliseconds in every row of a run or in none.
    fn check_rate(&self, clock: Clock) -> std::result::Result<(), String> {
        let is_text = match &self.settings.output {
            Output::Kafka(output) => output.schema_registry.is_none(),
            Output::Dataset(_) => false,
            Output::Console { .. } | Output::File { .. } | Output::Api(_) => true,
        };
        let is_text = is_text || matches!(&self.settings.truth, Some(TruthOutput::Files(_)));
        if is_text && self.settings.clock.is_whole_seconds() && !clock.is_whole_seconds() {
            let why = "this run writes its times in whole seconds";
            return Err(format!("rate {} is out of step: {why}; take 1 or a whole part of it", clock.rate));
        }
        Ok(())
    }

    fn check_states(&self, command: &Command) -> std::result::Result<(), String> {
        let count = self.settings.machines.len();
        if command.said.machine_id.is_none() && count > MOST_STATES {
            return Err(format!("the states of {count} machines fit no record; say which machine_id"));
        }
        Ok(())
    }

    fn draft(&self, said: ControlCommand, from: Origin, at: Moment, decided: Decided) -> Answer {
        let machine_id = said.machine_id.clone();
        let wants_states = matches!(&decided, Ok(command) if command.wish == Wish::States);
        let reply = ControlReply {
            command_id: said.id.clone(),
            producer: producer(self.settings, self.settings.share),
            seed: Some(self.settings.seed.to_string()),
            start: Some(self.settings.clock.start),
            ..ControlReply::default()
        };
        let reply = match decided {
            Ok(command) => ControlReply {
                status: ControlStatus::Accepted,
                timestamp: Some(at.timestamp),
                sequence: Some(at.tick.cast_signed()),
                command: Some(command.said),
                ..reply
            },
            Err((status, why)) => ControlReply { status, reason: Some(why), command: Some(said), ..reply },
        };
        Answer { reply, from, machine_id, wants_states }
    }
}

/// Who answers: the output and the share.
pub(crate) fn producer(settings: &Settings, share: Share) -> String {
    let share = format!("{}of{}", share.number, share.of);
    match &settings.output {
        Output::Console { .. } => format!("console {share}"),
        Output::File { path, .. } => format!("{} {share}", path.display()),
        Output::Dataset(dataset) => format!("{} {share}", dataset.path.display()),
        // Its address may hold a secret.
        Output::Api(_) => format!("api {share}"),
        Output::Kafka(output) => format!("{} {share}", output.topic),
    }
}
