use serde::{Deserialize, Serialize};

use super::DAY;

/// Readings in a row that make a clock leap: of the machine, or of two machines or more of the partition.
const ROW: usize = 3;
/// Readings in a row of one machine that make its partition's clock leap.
const MANY: u32 = 1000;
/// Letters of a machine's name that are kept: the clock's state must stay small, whatever a name is.
const MOST_LETTERS: usize = 64;

/// A machine's clock: its newest event time, but for leaps that are not believed yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    time: Option<i64>,
    /// Whether there was a second reading, which bears the first out or replaces it.
    sure: bool,
    /// Times of the latest readings, all of which were more than a day ahead.
    ahead: Vec<i64>,
}

impl Clock {
    /// The time that is believed, in milliseconds; `None` before the first reading.
    pub fn time(&self) -> Option<i64> {
        self.time
    }

    /// The time behind which windows may close.
    pub(super) fn sure(&self) -> Option<i64> {
        self.time.filter(|_| self.sure)
    }

    /// Whether a time is so far ahead that a reading alone is not believed.
    pub fn is_ahead(&self, time: i64) -> bool {
        self.time.is_some_and(|now| time > now.saturating_add(DAY))
    }

    /// Takes in the time of a machine's next reading.
    pub fn observe(&mut self, time: i64) {
        let Some(now) = self.time else {
            self.time = Some(time);
            return;
        };
        if self.is_ahead(time) {
            return self.doubt(time);
        }
        self.ahead.clear();
        let is_first_wrong = !self.sure && time < now.saturating_sub(DAY);
        self.time = Some(if is_first_wrong { time } else { now.max(time) });
        self.sure = true;
    }

    /// Believes the least of a row, and all that lie within a day of what is believed.
    fn doubt(&mut self, time: i64) {
        self.ahead.push(time);
        self.ahead.sort_unstable();
        while self.ahead.len() >= ROW || self.ahead.first().is_some_and(|least| !self.is_ahead(*least)) {
            let least = self.ahead.remove(0);
            (self.time, self.sure) = (self.time.max(Some(least)), true);
        }
    }
}

/// A partition's clock: its newest event time, but for leaps that are not believed yet. It depends on the times of
/// the partition's readings alone, so it can be taken up anywhere, whatever is known of the machines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionClock {
    time: Option<i64>,
    /// Where it was after its last leap; who has not sent since is not idle for that.
    since: Option<i64>,
    doubt: Option<Doubt>,
}

/// The latest readings, all of which were more than a day ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Doubt {
    /// The begin of the first one's machine.
    machine: String,
    /// Whether others were of another machine.
    is_shared: bool,
    readings: u32,
    least: i64,
    newest: i64,
}

impl PartitionClock {
    /// The time that is believed, in milliseconds; `None` before a second machine has sent.
    pub fn time(&self) -> Option<i64> {
        self.time
    }

    pub(super) fn since(&self) -> Option<i64> {
        self.since
    }

    pub(super) fn observe(&mut self, machine: &str, time: i64) {
        if self.time.is_some_and(|now| time <= now + DAY) {
            self.time = self.time.max(Some(time));
            self.doubt = None;
        } else {
            self.consider(machine, time);
        }
    }

    fn consider(&mut self, machine: &str, time: i64) {
        let name = || machine.chars().take(MOST_LETTERS);
        let doubt = self.doubt.get_or_insert_with(|| Doubt {
            machine: name().collect(),
            is_shared: false,
            readings: 0,
            least: time,
            newest: time,
        });
        doubt.readings += 1;
        doubt.is_shared |= !name().eq(doubt.machine.chars());
        (doubt.least, doubt.newest) = (doubt.least.min(time), doubt.newest.max(time));
        let agree = if doubt.is_shared { ROW as u32 } else { MANY };
        if doubt.readings >= agree {
            let (least, newest) = (doubt.least, doubt.newest);
            let time = Some(if newest <= least + DAY { newest } else { least });
            *self = Self { time, since: time, doubt: None };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(times: &[i64]) -> Option<i64> {
        let mut clock = Clock::default();
        times.iter().for_each(|time| clock.observe(*time));
        clock.time()
    }

    fn partition(times: &[(&str, i64)]) -> Option<i64> {
        let mut clock = PartitionClock::default();
        times.iter().for_each(|(machine, time)| clock.observe(machine, *time));
        clock.time()
    }

    const FAR: i64 = 4_102_444_800_000;

    #[test]
    fn a_machines_clock_is_its_newest_time_and_leaps_when_three_in_a_row_agree() {
        assert_eq!(machine(&[5, DAY + 5, 7]), Some(DAY + 5), "a day is no leap");
        assert_eq!(machine(&[5, FAR, 7, FAR, FAR, 8]), Some(8));
        assert_eq!(machine(&[5, FAR, FAR + 9, FAR + 3]), Some(FAR + 9), "all three are believed");
        assert_eq!(machine(&[5, FAR, 3 * FAR, 2 * FAR]), Some(FAR), "the least of the three");
        assert_eq!(machine(&[5, FAR, 3 * FAR, 2 * FAR, 4 * FAR]), Some(2 * FAR), "the row goes on");
    }

    #[test]
    fn a_first_reading_from_the_far_future_is_forgotten() {
        assert_eq!(machine(&[FAR, 5, 7]), Some(7));
        assert_eq!(machine(&[FAR, FAR + 5, 7]), Some(FAR + 5), "a second one bears it out");
    }

    #[test]
    fn a_partitions_clock_leaps_when_three_readings_of_two_machines_agree() {
        let begun = [("A", 5), ("B", 5), ("A", 6)];
        let then = |times: &[(&str, i64)]| partition(&[&begun[..], times].concat());
        assert_eq!(partition(&begun[..2]), None);
        assert_eq!(then(&[]), Some(6));
        assert_eq!(then(&[("A", FAR), ("C", FAR), ("B", 7), ("A", FAR)]), Some(7));
        assert_eq!(then(&[("A", FAR), ("A", FAR + 1), ("A", FAR + 2)]), Some(6), "one machine may be wrong");
        assert_eq!(then(&[("A", FAR), ("A", FAR + 1), ("C", FAR + 2)]), Some(FAR + 2));
        assert_eq!(then(&[("A", 3 * FAR), ("C", FAR), ("B", 2 * FAR)]), Some(FAR), "the least of them");
        assert_eq!(partition(&[("A", FAR), ("B", 5), ("C", 6)]), Some(5), "from the first one on");
    }

    #[test]
    fn a_partitions_clock_takes_little_room() {
        let (mut clock, name) = (PartitionClock::default(), "\u{10348}".repeat(1000));
        clock.observe(&name, i64::MIN / 2);
        clock.observe(&name, i64::MIN / 2);
        assert_eq!(clock.doubt.as_ref().map(|doubt| doubt.is_shared), Some(false));
        assert!(serde_json::to_string(&clock).expect("JSON").len() < 500);
    }

    #[test]
    fn a_partitions_clock_leaps_after_a_thousand_readings_of_one_machine() {
        let many = |count: i64| {
            let ahead = (0..count).map(|step| ("A", FAR + step));
            partition(&[("A", 5), ("B", 5), ("B", 5)].into_iter().chain(ahead).collect::<Vec<_>>())
        };
        assert_eq!((many(999), many(1000)), (Some(5), Some(FAR + 999)));
    }
}
