use serde::{Deserialize, Serialize};

use crate::methods::residual::Minute;

/// Minutes after a stop that are not judged: the machine warms up.
const RUNNING_IN: i64 = 180;
/// After so many minutes without a reading, what was remembered says nothing of what comes.
const GAP: i64 = 60;

/// Keeps minutes away from methods that know nothing of stops.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Gate {
    /// The last minute in which the machine stood still.
    stopped: Option<i64>,
    /// The last minute that passed.
    passed: Option<i64>,
}

/// Whether a minute is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    /// It is not.
    Closed,
    /// It is, and nothing is remembered.
    Anew,
    /// It is, behind those before.
    Open,
}

impl Gate {
    pub fn pass(&mut self, minute: &Minute) -> Passage {
        if minute.is_stopped() {
            self.stopped = Some(minute.minute);
        }
        if self.stopped.is_some_and(|stopped| minute.minute < stopped.saturating_add(RUNNING_IN)) {
            return Passage::Closed;
        }
        let before = self.passed.replace(minute.minute);
        match before {
            Some(before) if minute.minute <= before.saturating_add(GAP) => Passage::Open,
            _ => Passage::Anew,
        }
    }
}

/// The minutes that are judged: neither stopped nor within three hours of a stop.
pub fn judged(minutes: &[Minute]) -> Vec<&Minute> {
    let mut gate = Gate::default();
    minutes.iter().filter(|minute| gate.pass(minute) != Passage::Closed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::residual::SENSORS;

    #[test]
    fn a_stop_closes_the_gate_for_three_hours_and_a_gap_begins_anew() {
        let mut gate = Gate::default();
        let mut pass = |minute: i64, maintained: bool| {
            gate.pass(&Minute { minute, maintained, sensors: [50.0; SENSORS] })
        };
        assert_eq!(pass(0, false), Passage::Anew, "nothing came before");
        assert_eq!(pass(1, false), Passage::Open);
        assert_eq!(pass(10, true), Passage::Closed);
        assert_eq!(pass(189, false), Passage::Closed);
        assert_eq!(pass(190, false), Passage::Anew);
        assert_eq!(pass(250, false), Passage::Open);
        assert_eq!(pass(311, false), Passage::Anew);
    }
}
