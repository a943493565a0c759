use std::collections::BTreeMap;
use std::str::FromStr;

use millrace_core::cli;
use nix::sys::signal::{Signal, raise};

use super::nth;

/// A place on the way of records at which a run can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// Records have come, and nothing was done with them.
    AfterPoll,
    /// A record is in the state; what follows from it has not left.
    AfterProcess,
    /// All that follows from the records has arrived.
    AfterProduce,
    /// The next thing is the commit.
    BeforeCommit,
    /// The offsets are committed, or were given to the client for it.
    AfterCommit,
}

impl Point {
    const ALL: [Self; 5] =
        [Self::AfterPoll, Self::AfterProcess, Self::AfterProduce, Self::BeforeCommit, Self::AfterCommit];

    fn name(self) -> &'static str {
        match self {
            Self::AfterPoll => "after-poll",
            Self::AfterProcess => "after-process",
            Self::AfterProduce => "after-produce",
            Self::BeforeCommit => "before-commit",
            Self::AfterCommit => "after-commit",
        }
    }
}

/// The end of a run at a point that is reached for this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// Where.
    pub point: Point,
    /// Counted from 1.
    pub time: u64,
}

impl FromStr for Crash {
    type Err = String;

    /// Understands `after-process:1000`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, time) = text.split_once(':').unwrap_or((text, ""));
        let point = Point::ALL.into_iter().find(|point| point.name() == name).ok_or_else(|| {
            format!("`{name}` is no point; {}", cli::suggestion(name, Point::ALL.map(Point::name)))
        })?;
        let time = nth(time).ok_or_else(|| format!("`{text}` does not say which time, as in {name}:1"))?;
        Ok(Self { point, time })
    }
}

/// Burns until the point is reached for the right time.
#[derive(Debug)]
pub(super) struct Fuse {
    crash: Crash,
    reached: u64,
    records: BTreeMap<Point, u64>,
}

impl Fuse {
    pub fn new(crash: Crash) -> Self {
        Self { crash, reached: 0, records: BTreeMap::new() }
    }

    /// Whether the time has come. A point with no records since the last time does not count.
    pub fn burns_down(&mut self, point: Point, records: u64) -> bool {
        let before = self.records.insert(point, records).unwrap_or(0);
        if point != self.crash.point || records == before {
            return false;
        }
        self.reached += 1;
        self.reached == self.crash.time
    }
}

/// Leaves as one who is killed: nothing is flushed, committed or said to the group.
pub(super) fn end_as_sigkill_would(point: Point) -> ! {
    eprintln!("crashing at {}, as --crash-at says", point.name());
    // No handler can catch it, so there is nothing left to do about an error.
    let _ = raise(Signal::SIGKILL);
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_a_point_and_a_time() {
        assert_eq!("after-poll:3".parse(), Ok(Crash { point: Point::AfterPoll, time: 3 }));
        let refusals = ["after-pol:3", "after-commit", "after-commit:0", ""];
        let refusals = refusals.map(|text| text.parse::<Crash>().expect_err(text));
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn a_point_counts_when_more_records_are_behind_it() {
        let mut fuse = Fuse::new(Crash { point: Point::BeforeCommit, time: 2 });
        assert!(!fuse.burns_down(Point::BeforeCommit, 0), "nothing was read yet");
        assert!(!fuse.burns_down(Point::BeforeCommit, 10));
        assert!(!fuse.burns_down(Point::BeforeCommit, 10), "nothing came since");
        assert!(!fuse.burns_down(Point::AfterCommit, 20));
        assert!(fuse.burns_down(Point::BeforeCommit, 11));
        assert!(!fuse.burns_down(Point::BeforeCommit, 12));
    }
}
