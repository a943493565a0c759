//! One switch that every loop of a program watches, thrown by Ctrl-C or SIGTERM.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{Error, Result};

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
    lock: Mutex<()>,
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
        let _held = self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.requested.store(true, Ordering::SeqCst);
        self.inner.changed.notify_all();
    }

    /// Whether the end was asked for.
    pub fn is_requested(&self) -> bool {
        self.inner.requested.load(Ordering::Relaxed)
    }

    /// Waits until the end is asked for, at most `timeout`; tells whether it was.
    pub fn wait(&self, timeout: Duration) -> bool {
        let held = self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.inner.changed.wait_timeout_while(held, timeout, |()| !self.is_requested());
        self.is_requested()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

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
    fn waiting_without_a_request_times_out() {
        assert!(!Shutdown::new().wait(Duration::from_millis(1)));
    }
}
