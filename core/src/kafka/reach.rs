use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::trouble::Trouble;

/// Whether a producer reaches its cluster, and what its user has heard about that.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// So that a delivery, of which there are many, need not look any closer while all is well.
    is_uneasy: AtomicBool,
    story: Mutex<Story>,
}

#[derive(Debug, Default)]
struct Story {
    is_down: bool,
    /// Why some broker did not let us in lately, and the line that says so.
    heard: Option<(Trouble, String)>,
    /// The trouble that the user was told.
    told: Option<Trouble>,
}

/// What the user is to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// No broker answers.
    Gone,
    /// No broker lets us in, for a reason that a line speaks of.
    Refused(Trouble, String),
}

impl Reach {
    /// Notes why a connection failed. One broker of several that refuses us is no news while others take records.
    pub(super) fn heard(&self, line: &str) -> Option<News> {
        // What is likely only looks the same as a broker on its way down or up.
        let trouble = Trouble::of(line).filter(|trouble| trouble.is_certain())?;
        let mut story = self.story();
        self.is_uneasy.store(true, Ordering::Relaxed);
        story.heard = Some((trouble, line.to_owned()));
        if story.is_down { story.refusal() } else { None }
    }

    /// Notes that every broker is out of reach.
    pub(super) fn lost(&self) -> Option<News> {
        let mut story = self.story();
        self.is_uneasy.store(true, Ordering::Relaxed);
        if std::mem::replace(&mut story.is_down, true) {
            return None;
        }
        story.refusal().or(Some(News::Gone))
    }

    /// Notes that a broker took a record. Whether the cluster was gone.
    pub(super) fn is_back(&self) -> bool {
        let is_uneasy =
            self.is_uneasy.load(Ordering::Relaxed) && self.is_uneasy.swap(false, Ordering::Relaxed);
        is_uneasy && std::mem::take(&mut *self.story()).is_down
    }

    fn story(&self) -> MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Story {
    /// What was heard, unless the user knows it.
    fn refusal(&mut self) -> Option<News> {
        let (trouble, line) = self.heard.take()?;
        let is_new = self.told.replace(trouble) != Some(trouble);
        is_new.then_some(News::Refused(trouble, line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: &str = "SASL authentication error: Authentication failed";
    const CERTIFICATE: &str = "SSL handshake failed: certificate verify failed";

    fn refused(trouble: Trouble, line: &str) -> Option<News> {
        Some(News::Refused(trouble, line.to_owned()))
    }

    #[test]
    fn an_outage_is_told_once_and_so_is_its_end() {
        let reach = Reach::default();
        assert_eq!(reach.heard("Connection refused"), None);
        assert_eq!((reach.lost(), reach.lost()), (Some(News::Gone), None));
        assert_eq!((reach.is_back(), reach.is_back()), (true, false));
        assert_eq!(reach.lost(), Some(News::Gone), "another one");
    }

    #[test]
    fn a_refusal_is_told_instead_and_once_until_it_is_another() {
        let reach = Reach::default();
        assert_eq!(reach.heard(LOGIN), None, "other brokers may let us in");
        assert_eq!(reach.lost(), refused(Trouble::Login, LOGIN));
        assert_eq!(reach.heard(LOGIN), None);
        assert_eq!(reach.heard(CERTIFICATE), refused(Trouble::Certificate, CERTIFICATE));
        assert!(reach.is_back());
    }

    #[test]
    fn a_broker_that_comes_back_and_refuses_us_is_told_behind_its_outage() {
        let reach = Reach::default();
        assert_eq!(reach.lost(), Some(News::Gone));
        assert_eq!(reach.heard(CERTIFICATE), refused(Trouble::Certificate, CERTIFICATE));
    }

    #[test]
    fn what_was_heard_before_records_were_taken_explains_nothing() {
        let reach = Reach::default();
        assert_eq!(reach.heard(LOGIN), None);
        assert!(!reach.is_back(), "it was never gone");
        assert_eq!(reach.lost(), Some(News::Gone));
    }

    #[test]
    fn what_may_be_a_broker_on_its_way_up_is_an_outage() {
        let reach = Reach::default();
        assert_eq!(reach.heard("Disconnected (in state APIVERSION_QUERY)"), None);
        assert_eq!(reach.lost(), Some(News::Gone));
    }
}
