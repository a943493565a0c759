//! What can be done to a machine while it is simulated.

use super::failure::FailureKind;

/// Why something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The plant's own chance.
    Automatic,
    /// A scenario file.
    Scenario,
    /// A control command.
    Command,
}

impl Cause {
    /// The name in episodes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Scenario => "scenario",
            Self::Command => "command",
        }
    }
}

/// How severe an injected failure is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Course {
    /// It grows to full severity within so many stream hours, in the shape most common for its kind.
    Growing {
        /// Stream hours, above 0 and at most 1000.
        hours: f64,
    },
    /// It has this severity at once and keeps it.
    Fixed {
        /// 0.01 to 1, in steps of 0.01.
        severity: f64,
    },
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Deed {
    /// A failure begins, in place of one in progress; on a stopped machine it begins with the restart.
    Inject {
        /// Which one.
        kind: FailureKind,
        /// How severe it is.
        course: Course,
    },
    /// The failure in progress ends, and its effects fade; one injected for later does not begin.
    Clear,
    /// The machine stops for maintenance, or stays stopped for at least as long.
    Maintain {
        /// Stream minutes, above 0.
        minutes: f64,
    },
}

/// Something that is done to one machine at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Act {
    /// Event time, milliseconds since 1970-01-01T00:00:00Z. It shows in the first sample not before it.
    pub at: i64,
    /// What is done.
    pub deed: Deed,
    /// Why.
    pub cause: Cause,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simulate::{Clock, Events, MaintenancePlan, Plant, Truth};

    const MACHINES: usize = 3;
    const MINUTES: u64 = 600;

    /// What a plant shows in ten hours, a row each sample: machine, event time, sensors, severity.
    fn rows(rate: f64, acts: &[(usize, Act)]) -> Vec<(usize, i64, [Option<f64>; 7], Truth)> {
        let events = Events::new(0.1, MaintenancePlan::Every(20_000.0));
        let ids: Vec<String> = (0..MACHINES).map(|n| format!("MACHINE_{n:03}")).collect();
        let mut plant = Plant::new(3, Clock { start: 0, rate }, events, &ids);
        acts.iter().for_each(|(machine, act)| plant.act(*machine, *act));
        let mut rows = Vec::new();
        for _ in 0..(MINUTES as f64 * 60.0 * rate) as u64 {
            plant.tick(|machine, reading, truth| {
                rows.push((machine, reading.timestamp, reading.sensors, truth))
            });
        }
        rows
    }

    fn deeds() -> impl Strategy<Value = Deed> {
        let kind = prop::sample::select(FailureKind::ALL.to_vec());
        prop_oneof![
            (kind.clone(), 0.1..5.0)
                .prop_map(|(kind, hours)| Deed::Inject { kind, course: Course::Growing { hours } }),
            (kind, 0.1..1.0)
                .prop_map(|(kind, severity)| Deed::Inject { kind, course: Course::Fixed { severity } }),
            Just(Deed::Clear),
            (1.0..100.0).prop_map(|minutes| Deed::Maintain { minutes }),
        ]
    }

    prop_compose! {
        fn acts()(at in 0..MINUTES as i64 * 60_000, deed in deeds(), machine in 0..MACHINES) -> (usize, Act) {
            (machine, Act { at, deed, cause: Cause::Command })
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn an_act_changes_its_own_machine_only_and_nothing_before_it((machine, act) in acts()) {
            let (without, with) = (rows(1.0 / 60.0, &[]), rows(1.0 / 60.0, &[(machine, act)]));
            for (without, with) in without.iter().zip(&with) {
                if with.0 != machine || with.1 < act.at {
                    prop_assert_eq!(without, with);
                }
            }
        }

        #[test]
        fn acts_of_different_times_may_be_said_in_any_order(mut acts in prop::collection::vec(acts(), 2..6)) {
            acts.sort_by_key(|(_, act)| act.at);
            acts.dedup_by_key(|(_, act)| act.at);
            let in_order = rows(1.0 / 60.0, &acts);
            acts.reverse();
            prop_assert_eq!(in_order, rows(1.0 / 60.0, &acts));
        }

        #[test]
        fn acts_happen_when_they_happen_however_often_the_plant_is_sampled(
            acts in prop::collection::vec(acts(), 1..5)
        ) {
            let (coarse, fine) = (rows(1.0 / 60.0, &acts), rows(1.0 / 20.0, &acts));
            let truths = |rows: &[(usize, i64, [Option<f64>; 7], Truth)]| -> Vec<_> {
                let at_minutes = rows.iter().filter(|row| row.1 % 60_000 == 0);
                at_minutes.map(|row| (row.0, row.1, row.3)).collect()
            };
            prop_assert_eq!(truths(&coarse), truths(&fine));
        }
    }

    #[test]
    fn of_two_acts_at_one_moment_the_one_said_first_is_done_first() {
        let kinds = [FailureKind::OilLeak, FailureKind::Overheating];
        let inject = |kind| Deed::Inject { kind, course: Course::Fixed { severity: 1.0 } };
        let at = |deed| (0, Act { at: 60_000, deed, cause: Cause::Command });
        let last = |deeds: &[Deed]| {
            let acts: Vec<_> = deeds.iter().map(|deed| at(*deed)).collect();
            rows(1.0 / 60.0, &acts)[3 * MACHINES].3.failure
        };
        assert_eq!(last(&kinds.map(inject)), Some(FailureKind::Overheating));
        assert_eq!(last(&[inject(kinds[0]), Deed::Clear]), None);
        assert_eq!(last(&[Deed::Clear, inject(kinds[0])]), Some(FailureKind::OilLeak));
    }
}
