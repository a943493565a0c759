use crate::random::Random;

/// What every method is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Baseline {
    /// An alarm that begins with the first row and never ends.
    Always,
    /// Chance: a number is drawn anew every 60 rows, and one in ten is an alarm.
    Random,
}

/// How long a number that was drawn holds: long enough to open an alert.
const HOLDS: usize = 60;
/// Up to where it is no alarm.
const QUIET: f64 = 0.9;

impl Baseline {
    pub const ALL: [Self; 2] = [Self::Always, Self::Random];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always_alarm",
            Self::Random => "random",
        }
    }

    /// Scores of so many rows in order, in thresholds; `part` tells files apart.
    pub fn scores(self, rows: usize, part: u64) -> Vec<f64> {
        self.held(rows, part, HOLDS)
    }

    /// Scores of rows without an order.
    pub fn unordered(self, rows: usize) -> Vec<f64> {
        self.held(rows, 0, 1)
    }

    fn held(self, rows: usize, part: u64, holds: usize) -> Vec<f64> {
        let mut random = Random::new(0, part);
        let mut drawn = 0.0;
        let score = |row: usize| match self {
            Self::Always => 2.0,
            Self::Random => {
                drawn = if row.is_multiple_of(holds) { random.unit() / QUIET } else { drawn };
                drawn
            }
        };
        (0..rows).map(score).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_alarms_in_a_tenth_of_the_time_and_differs_from_file_to_file() {
        let scores = Baseline::Random.scores(600_000, 3);
        let above = scores.iter().filter(|score| **score > 1.0).count() as f64 / 600_000.0;
        assert!((above - 0.1).abs() < 0.01, "{above}");
        assert_eq!(scores[..600], Baseline::Random.scores(600, 3));
        assert_ne!(scores[..600], Baseline::Random.scores(600, 4));
        assert!(Baseline::Always.scores(9, 0).iter().all(|score| *score > 1.0));
    }
}
