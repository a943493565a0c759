use std::fmt;

use millrace_core::Result;

use super::Options;
use super::resolve::Check;

/// A part of a fleet that several producers share: every `of`th machine, beginning with the `number`th.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Which of the producers, from 1.
    pub number: usize,
    /// How many producers there are.
    pub of: usize,
}

impl Share {
    /// The whole fleet.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// Whether the machine at this place in the fleet, counted from 0, is one of the share.
    pub fn has(self, place: usize) -> bool {
        place % self.of == self.number - 1
    }

    /// Whether it answers for the fleet, and for machines that nobody has.
    pub fn is_first(self) -> bool {
        self.number == 1
    }

    /// What must be said too: producers that each draw a seed or a start are no shares of one fleet.
    pub(crate) fn lacks(self, seed_is_said: bool, start_is_said: bool) -> Option<String> {
        let missing = [("--seed", !seed_is_said), ("--start", !start_is_said)];
        let (flag, _) = missing.into_iter().find(|(_, missing)| *missing && self.of > 1)?;
        Some(format!("{self} needs {flag} too, the same for all {}", self.of))
    }

    fn parse(text: &str) -> Option<Self> {
        let (number, of) = text.split_once('/')?;
        let share = Self { number: number.parse().ok()?, of: of.parse().ok()? };
        (1..=share.of).contains(&share.number).then_some(share)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl Check<'_> {
    pub(super) fn share(&self, said: &Options, fleet: usize) -> Result<Share> {
        let Some(text) = said.share.as_deref() else { return Ok(Share::WHOLE) };
        let Some(share) = Share::parse(text) else {
            return self.refuse("share", format!("`{text}` is no share such as 2/4, the second of four"));
        };
        if share.number > fleet {
            return self.refuse("share", format!("{share} leaves no machine of {fleet}"));
        }
        self.share_is_repeatable(share, said)?;
        Ok(share)
    }

    /// Whether a run that is resumed is there, which knows both, turns out later.
    fn share_is_repeatable(&self, share: Share, said: &Options) -> Result<()> {
        match share.lacks(said.seed.is_some(), said.start.is_some()) {
            Some(problem) if said.resume != Some(true) => self.refuse("share", problem),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_leave_no_machine_out_and_have_none_in_common() {
        let shares: Vec<Share> = (1..=3).map(|number| Share { number, of: 3 }).collect();
        for place in 0..20 {
            assert_eq!(shares.iter().filter(|share| share.has(place)).count(), 1, "{place}");
        }
    }

    #[test]
    fn shares_of_one_fleet_are_told_seed_and_start() {
        let share = Share { number: 2, of: 2 };
        let lacks = |seed, start| share.lacks(seed, start).unwrap_or_default();
        assert_eq!(lacks(false, true), "2/2 needs --seed too, the same for all 2");
        assert_eq!(lacks(true, false), "2/2 needs --start too, the same for all 2");
        assert_eq!((share.lacks(true, true), Share::WHOLE.lacks(false, false)), (None, None));
    }

    #[test]
    fn a_share_is_a_number_and_how_many_there_are() {
        assert_eq!(Share::parse("2/4"), Some(Share { number: 2, of: 4 }));
        for wrong in ["", "2", "0/4", "5/4", "-1/4", "1/0", "a/b", "1/2/3"] {
            assert_eq!(Share::parse(wrong), None, "{wrong}");
        }
    }
}
