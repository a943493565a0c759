//! Where partitions go on that came, and with which state.

use std::time::Instant;

use millrace_core::{Error, Result};

use super::Processor;
use super::flow::Flow;
use crate::state::Restored;

impl<P: Processor> Flow<'_, P> {
    /// Goes on with the partitions that came, where the group is and with their state. Others may come and these may
    /// go while that is looked up.
    pub(super) fn take_over(&mut self) -> Result<()> {
        while let Some(taking) = self.parts.source.take_over() {
            let began = Instant::now();
            let why = "where partitions go on, and their state, is being looked up";
            let shutdown = self.pulse.shutdown.clone();
            self.hold(why, &|| taking.is_finished() || shutdown.is_requested())?;
            if !taking.is_finished() {
                // Nothing was read of them.
                return Ok(());
            }
            let found = self.parts.source.found(taking)?;
            let begun = self.parts.source.begun(&found)?;
            let is_committed = begun.count() == 0 || self.commit_list(&begun)?;
            let restored = self.parts.source.go_on(found)?;
            for restored in &restored {
                let partition = restored.begin.partition;
                let is_new = begun.elements().iter().any(|place| place.partition() == partition);
                self.go_on(restored, is_committed || !is_new)?;
            }
            self.restoring = self.restoring.or((!restored.is_empty()).then_some(began));
            self.tell_restored();
        }
        Ok(())
    }

    /// Says once that all state is here: with the records that were taken again on top of the snapshots.
    pub(super) fn tell_restored(&mut self) {
        if self.keeper.is_restoring() {
            return;
        }
        if let Some(began) = self.restoring.take()
            && self.parts.settings.verbose
        {
            eprintln!(
                "after {:.1} s the state of the group's machines here is as it was",
                began.elapsed().as_secs_f64()
            );
        }
    }

    /// Goes on with a partition's state as it was found.
    fn go_on(&mut self, restored: &Restored, is_committed: bool) -> Result<()> {
        let partition = restored.begin.partition;
        self.parts.processor.restore(restored).map_err(|why| {
            let topic = &self.parts.settings.topic;
            Error::failed(format!(
                "the state of {topic} partition {partition} cannot be read: {why}; another --group-id begins anew"
            ))
        })?;
        self.keeper.restore(restored, is_committed);
        self.next.insert(partition, restored.begin.mark.from);
        self.parts.ledger.mark(partition, restored.begin.mark.to_string());
        Ok(())
    }
}
