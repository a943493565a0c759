use std::collections::BTreeMap;

/// Late records of one machine, until they are due.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// By the event time from which on they may go, and their sequence.
    waiting: BTreeMap<(i64, i64), Late>,
}

/// A record that was held back.
#[derive(Debug, PartialEq)]
pub(super) struct Late {
    /// Its own event time.
    pub timestamp: i64,
    /// Its bytes, as they would have been written in time.
    pub bytes: Vec<u8>,
}

impl Held {
    pub fn hold(&mut self, due: i64, sequence: i64, late: Late) {
        self.waiting.insert((due, sequence), late);
    }

    /// The next record that is due at `now`; at the end of the run all are.
    pub fn next_due(&mut self, now: i64) -> Option<Late> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_goes_in_the_order_in_which_it_is_due() {
        let mut held = Held::default();
        let late = |timestamp| Late { timestamp, bytes: vec![timestamp as u8] };
        for (due, sequence) in [(50, 1), (30, 2), (50, 0), (90, 3)] {
            held.hold(due, sequence, late(sequence));
        }
        let mut due = |now| -> Vec<i64> {
            std::iter::from_fn(|| held.next_due(now)).map(|late| late.timestamp).collect()
        };
        assert!(due(29).is_empty());
        assert_eq!(due(50), [2, 0, 1]);
        assert_eq!(due(i64::MAX), [3]);
    }
}
