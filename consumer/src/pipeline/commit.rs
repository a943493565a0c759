//! How far the group is: outputs first, then offsets, or both in one transaction; and checkpoints of the state.

use std::sync::Arc;

use millrace_core::{Error, Result};
use rdkafka::TopicPartitionList;

use super::flow::Flow;
use super::transactor::Outcome;
use super::{Processor, Tally};
use crate::outbox::Letter;
use crate::settings::Commit;
use crate::source::{Look, Offsets, Outputs};
use crate::state::Mark;

/// Rebalances and outages abort some; so many in a row have a cause that stays.
const MOST_ABORTED: u32 = 30;

/// A checkpoint on its way.
struct Cut {
    partition: i32,
    turn: Option<u64>,
    letters: Vec<Letter>,
    mark: Mark,
}

impl<P: Processor> Flow<'_, P> {
    pub(super) fn commit(&mut self) -> Result<()> {
        self.note();
        if self.transactor.is_some() {
            return self.transact();
        }
        self.settle()?;
        self.checkpoint()?;
        self.before_commit();
        self.commit_due(self.parts.settings.commit)?;
        self.after_commit();
        Ok(())
    }

    fn commit_due(&mut self, how: Commit) -> Result<()> {
        let due = self.parts.source.due()?;
        match how {
            _ if due.count() == 0 => Ok(()),
            Commit::Sync => self.commit_list(&due).map(drop),
            Commit::Async => self.parts.source.store(&due),
        }
    }

    /// Commits, waits as a living member, and gives whether the broker took it.
    pub(super) fn commit_list(&mut self, list: &TopicPartitionList) -> Result<bool> {
        let commit = self.parts.source.commit(list);
        let result = self.wait_for_call("Kafka does not answer a commit yet", commit)?;
        Ok(self.parts.source.has_committed(list, result))
    }

    fn settle(&mut self) -> Result<()> {
        let ledger = Arc::clone(&self.parts.ledger);
        self.wait_for("what follows from the records has not arrived yet", &|| ledger.settle())
    }

    /// Waits as a living member; an error of what is waited for is found by the last look.
    fn wait_for(&mut self, why: &str, is_settled: &dyn Fn() -> Result<bool>) -> Result<()> {
        if !is_settled()? {
            self.hold(why, &|| !matches!(is_settled(), Ok(false)))?;
            is_settled()?;
        }
        Ok(())
    }

    /// The checkpoint of the first partition that should have one. What it holds counts as written down from now
    /// on, so it must not be dropped unless the partition's state is.
    fn cut(&mut self) -> Option<Cut> {
        let processor = &self.parts.processor;
        let partition = self.keeper.due(&|partition| processor.readings(partition))?;
        let checkpoint = self.parts.processor.checkpoint(partition);
        let (letters, mark) = self.keeper.cut(partition, checkpoint)?;
        Some(Cut { partition, turn: self.keeper.turn(partition), letters, mark })
    }

    /// Snapshots go out when all that follows from their records has arrived, and count once they have arrived
    /// themselves.
    fn checkpoint(&mut self) -> Result<()> {
        while let Some(Cut { partition, turn, letters, mark }) = self.cut() {
            for letter in &letters {
                // A member that no longer has the partition would write behind its next owner.
                if self.keeper.turn(partition) == turn {
                    self.send(letter)?;
                }
            }
            self.settle()?;
            if self.keeper.turn(partition) == turn {
                self.parts.ledger.mark(partition, mark.to_string());
                self.keeper.is_cut(partition, mark);
            }
        }
        Ok(())
    }

    /// Outputs, snapshots and offsets in one transaction, during which the member goes on asking.
    fn transact(&mut self) -> Result<()> {
        self.parts.ledger.trust();
        // One at a time: Kafka ends a transaction that takes long. The next goes with the next, come records or not.
        let mut cut = self.cut();
        if cut.is_none() && !self.parts.ledger.is_due() {
            return Ok(());
        }
        let (mut letters, texts) = std::mem::take(&mut self.batch).into_parts();
        if let Some(cut) = &mut cut {
            letters.append(&mut cut.letters);
            self.parts.ledger.mark(cut.partition, cut.mark.to_string());
        }
        let offsets = self.parts.source.offsets()?;
        let (look, outcome) = self.in_transaction(&letters, &offsets)?;
        self.see(look)?;
        match outcome {
            Outcome::Aborted(why) => self.is_aborted(&offsets, why),
            Outcome::Committed => {
                self.parts.source.told(&offsets, Ok(()));
                self.is_committed(cut, &offsets);
                self.after_commit();
                texts.into_iter().try_for_each(|text| self.write(text))
            }
        }
    }

    fn in_transaction(&mut self, letters: &[Letter], offsets: &Offsets) -> Result<(Look, Outcome)> {
        let (mischief, records) = (&mut self.mischief, self.tally.records);
        let transactor = self.transactor.as_mut();
        let work = || match transactor {
            Some(transactor) => {
                transactor.commit(letters, offsets, &mut |point| mischief.reach(point, records))
            }
            None => Ok(Outcome::Aborted("there are no transactions".to_owned())),
        };
        self.parts.source.beside(&mut self.waiting, "a transaction takes its time", &self.pulse, work)
    }

    fn is_aborted(&mut self, offsets: &Offsets, why: String) -> Result<()> {
        self.aborted += 1;
        if self.aborted >= MOST_ABORTED {
            return Err(Error::failed(format!("{MOST_ABORTED} transactions in a row were aborted: {why}")));
        }
        self.parts.source.told(offsets, Err(why));
        self.go_back()
    }

    fn is_committed(&mut self, cut: Option<Cut>, offsets: &Offsets) {
        self.aborted = 0;
        self.counts.clear();
        self.tally.is_committed();
        for element in offsets.due.elements() {
            self.keeper.is_committed(element.partition());
        }
        if let Some(Cut { partition, turn, mark, .. }) = cut
            && self.keeper.turn(partition) == turn
        {
            self.keeper.is_cut(partition, mark);
        }
    }

    /// Drops all that is in no transaction, and takes it again from where the group is.
    fn go_back(&mut self) -> Result<()> {
        let mut taken = self.keeper.taken();
        for record in self.waiting.drain(..) {
            let (partition, offset) = super::flow::place(&record);
            taken.entry(partition).or_insert(Some(offset));
        }
        let partitions: Vec<i32> = taken.keys().copied().collect();
        self.forget(&partitions);
        self.counts.clear();
        self.tally.go_back(&partitions);
        self.parts.source.go_back(&taken)
    }

    /// Leaves the group in order.
    pub(super) fn end(mut self) -> Result<Tally> {
        if self.transactor.is_none() {
            self.settle()?;
            self.commit_due(Commit::Sync)?;
        }
        self.tell_progress()?;
        self.draw();
        let changes = self.parts.source.leave();
        self.see(Look { changes, ..Look::default() })?;
        self.tell(&self.teller.plain("shutdown_complete"))?;
        let outbox = Arc::clone(&self.parts.outbox);
        self.wait_for("the last records are not acknowledged yet", &|| outbox.settled())?;
        Ok(self.tally)
    }
}
