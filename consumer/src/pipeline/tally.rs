use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::Place;

/// What a member has done so far, for those who look at it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Its group.
    pub group: String,
    /// Its name.
    pub member: String,
    /// Its partitions.
    pub partitions: Vec<i32>,
    /// Records taken.
    pub records: u64,
    /// Records taken a second, lately.
    pub rate: f64,
    /// Alerts that followed.
    pub alerts: u64,
    /// Records that could not be read.
    pub rejected: u64,
    /// Times that partitions came or went.
    pub rebalances: u64,
}

/// Counts of a run.
#[derive(Debug)]
pub struct Tally {
    /// Records taken, those that could not be read included.
    pub records: u64,
    /// Records that could not be read.
    pub rejected: u64,
    /// Alerts that followed.
    pub alerts: u64,
    /// Windows that closed.
    pub windows: u64,
    /// Records that came when their windows were closed.
    pub late: u64,
    /// When the first record was taken.
    pub first: Option<Instant>,
    /// When the last was done with.
    pub last: Option<Instant>,
    /// Times that partitions came or went.
    pub rebalances: u64,
    /// Partitions that are here.
    pub own: BTreeSet<i32>,
    /// Those of them that have been read to their end.
    pub ended: BTreeSet<i32>,
    since: BTreeMap<i32, (u64, i64, i64)>,
    /// Counts of transactions that are committed.
    committed: [u64; 5],
    /// The highest counts that were shown: those of an aborted transaction are counted again until they are passed.
    shown: [u64; 3],
    looked: Instant,
    before: u64,
    rate: f64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            records: 0,
            rejected: 0,
            alerts: 0,
            windows: 0,
            late: 0,
            first: None,
            last: None,
            rebalances: 0,
            own: BTreeSet::new(),
            ended: BTreeSet::new(),
            since: BTreeMap::new(),
            committed: [0; 5],
            shown: [0; 3],
            looked: Instant::now(),
            before: 0,
            rate: 0.0,
        }
    }
}

impl Tally {
    /// Notes a record that is taken.
    pub fn note(&mut self, at: Place) {
        self.records += 1;
        if self.first.is_none() {
            self.first = Some(Instant::now());
        }
        let (count, _, last) = self.since.entry(at.partition).or_insert((0, at.offset, at.offset));
        *count += 1;
        *last = at.offset;
    }

    /// Notes of which partitions more records came, and which have been read to their end behind these.
    pub fn ended(&mut self, more: &[i32], ends: &[i32]) {
        self.ended.retain(|partition| !more.contains(partition));
        self.ended.extend(ends.iter().filter(|partition| self.own.contains(partition)));
    }

    /// What was counted so far is in transactions that are committed.
    pub fn is_committed(&mut self) {
        self.committed = [self.records, self.rejected, self.alerts, self.windows, self.late];
    }

    /// What was counted since is taken again, in these partitions.
    pub fn go_back(&mut self, partitions: &[i32]) {
        [self.records, self.rejected, self.alerts, self.windows, self.late] = self.committed;
        self.since.clear();
        self.begin(partitions);
    }

    /// Notes partitions that came.
    pub fn assigned(&mut self, partitions: &[i32]) {
        self.rebalances += 1;
        self.begin(partitions);
    }

    fn begin(&mut self, partitions: &[i32]) {
        for partition in partitions {
            self.own.insert(*partition);
            self.ended.remove(partition);
        }
    }

    /// Notes partitions that went.
    pub fn gone(&mut self, partitions: &[i32]) {
        self.rebalances += 1;
        for partition in partitions {
            self.own.remove(partition);
            self.ended.remove(partition);
        }
    }

    /// Whether every partition that is here has been read to its end.
    pub fn is_at_end(&self) -> bool {
        !self.own.is_empty() && self.own == self.ended
    }

    /// Count, first and last offset of what was taken in each partition since the last call.
    pub fn take_consumed(&mut self) -> BTreeMap<i32, (u64, i64, i64)> {
        std::mem::take(&mut self.since)
    }

    /// The state now; the rate is that since the last call. Counts never fall.
    pub fn state(&mut self, group: &str, member: &str) -> State {
        let seconds = self.looked.elapsed().as_secs_f64();
        if seconds > 0.0 {
            self.rate = self.records.saturating_sub(self.before) as f64 / seconds;
        }
        (self.looked, self.before) = (Instant::now(), self.records);
        for (shown, count) in self.shown.iter_mut().zip([self.records, self.rejected, self.alerts]) {
            *shown = count.max(*shown);
        }
        let [records, rejected, alerts] = self.shown;
        State {
            group: group.to_owned(),
            member: member.to_owned(),
            partitions: self.own.iter().copied().collect(),
            records,
            rate: self.rate,
            alerts,
            rejected,
            rebalances: self.rebalances,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_are_shown_do_not_fall_when_a_transaction_is_aborted() {
        let mut tally = Tally::default();
        let note = |tally: &mut Tally, offset| tally.note(Place { partition: 0, offset });
        note(&mut tally, 0);
        tally.is_committed();
        note(&mut tally, 1);
        note(&mut tally, 2);
        assert_eq!(tally.state("g", "m").records, 3);
        tally.go_back(&[0]);
        assert_eq!((tally.records, tally.state("g", "m").records), (1, 3));
        (1..5).for_each(|offset| note(&mut tally, offset));
        assert_eq!(tally.state("g", "m").records, 5);
    }

    #[test]
    fn the_end_is_there_when_every_partition_has_no_more() {
        let mut tally = Tally::default();
        assert!(!tally.is_at_end(), "nothing is here yet");
        tally.assigned(&[0, 1]);
        tally.ended(&[0, 1], &[0]);
        assert!(!tally.is_at_end());
        tally.ended(&[1], &[1]);
        assert!(tally.is_at_end(), "both ends came behind the last records");
        tally.ended(&[], &[]);
        assert!(tally.is_at_end(), "a look that brought nothing changes nothing");
        tally.ended(&[0], &[]);
        assert!(!tally.is_at_end(), "there is more in 0");
        tally.gone(&[0]);
        assert!(tally.is_at_end());
        tally.assigned(&[1]);
        assert!(!tally.is_at_end(), "1 came anew");
    }
}
