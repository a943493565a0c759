//! One switch that every loop of a program watches, thrown by Ctrl-C or SIGTERM.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{Error, Result};

/// How long after the request what is under way may take to come to its end.
const GRACE: Duration = Duration::from_secs(5);

/// Exit code after a second Ctrl-C: 128 + SIGINT, as shells report it.
const INTERRUPTED: i32 = 130;

/// A request to end, shared by clones.
#[derive(Clone, Default)]
pub struct Shutdown {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    requested: Arc<AtomicBool>,
    /// When it was requested.
    since: Mutex<Option<Instant>>,
    changed: Condvar,
}

impl Shutdown {
    /// A switch that only [`request`](Self::request) throws.
    pub fn new() -> Self {
        Self::default()
    }

    /// A switch that the first SIGINT, SIGTERM or SIGHUP throws; a second signal ends the process at once.
    ///
    /// # Errors
    /// When the signals cannot be caught.
    pub fn on_signals() -> Result<Self> {
        let shutdown = Self::new();
        shutdown.catch().map_err(|e| Error::failed(format!("cannot catch Ctrl-C: {e}")))?;
        Ok(shutdown)
    }

    fn catch(&self) -> std::io::Result<()> {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // Runs inside the signal handler, so a second Ctrl-C works even when every thread is stuck.
            signal_hook::flag::register_conditional_shutdown(
                signal,
                INTERRUPTED,
                Arc::clone(&self.inner.requested),
            )?;
            signal_hook::flag::register(signal, Arc::clone(&self.inner.requested))?;
        }
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let waker = self.clone();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for _ in signals.forever() {
                waker.request();
            }
        })?;
        Ok(())
    }

    /// Asks everyone to end.
    pub fn request(&self) {
        let mut since = self.inner.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get_or_insert_with(Instant::now);
        self.inner.requested.store(true, Ordering::SeqCst);
        self.inner.changed.notify_all();
    }

    /// Whether the end was asked for.
    pub fn is_requested(&self) -> bool {
        self.inner.requested.load(Ordering::Relaxed)
    }

    /// Whether the end was asked for some seconds ago: what has not come by now, such as the answer of a broker that
    /// is away, is no longer waited for.
    pub fn is_overdue(&self) -> bool {
        let since = || *self.inner.since.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_requested() && since().is_some_and(|since| since.elapsed() >= GRACE)
    }

    /// Waits until the end is asked for, at most `timeout`; tells whether it was.
    pub fn wait(&self, timeout: Duration) -> bool {
        let held = self.inner.since.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.inner.changed.wait_timeout_while(held, timeout, |_| !self.is_requested());
        self.is_requested()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_as_soon_as_the_end_is_asked_for() {
        let shutdown = Shutdown::new();
        let other = shutdown.clone();
        let began = Instant::now();
        let waiter = std::thread::spawn(move || other.wait(Duration::from_secs(60)));
        shutdown.request();
        assert!(waiter.join().expect("the waiter ends"));
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn what_is_under_way_has_some_time_left() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.is_overdue());
        shutdown.request();
        assert!(!shutdown.is_overdue());
        let long_ago = Instant::now().checked_sub(2 * GRACE).expect("a clock that has run for a while");
        *shutdown.inner.since.lock().expect("no panic") = Some(long_ago);
        assert!(shutdown.is_overdue());
    }

    #[test]
    fn waiting_without_a_request_times_out() {
        assert!(!Shutdown::new().wait(Duration::from_millis(1)));
    }
}
