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

    /// Producers that each draw a seed or a start are no shares of one fleet.
    fn share_is_repeatable(&self, share: Share, said: &Options) -> Result<()> {
        let missing = [("--seed", said.seed.is_none()), ("--start", said.start.is_none())];
        let is_new = said.resume != Some(true);
        match missing.iter().find(|(_, missing)| *missing && share.of > 1 && is_new) {
            Some((flag, _)) => {
                self.refuse("share", format!("{share} needs {flag} too, the same for all {}", share.of))
            }
            None => Ok(()),
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
    fn a_share_is_a_number_and_how_many_there_are() {
        assert_eq!(Share::parse("2/4"), Some(Share { number: 2, of: 4 }));
        for wrong in ["", "2", "0/4", "5/4", "-1/4", "1/0", "a/b", "1/2/3"] {
            assert_eq!(Share::parse(wrong), None, "{wrong}");
        }
    }
}
