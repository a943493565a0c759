use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use millrace_core::{Error, Result};

use super::rejects::GivenUp;
use crate::report::grouped;
use crate::settings::ApiOutput;

/// Troubles are told at most this often.
const BETWEEN_NOTICES: Duration = Duration::from_secs(5);

/// What has become of the readings, shared by all lanes.
pub(super) struct Tally {
    name: String,
    rejects: Option<PathBuf>,
    taken: AtomicU64,
    given_up: AtomicU64,
    answered: AtomicBool,
    verbose: bool,
    began: Instant,
    at_first: Duration,
    troubles: Mutex<Troubles>,
}

#[derive(Default)]
struct Troubles {
    /// What ends the run.
    fatal: Option<Error>,
    /// Why the first request was given up.
    first: Option<String>,
    told: Option<Instant>,
}

impl Tally {
    pub(super) fn new(output: &ApiOutput, verbose: bool, at_first: Duration) -> Self {
        Self {
            name: millrace_core::http::shown(&output.url),
            rejects: output.rejects.clone(),
            taken: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
            answered: AtomicBool::new(false),
            verbose,
            began: Instant::now(),
            at_first,
            troubles: Mutex::default(),
        }
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self, readings: usize) {
        self.taken.fetch_add(readings as u64, Ordering::Relaxed);
    }

    /// Notes that somebody is there, whatever they say.
    pub(super) fn answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    pub(super) fn give_up(&self, readings: usize, given_up: &GivenUp) {
        self.given_up.fetch_add(readings as u64, Ordering::Relaxed);
        let cause = &given_up.cause;
        self.tell(|| format!("{} {cause}; given up", self.name));
        self.troubles().first.get_or_insert_with(|| cause.clone());
    }

    /// Notes that an attempt failed and another follows.
    ///
    /// # Errors
    /// When nobody has ever answered and the time for that is over.
    pub(super) fn retry(&self, cause: &str) -> Result<()> {
        if !self.answered.load(Ordering::Relaxed) && self.began.elapsed() >= self.at_first {
            let seconds = self.at_first.as_secs_f64();
            return Err(Error::failed(format!(
                "{} {cause}, for {seconds:.0} s; start the server there, or check --url",
                self.name
            )));
        }
        self.tell(|| format!("{} {cause}; trying again", self.name));
        Ok(())
    }

    /// Ends the run with this.
    pub(super) fn fail(&self, error: Error) {
        self.troubles().fatal.get_or_insert(error);
    }

    /// Whether the run can go on.
    ///
    /// # Errors
    /// With what ends it.
    pub(super) fn check(&self) -> Result<()> {
        self.troubles().fatal.clone().map_or(Ok(()), Err)
    }

    /// Whether all went well in the end.
    ///
    /// # Errors
    /// With what ended the run, or how many readings were given up and why the first was.
    pub(super) fn end(&self) -> Result<()> {
        self.check()?;
        let Some(first) = self.troubles().first.clone() else { return Ok(()) };
        let (what, they, them) = match self.given_up() {
            1 => ("1 reading was".to_owned(), "it is", "it"),
            many => (format!("{} readings were", grouped(many)), "they are", "them"),
        };
        let kept = match &self.rejects {
            Some(path) => format!("{they} in {}", path.display()),
            None => format!("--rejects FILE keeps {them}"),
        };
        Err(Error::failed(format!("{} {first}: {what} given up; {kept}", self.name)))
    }

    fn tell(&self, what: impl Fn() -> String) {
        let mut troubles = self.troubles();
        if self.verbose && troubles.told.is_none_or(|told| told.elapsed() >= BETWEEN_NOTICES) {
            troubles.told = Some(Instant::now());
            eprintln!("producer: {}", what());
        }
    }

    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
