use serde::{Deserialize, Serialize};

use super::DAY;

/// Readings in a row that make a machine's clock leap.
const ROW: usize = 3;
/// Readings in a row of one machine that make its partition's clock leap.
const MANY: u32 = 1000;

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

    pub(super) fn is_ahead(&self, time: i64) -> bool {
        self.time.is_some_and(|now| time > now + DAY)
    }

    pub(super) fn observe(&mut self, time: i64) {
        let Some(now) = self.time else {
            self.time = Some(time);
            return;
        };
        if self.is_ahead(time) {
            return self.doubt(time);
        }
        self.ahead.clear();
        let is_first_wrong = !self.sure && time < now - DAY;
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

/// A partition's clock: the newest time of its machines' clocks, but for leaps that are not believed yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionClock {
    time: Option<i64>,
    /// Where it was after its last leap; who has not sent since is not idle for that.
    since: Option<i64>,
    doubt: Option<Doubt>,
}

/// A machine whose clock is more than a day ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Doubt {
    machine: String,
    time: i64,
    readings: u32,
}

impl PartitionClock {
    /// The time that is believed, in milliseconds; `None` before a second machine has sent.
    pub fn time(&self) -> Option<i64> {
        self.time
    }

    pub(super) fn since(&self) -> Option<i64> {
        self.since
    }

    /// Takes in where a machine's clock is after a reading.
    pub(super) fn observe(&mut self, machine: &str, time: i64) {
        match self.time {
            Some(now) if time <= now + DAY => {
                self.time = Some(now.max(time));
                self.doubt = None;
            }
            _ => self.consider(machine, time),
        }
    }

    fn consider(&mut self, machine: &str, time: i64) {
        match &mut self.doubt {
            None => self.doubt = Some(Doubt { machine: machine.to_owned(), time, readings: 1 }),
            Some(doubt) if doubt.machine != machine => {
                let (low, high) = (doubt.time.min(time), doubt.time.max(time));
                self.leap(if high <= low + DAY { high } else { low });
            }
            Some(doubt) => {
                (doubt.time, doubt.readings) = (time, doubt.readings + 1);
                if doubt.readings >= MANY {
                    self.leap(time);
                }
            }
        }
    }

    fn leap(&mut self, time: i64) {
        *self = Self { time: Some(time), since: Some(time), doubt: None };
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
    fn a_partitions_clock_leaps_when_a_second_machine_agrees() {
        assert_eq!(partition(&[("A", FAR), ("A", FAR)]), None, "one machine may be wrong");
        assert_eq!(partition(&[("A", FAR), ("B", 5)]), Some(5));
        assert_eq!(partition(&[("A", 9), ("B", 5)]), Some(9));
        let begun = [("A", 5), ("B", 5)];
        assert_eq!(partition(&[&begun[..], &[("A", FAR), ("B", 6), ("C", FAR)]].concat()), Some(6));
        assert_eq!(partition(&[&begun[..], &[("A", FAR), ("C", FAR + 1)]].concat()), Some(FAR + 1));
        assert_eq!(partition(&[&begun[..], &[("A", FAR), ("C", 2 * FAR)]].concat()), Some(FAR));
    }

    #[test]
    fn a_partitions_clock_leaps_after_a_thousand_readings_of_one_machine() {
        let many = |count: i64| {
            let ahead = (0..count).map(|step| ("A", FAR + step));
            partition(&[("A", 5), ("B", 5)].into_iter().chain(ahead).collect::<Vec<_>>())
        };
        assert_eq!((many(999), many(1000)), (Some(5), Some(FAR + 999)));
    }
}
