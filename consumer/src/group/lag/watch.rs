use std::collections::{BTreeMap, VecDeque};

use super::PartitionLag;

/// Rates are told over so many seconds.
const OVER: f64 = 30.0;
/// Looks that are kept of a partition; where there are more, every second one goes.
const MOST: usize = 1_000;

/// What was seen of a partition at a time.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: f64,
    committed: i64,
    end: i64,
}

/// What was seen of a group so far, from which follows what one look cannot tell: rates, and how long ago the
/// offset that is now committed was the end.
#[derive(Debug, Default)]
pub struct Watch {
    looks: BTreeMap<(String, i32), VecDeque<Look>>,
}

impl Watch {
    /// Notes what was measured at a time, in seconds, and adds what follows.
    pub fn note(&mut self, at: f64, lags: &mut [PartitionLag]) {
        for lag in lags {
            let looks = self.looks.entry((lag.topic.clone(), lag.partition)).or_default();
            looks.push_back(Look { at, committed: lag.committed, end: lag.end });
            if looks.len() > MOST {
                let mut count = 0;
                looks.retain(|_| {
                    count += 1;
                    count % 2 == 1 || count > MOST / 2
                });
            }
            rates(looks, lag);
            if lag.lag_wall_s.is_none() {
                lag.lag_wall_s = passed(looks, lag.next()).map(|then| at - then);
            }
        }
    }
}

fn rates(looks: &VecDeque<Look>, lag: &mut PartitionLag) {
    let Some(now) = looks.back() else { return };
    let Some(then) = looks.iter().find(|look| now.at - look.at <= OVER).filter(|look| look.at < now.at)
    else {
        return;
    };
    let a_second = |more: i64| more.max(0) as f64 / (now.at - then.at);
    let (read, arriving) = (a_second(now.committed - then.committed), a_second(now.end - then.end));
    (lag.read_per_s, lag.arriving_per_s) = (Some(read), Some(arriving));
    lag.catch_up_s = match lag.lag {
        0 => Some(0.0),
        records => (read > arriving).then(|| records as f64 / (read - arriving)),
    };
}

/// When the end passed an offset, between two looks by the rate there; `None` where that was before the first.
fn passed(looks: &VecDeque<Look>, offset: i64) -> Option<f64> {
    let before = looks.iter().rev().find(|look| look.end <= offset)?;
    let Some(after) = looks.iter().find(|look| look.at > before.at) else { return Some(before.at) };
    let share = (offset - before.end) as f64 / (after.end - before.end).max(1) as f64;
    Some(before.at + share.clamp(0.0, 1.0) * (after.at - before.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(committed: i64, end: i64) -> PartitionLag {
        PartitionLag { committed, end, lag: end - committed, ..PartitionLag::default() }
    }

    fn last(looks: &[(f64, i64, i64)]) -> PartitionLag {
        let mut watch = Watch::default();
        let mut seen = vec![PartitionLag::default()];
        for (at, committed, end) in looks {
            seen = vec![lag(*committed, *end)];
            watch.note(*at, &mut seen);
        }
        seen.remove(0)
    }

    #[test]
    fn rates_are_those_of_the_last_half_minute() {
        let seen =
            last(&[(0.0, 0, 9_000), (60.0, 1_000, 10_000), (70.0, 3_000, 10_500), (80.0, 5_000, 11_000)]);
        assert_eq!((seen.read_per_s, seen.arriving_per_s), (Some(200.0), Some(50.0)));
        assert_eq!(seen.catch_up_s, Some(40.0));
    }

    #[test]
    fn one_that_reads_no_faster_than_records_come_never_catches_up() {
        let seen = last(&[(0.0, 0, 100), (10.0, 50, 150)]);
        assert_eq!((seen.read_per_s, seen.catch_up_s), (Some(5.0), None));
        assert_eq!(last(&[(0.0, 0, 10), (1.0, 20, 20)]).catch_up_s, Some(0.0));
    }

    #[test]
    fn one_look_tells_no_rate() {
        assert_eq!(last(&[(3.0, 5, 10)]), lag(5, 10));
    }

    #[test]
    fn the_time_behind_is_since_the_committed_offset_was_the_end() {
        assert_eq!(last(&[(0.0, 0, 100), (10.0, 100, 200), (20.0, 150, 300)]).lag_wall_s, Some(15.0));
        assert_eq!(last(&[(0.0, 0, 100), (10.0, 50, 200)]).lag_wall_s, None, "it was before the first look");
        assert_eq!(last(&[(0.0, 0, 100), (10.0, 100, 100), (20.0, 100, 120)]).lag_wall_s, Some(10.0));
    }

    #[test]
    fn what_is_kept_is_bounded_and_still_tells_how_long() {
        let mut watch = Watch::default();
        let mut seen = Vec::new();
        for second in 0..20_000_i32 {
            seen = vec![lag(5_000, i64::from(second) * 10)];
            watch.note(f64::from(second), &mut seen);
        }
        assert!(watch.looks.values().all(|looks| looks.len() <= MOST));
        let behind = seen[0].lag_wall_s.expect("seen since its beginning");
        assert!((behind - 19_499.0).abs() < 100.0, "{behind}");
    }
}
