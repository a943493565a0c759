//! Windows that close: tumbling and hopping, by event time, aligned to the epoch.
//!
//! What is closed when, and in which order, follows from the records of a partition in their order alone, not
//! from the time of day, from batches, or from where a run ends; an end of a run closes nothing. Three rules
//! make it so:
//!
//! - **A machine's clock** ([`Clock`]) is its newest event time. A window of a machine closes when that clock
//!   passes the window's end by the allowed lateness. What comes later for it goes aside.
//! - **An idle machine's windows** close when the partition's clock ([`PartitionClock`]) passes end and lateness
//!   by [`GRACE`]. Idle is who has sent nothing while that clock moved on by as much, so a machine whose clock
//!   is behind the others' is not idle as long as it sends.
//! - **A leap of more than [`DAY`]** is believed only when others agree: a machine's clock leaps when three of
//!   its readings in a row are so far ahead, the partition's when three readings in a row are, of two machines or
//!   more, or a thousand of one. Until then such a reading is in its window, but closes nothing, so a clock gone
//!   wrong spoils no more than its own machine's windows.
//!
//! Memory is bounded: a machine has windows open between its horizon and its clock, at most
//! [`MOST_OPEN`](Closing::MOST_OPEN), and those of at most 16 readings whose leap is not believed; further ones
//! go aside. A window takes less than 1 KiB whatever it holds.

mod clock;
mod machine;
mod open;
mod partition;

pub use clock::{Clock, PartitionClock};
pub use machine::MachineWindows;
pub use partition::PartitionWindows;

/// How far event time must pass an idle machine's window beyond the lateness, in milliseconds.
pub const GRACE: i64 = 5 * 60_000;
/// A longer leap of a clock, in milliseconds, is believed only when others agree.
pub const DAY: i64 = 86_400_000;
/// Times further from 1970 than this belong to no window: they would leave the numbers that hold them.
const FARTHEST: i64 = 8_640_000_000_000_000;

/// Which windows there are, and when they close. All in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    size: i64,
    hop: i64,
    lateness: i64,
}

impl Closing {
    /// Windows of one machine that may be open at a time, but for those ahead of its clock.
    pub const MOST_OPEN: i64 = 1000;

    /// Windows of `size` that begin every `hop`, and stay open for `lateness` behind their end.
    ///
    /// # Errors
    /// A clause about what does not fit: a hop beyond the size leaves gaps, and too many windows would be open.
    pub fn new(size: i64, hop: i64, lateness: i64) -> Result<Self, String> {
        if !(1..=size).contains(&hop) {
            return Err(
                "it must be from 1ms to the length of a window, or readings would be in none".to_owned()
            );
        }
        let open = (size + lateness - 1) / hop + 1;
        if lateness < 0 || open > Self::MOST_OPEN {
            let most = Self::MOST_OPEN;
            return Err(format!(
                "a machine would have {open} windows open, and at most {most} may be: \
                 take a longer hop or window, or less lateness"
            ));
        }
        Ok(Self { size, hop, lateness })
    }

    /// Begins of the windows that hold a time, the oldest first.
    fn starts(self, time: i64) -> impl Iterator<Item = i64> {
        let last = time.div_euclid(self.hop) * self.hop;
        let before = (last + self.size - 1 - time) / self.hop;
        (0..=before).rev().map(move |back| last - back * self.hop)
    }

    /// The most windows that hold one reading.
    fn of_a_reading(self) -> usize {
        usize::try_from((self.size - 1) / self.hop + 1).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_leaves_gaps_or_opens_too_many_windows_is_refused() {
        assert!(Closing::new(60, 61, 0).is_err() && Closing::new(60, 0, 0).is_err());
        assert!(Closing::new(1001, 1, 0).is_err() && Closing::new(1000, 1, 0).is_ok());
        assert!(Closing::new(1000, 1000, 3_600_000).is_err(), "3,601 windows");
    }

    #[test]
    fn a_time_is_in_all_windows_that_hold_it() {
        let starts = |time| Closing::new(60, 25, 0).expect("a rule").starts(time).collect::<Vec<_>>();
        assert_eq!(starts(0), [-50, -25, 0]);
        assert_eq!(starts(9), [-50, -25, 0]);
        assert_eq!(starts(10), [-25, 0]);
        assert_eq!(starts(-1), [-50, -25]);
    }

    #[test]
    fn an_open_window_takes_at_most_1_kib() {
        assert!(size_of::<open::Open>() <= 1024, "{}", size_of::<open::Open>());
    }
}
