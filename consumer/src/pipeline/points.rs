//! Where a flow is when something may go wrong on purpose.

use std::time::Instant;

use millrace_core::Result;

use super::{Flow, Place, Point, Processor};
use crate::settings::Guarantee;

impl<P: Processor> Flow<'_, P> {
    /// Records that have come, taken or not.
    pub(super) fn polled(&self) -> u64 {
        self.tally.records + self.waiting.len() as u64
    }

    /// Takes the time that a record is to take on purpose; one that is taken again for the state's sake takes none.
    pub(super) fn linger(&mut self, at: Place) -> Result<()> {
        if self.keeper.is_given(at.partition, at.offset) {
            return Ok(());
        }
        self.mischief.hang(self.tally.records + 1);
        let Some(delay) = self.mischief.delay() else { return Ok(()) };
        let (began, shutdown) = (Instant::now(), self.pulse.shutdown.clone());
        let is_over = || began.elapsed() >= delay || shutdown.is_requested();
        self.hold("--delay holds each record up", &is_over)
    }

    /// What follows from the records has arrived, and the commit is next.
    pub(super) fn before_commit(&mut self) {
        self.mischief.reach(Point::AfterProduce, self.tally.records);
        self.commit_point(Point::BeforeCommit);
    }

    /// The commit is done.
    pub(super) fn after_commit(&mut self) {
        self.commit_point(Point::AfterCommit);
    }

    /// At most once commits elsewhere.
    fn commit_point(&mut self, point: Point) {
        if self.parts.settings.guarantee != Guarantee::AtMostOnce {
            self.mischief.reach(point, self.tally.records);
        }
    }
}
