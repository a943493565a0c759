use super::act::Cause;
use super::failure::{Failure, FailureKind};

/// What kind of episode it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpisodeKind {
    /// A failure, from its begin until it was cleared, maintained or replaced.
    Failure(FailureKind),
    /// A stop for maintenance.
    Maintenance,
}

/// A failure or a maintenance of one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Episode {
    /// What it is.
    pub kind: EpisodeKind,
    /// Event time of its begin, milliseconds.
    pub start: i64,
    /// Event time of its end, milliseconds; `None` while it goes on.
    pub end: Option<i64>,
    /// Why it began.
    pub cause: Cause,
}

/// A machine's episodes, for those who ask for the truth.
#[derive(Debug, Clone, Default)]
pub(super) struct Diary {
    maintenance: Option<(i64, Cause)>,
    ended: Vec<Episode>,
}

impl Diary {
    pub fn failure_ends(&mut self, failure: &Failure, end: i64) {
        let Failure { kind, start, cause, .. } = *failure;
        // One that is replaced or cleared at the moment of its begin never was.
        if start < end {
            self.ended.push(Episode { kind: EpisodeKind::Failure(kind), start, end: Some(end), cause });
        }
    }

    pub fn maintenance_begins(&mut self, start: i64, cause: Cause) {
        self.maintenance.get_or_insert((start, cause));
    }

    pub fn maintenance_ends(&mut self, end: i64) {
        if let Some((start, cause)) = self.maintenance.take() {
            self.ended.push(Episode { kind: EpisodeKind::Maintenance, start, end: Some(end), cause });
        }
    }

    /// The episodes that ended since the last call, in the order of their ends.
    pub fn take_ended(&mut self) -> Vec<Episode> {
        std::mem::take(&mut self.ended)
    }

    /// The maintenance that goes on.
    pub fn open_maintenance(&self) -> Option<Episode> {
        let (start, cause) = self.maintenance?;
        Some(Episode { kind: EpisodeKind::Maintenance, start, end: None, cause })
    }
}
