use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millrace_core::shutdown::Shutdown;

use crate::group::Teller;
use crate::outbox::Outbox;
use crate::source::Meanwhile;

const TELL: Duration = Duration::from_secs(1);

/// Tells each second that the member lives, while it waits for something too.
pub(super) struct Pulse {
    teller: Teller,
    outbox: Arc<Outbox>,
    /// Whether it is told on standard output.
    on_screen: bool,
    /// Whether it is told in the topic of events.
    in_topic: bool,
    told: Cell<Instant>,
    /// The request to end, as the run was given it.
    pub shutdown: Shutdown,
}

impl Pulse {
    pub fn new(teller: Teller, outbox: Arc<Outbox>, on_screen: bool, in_topic: bool) -> Self {
        let (told, shutdown) = (Cell::new(Instant::now()), Shutdown::new());
        Self { teller, outbox, on_screen, in_topic, told, shutdown }
    }

    /// Whether it is time to tell; the next time is a second later.
    pub fn is_due(&self) -> bool {
        let is_due = self.told.get().elapsed() >= TELL;
        if is_due {
            self.told.set(Instant::now());
        }
        is_due
    }
}

impl Meanwhile for Pulse {
    /// What there is no room for is not told: waiting for room is what may be going on.
    fn beat(&self) {
        if !self.is_due() {
            return;
        }
        let event = self.teller.plain("alive");
        let screen = self.outbox.screen();
        if self.on_screen && !screen.is_full() {
            screen.write(format!("{event}\n"));
        }
        if self.in_topic {
            // What is refused for good is found by whatever is sent next.
            let _ = self.outbox.send(&self.teller.record(&event));
        }
    }

    fn is_overdue(&self) -> bool {
        self.shutdown.is_overdue()
    }
}
