//! The loop of a run: orders what is due, sends what is made, and does what it is told meanwhile.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

use millrace_core::Result;
use millrace_core::shutdown::Shutdown;

use crate::batch::Batch;
use crate::control::{Answer, Asked, Desk, Moment};
use crate::generate::{Generator, Order};
use crate::pace::Pace;
use crate::report::News;
use crate::resume::{Position, Replay};
use crate::run::Progress;
use crate::settings::{Output, Settings, Speed};
use crate::sink::Sink;
use crate::timeline::Timeline;

/// Records a batch aims at when nothing makes it smaller.
const BATCH_RECORDS: usize = 8192;
/// The longest the loop sleeps before it collects delivery reports again.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How many ticks a batch has at most. Requests may take long, and Ctrl-C waits for all of a batch.
pub(crate) fn most_ticks(settings: &Settings) -> usize {
    let records = match &settings.output {
        Output::Api(api) => (api.lanes * api.batch.unwrap_or(1)).min(BATCH_RECORDS),
        _ => BATCH_RECORDS,
    };
    (records / settings.machines.len()).max(1)
}

/// A run that is under way.
pub(crate) struct Stream<'a> {
    generator: &'a Generator,
    sink: &'a mut dyn Sink,
    desk: Desk<'a>,
    position: &'a Position,
    progress: &'a Progress,
    news: News,
    timeline: Timeline,
    /// What is done again, because it was done before the run was killed.
    replay: Replay,
    pace: Pace,
    speed: Speed,
    is_paused: bool,
    is_stopped: bool,
    most: usize,
    /// Ticks that were ordered, and ticks that were sent.
    ordered: u64,
    sent: u64,
    /// What was ordered and is still to be sent: the answers that each order carries.
    waiting: VecDeque<Vec<Answer>>,
    used: Batch,
}

impl<'a> Stream<'a> {
    /// A run that goes on from `position`, along `timeline`.
    pub fn new(
        settings: &Settings,
        generator: &'a Generator,
        sink: &'a mut dyn Sink,
        desk: Desk<'a>,
        position: &'a Position,
        (timeline, replay): (Timeline, Replay),
        progress: &'a Progress,
    ) -> Self {
        let first = position.ticks();
        Self {
            generator,
            sink,
            desk,
            position,
            progress,
            news: News::new(settings),
            pace: Pace::new(first, timeline.rate(), settings.speed),
            timeline,
            replay,
            speed: settings.speed,
            is_paused: false,
            is_stopped: false,
            most: most_ticks(settings),
            ordered: first,
            sent: first,
            waiting: VecDeque::new(),
            used: Batch::default(),
        }
    }

    /// Carries it on until it is complete, stopped by a command, or `shutdown` asks for its end.
    ///
    /// # Errors
    /// When the output breaks or refuses a record.
    pub fn run(&mut self, shutdown: &Shutdown) -> Result<()> {
        while !shutdown.is_requested() && self.goes_on() {
            let mut asked = self.desk.take(self.moment());
            self.repeat(&mut asked);
            self.steer(&asked);
            let due = self.due();
            if due > 0 || !asked.answers.is_empty() || !asked.acts.is_empty() || asked.rate.is_some() {
                self.order(due, asked, false)?;
            }
            // One batch is made while the one before it is sent; at a given speed what is due goes out at once.
            let ahead = usize::from(self.speed == Speed::Max && due > 0);
            if self.waiting.len() > ahead {
                self.send(ahead)?;
            } else if due == 0 {
                shutdown.wait(self.rest());
                self.sink.poll()?;
            }
            self.note();
        }
        if !self.sink.is_done() {
            self.order(0, Asked::default(), true)?;
            self.send(0)?;
        }
        self.desk.close(self.moment())
    }

    /// Whether every tick of the run has been sent.
    pub fn is_complete(&self) -> bool {
        self.sent >= self.timeline.end()
    }

    fn goes_on(&self) -> bool {
        let has_more = !self.is_stopped && self.ordered < self.timeline.end();
        !self.sink.is_done() && (has_more || !self.waiting.is_empty())
    }

    fn moment(&self) -> Moment {
        Moment { timestamp: self.timeline.timestamp(self.ordered), tick: self.ordered }
    }

    /// What was done at this tick already is done first.
    fn repeat(&mut self, asked: &mut Asked) {
        let effect = self.replay.take(self.ordered);
        asked.acts.splice(0..0, effect.acts);
        asked.rate = asked.rate.or(effect.rate);
    }

    /// Does what concerns the run rather than the plant.
    fn steer(&mut self, asked: &Asked) {
        if let Some(rate) = asked.rate {
            self.timeline.set_rate(self.ordered, rate);
        }
        self.speed = asked.speed.unwrap_or(self.speed);
        let pauses = asked.pause.unwrap_or(self.is_paused);
        let was_paused = std::mem::replace(&mut self.is_paused, pauses);
        if asked.rate.is_some() || asked.speed.is_some() || was_paused != pauses {
            self.pace = Pace::new(self.ordered, self.timeline.rate(), self.speed);
        }
        self.is_stopped |= asked.stop;
    }

    fn due(&self) -> usize {
        if self.is_paused || self.is_stopped {
            return 0;
        }
        let left = self.timeline.end().saturating_sub(self.ordered);
        let left = left.min(self.replay.until_next(self.ordered));
        self.pace.due(self.ordered, self.most).min(usize::try_from(left).unwrap_or(self.most))
    }

    fn rest(&self) -> Duration {
        if self.is_paused { LONGEST_PAUSE } else { self.pace.wait(self.ordered).min(LONGEST_PAUSE) }
    }

    /// Also without a tick: what is asked for is then in the plant before anything else is said.
    fn order(&mut self, ticks: usize, asked: Asked, is_last: bool) -> Result<()> {
        let states = asked.answers.iter().any(|answer| answer.wants_states);
        let order = Order { ticks, acts: asked.acts, rate: asked.rate, states, is_last };
        self.generator.order(order, std::mem::take(&mut self.used))?;
        self.ordered += ticks as u64;
        self.waiting.push_back(asked.answers);
        Ok(())
    }

    /// Sends what is ordered, but for the last `ahead` orders, each behind its answers.
    fn send(&mut self, ahead: usize) -> Result<()> {
        while self.waiting.len() > ahead {
            let Some(answers) = self.waiting.pop_front() else { break };
            let mut batch = self.generator.receive()?;
            self.position.trim(self.sent, &mut batch);
            self.sent += batch.ticks() as u64;
            self.progress.generated.fetch_add(batch.records(), Ordering::Relaxed);
            self.sink.prepare(&batch)?;
            if !answers.is_empty() {
                // Before the records that show what was done: a run that is killed between the two does it again.
                self.desk.answer(answers, &batch.states())?;
            }
            self.sink.send(&batch)?;
            self.used = batch;
        }
        Ok(())
    }

    fn note(&mut self) {
        self.progress.note(self.sink);
        if let Some(line) = self.news.line(self.progress) {
            self.desk.say(&line);
        }
    }
}
