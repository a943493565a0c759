//! One run from its settings to its summary.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

use crate::batch::Batch;
use crate::control::{Console, Desk, Outbox, Voice};
use crate::generate::{Generator, Order};
use crate::open::{Opened, open};
use crate::report;
use crate::resume::{self, Position, Replay};
use crate::settings::Settings;
use crate::sink::Sink;
use crate::stream::{Stream, most_ticks};
use crate::timeline::Timeline;

/// How far a run is; shared with whoever watches it.
#[derive(Debug, Default)]
pub struct Progress {
    pub(crate) generated: AtomicU64,
    acknowledged: AtomicU64,
    failed: AtomicU64,
}

impl Progress {
    /// Records that were made.
    pub fn generated(&self) -> u64 {
        self.generated.load(Ordering::Relaxed)
    }

    /// Records that are safe where they should be.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Records that were refused.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self, sink: &dyn Sink) {
        self.acknowledged.store(sink.acknowledged(), Ordering::Relaxed);
        self.failed.store(sink.failed(), Ordering::Relaxed);
    }
}

/// What a run did in the end.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Summary {
    /// Records made.
    pub generated: u64,
    /// Records safe where they should be.
    pub acknowledged: u64,
    /// Records refused.
    pub failed: u64,
    /// From the first record to the last acknowledgement.
    pub elapsed: Duration,
}

/// Carries out a run until it is complete or `shutdown` asks for its end; then everything made is flushed.
///
/// # Errors
/// When the output cannot be opened, breaks, or refuses a record. The summary is printed all the same, unless
/// the run is quiet.
pub fn run(settings: &Settings, shutdown: &Shutdown, progress: &Progress) -> Result<Summary> {
    let (to_desk, inbox) = channel();
    let voice = Voice::default();
    let Some(opened) = open(settings, &voice, &to_desk)? else { return Ok(Summary::default()) };
    let Opened { settings, mut sink, shards, position, mut replay, listener, replies } = opened;
    let settings = &settings;
    let generator = Generator::start(shards)?;
    report::begin(settings);
    report::catching_up(settings, position.ticks());
    let began = Instant::now();
    let console = settings.interactive.then(|| Console::start(&voice, to_desk, shutdown)).transpose()?;
    let desk = Desk::new(settings, inbox, Outbox { topic: replies, voice });
    let caught_up = catch_up(settings, &generator, &position, &mut replay, shutdown);
    let streamed = caught_up.and_then(|timeline| {
        // Nothing is told of a plant that was left in its past.
        let Some(timeline) = timeline else { return Ok(false) };
        let course = (timeline, replay);
        let mut stream = Stream::new(settings, &generator, &mut *sink, desk, &position, course, progress);
        stream.run(shutdown).map(|()| stream.is_complete())
    });
    drop((console, listener));
    if shutdown.is_requested() {
        report::flushing(settings);
    }
    let ended = streamed.and_then(|is_complete| {
        sink.ends(is_complete);
        sink.close()
    });
    progress.note(&*sink);
    let summary = Summary {
        generated: progress.generated(),
        acknowledged: progress.acknowledged(),
        failed: progress.failed(),
        elapsed: began.elapsed(),
    };
    report::end(settings, &summary);
    ended.map(|()| summary)
}

/// Makes what is in the topic already once more, and drops it: the plant is then as it was. `None` when the end
/// is asked for before.
fn catch_up(
    settings: &Settings,
    generator: &Generator,
    position: &Position,
    replay: &mut Replay,
    shutdown: &Shutdown,
) -> Result<Option<Timeline>> {
    let timeline = replay.timeline(settings, position.ticks());
    let most = most_ticks(settings) as u64;
    let mut done = 0;
    let mut used = Batch::default();
    while done < position.ticks() && !shutdown.is_requested() {
        let resume::Effect { acts, rate } = replay.take(done);
        let ticks = most.min(position.ticks() - done).min(replay.until_next(done));
        generator.order(Order { ticks: ticks as usize, acts, rate, ..Order::default() }, used)?;
        used = generator.receive()?;
        done += ticks;
    }
    Ok((done >= position.ticks()).then_some(timeline))
}

/// A run that ends by itself or by a signal, with the summary left to standard error.
pub(crate) fn run_to_end(settings: &Settings) -> Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let progress = Arc::new(Progress::default());
    let summary = run(settings, &shutdown, &progress)?;
    if summary.acknowledged == summary.generated {
        return Ok(());
    }
    let missing = summary.generated - summary.acknowledged;
    Err(Error::failed(format!("{missing} of {} records were not acknowledged", summary.generated)))
}
