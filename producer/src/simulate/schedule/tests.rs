use super::*;
use crate::simulate::{Course, FailureKind};

const KEY: Key<'_> = Key { seed: 9, machine_id: "MACHINE_001", start: 0 };

/// (event time, maintenance?, failing?) whenever one of them changes, sampled every `step` ms.
fn history(events: Events, step: i64, days: i64) -> Vec<(i64, bool, bool)> {
    let mut schedule = Schedule::new(KEY, &events);
    let mut seen = vec![(0, false, false)];
    for now in (0..days * DAY as i64).step_by(step as usize) {
        schedule.advance(now, KEY, &events);
        let state = (now, schedule.in_maintenance(), schedule.in_progress().is_some());
        if seen.last().is_none_or(|last| (last.1, last.2) != (state.1, state.2)) {
            seen.push(state);
        }
    }
    seen
}

#[test]
fn the_plants_own_maintenance_comes_every_5_to_9_days_and_lasts_15_to_120_minutes() {
    let events = Events::new(0.0, MaintenancePlan::Own);
    let seen = history(events, 60_000, 100);
    let turns: Vec<i64> = seen.iter().map(|s| s.0).collect();
    assert!(turns.len() > 22, "{turns:?}");
    for pair in turns[1..].chunks_exact(2) {
        assert!((14..=121).contains(&((pair[1] - pair[0]) / 60_000)), "{pair:?}");
    }
    for pair in turns.chunks_exact(2) {
        assert!((4.99..9.01).contains(&((pair[1] - pair[0]) as f64 / DAY)), "{pair:?}");
    }
}

#[test]
fn a_maintenance_interval_counts_from_the_end_of_the_last() {
    let events = Events::new(0.0, MaintenancePlan::Every(7200.0));
    let seen = history(events, 1_000, 2);
    assert_eq!(seen[1].0, 7_200_000);
    for pair in seen[2..].windows(2).step_by(2) {
        assert!(((pair[1].0 - pair[0].0) - 7_200_000).abs() <= 1_000, "{pair:?}");
    }
}

#[test]
fn a_failure_lasts_until_maintenance_and_never_begins_during_one() {
    let events = Events::new(0.05, MaintenancePlan::Own);
    let seen = history(events, 60_000, 400);
    assert!(seen.iter().filter(|s| s.2).count() > 30);
    for pair in seen.windows(2).filter(|pair| pair[0].2) {
        assert!(pair[1].1, "ended without maintenance: {pair:?}");
    }
    assert!(seen.iter().all(|s| !(s.1 && s.2)), "failing while maintained");
}

/// The figures that the README gives.
#[test]
fn the_rate_brings_the_documented_failures_a_day() {
    let days = 4000;
    for (rate, maintenance, documented) in [
        (0.01, MaintenancePlan::Own, 0.12),
        (0.2, MaintenancePlan::Own, 0.15),
        (0.01, MaintenancePlan::Every(86_400.0), 0.21),
        (0.05, MaintenancePlan::Every(7200.0), 0.75),
    ] {
        let seen = history(Events::new(rate, maintenance), 600_000, days);
        let begun = seen.windows(2).filter(|pair| pair[1].2 && !pair[0].2).count();
        let a_day = begun as f64 / days as f64;
        assert!((a_day / documented - 1.0).abs() < 0.12, "{rate} {maintenance:?}: {a_day}");
    }
}

#[test]
fn what_happens_does_not_depend_on_how_often_it_is_sampled() {
    let events = Events::new(0.02, MaintenancePlan::Own);
    let coarse = history(events, 3_600_000, 60);
    let fine = history(events, 60_000, 60);
    assert_eq!(coarse.iter().filter(|s| s.2).count(), fine.iter().filter(|s| s.2).count());
    for state in coarse.iter().filter(|s| s.2) {
        assert!(fine.iter().any(|f| f.2 && (0..3_600_000).contains(&(state.0 - f.0))));
    }
}

fn acted(acts: &[Act], step: i64, days: i64) -> (Schedule, Vec<Episode>) {
    let events = Events::new(0.0, MaintenancePlan::Never);
    let mut schedule = Schedule::new(KEY, &events);
    schedule.keep_diary();
    acts.iter().for_each(|act| schedule.act(*act));
    for now in (0..days * DAY as i64).step_by(step as usize) {
        schedule.advance(now, KEY, &events);
    }
    let ended = schedule.take_ended();
    (schedule, ended)
}

fn inject(at: i64) -> Act {
    let course = Course::Growing { hours: 2.0 };
    let deed = Deed::Inject { kind: FailureKind::OilLeak, course };
    Act { at, deed, cause: Cause::Command }
}

#[test]
fn acts_happen_at_their_time_whatever_the_order_they_are_said_in_and_the_sampling() {
    let clear = Act { at: 9_000_000, deed: Deed::Clear, cause: Cause::Command };
    let maintain = Act { at: 20_000_000, deed: Deed::Maintain { minutes: 30.0 }, cause: Cause::Scenario };
    let acts = [inject(1_000), clear, maintain];
    let expected = [
        (EpisodeKind::Failure(FailureKind::OilLeak), 1_000, 9_000_000, Cause::Command),
        (EpisodeKind::Maintenance, 20_000_000, 21_800_000, Cause::Scenario),
    ]
    .map(|(kind, start, end, cause)| Episode { kind, start, end: Some(end), cause });
    for (order, step) in [([0, 1, 2], 1_000), ([2, 1, 0], 60_000), ([1, 2, 0], 3_600_000)] {
        let acts = order.map(|index| acts[index]);
        assert_eq!(acted(&acts, step, 1).1, expected, "{order:?}");
    }
}

#[test]
fn a_failure_injected_into_a_stopped_machine_begins_with_its_restart() {
    let maintain = Act { at: 0, deed: Deed::Maintain { minutes: 120.0 }, cause: Cause::Command };
    let (schedule, ended) = acted(&[maintain, inject(60_000)], 60_000, 1);
    assert_eq!(ended.len(), 1, "the maintenance");
    let failure = schedule.open_episodes(DAY as i64).next().expect("a failure");
    assert_eq!((failure.start, failure.cause), (7_200_000, Cause::Command));
}

#[test]
fn a_second_failure_takes_the_place_of_the_first() {
    let (schedule, ended) = acted(&[inject(0), inject(3_600_000)], 60_000, 1);
    assert_eq!(ended.iter().map(|e| (e.start, e.end)).collect::<Vec<_>>(), [(0, Some(3_600_000))]);
    assert_eq!(schedule.in_progress().map(|f| f.start), Some(3_600_000));
}

#[test]
fn an_injected_failure_leaves_the_draws_of_chance_alone() {
    let events = Events::new(0.05, MaintenancePlan::Own);
    let after = |acts: &[Act]| {
        let mut schedule = Schedule::new(KEY, &events);
        schedule.keep_diary();
        acts.iter().for_each(|act| schedule.act(*act));
        schedule.advance(100 * DAY as i64, KEY, &events);
        schedule.take_ended()
    };
    let clear = Act { at: 60_000, deed: Deed::Clear, cause: Cause::Command };
    let with: Vec<Episode> =
        after(&[inject(0), clear]).into_iter().filter(|e| e.cause == Cause::Automatic).collect();
    assert!(with.len() > 20);
    assert_eq!(with, after(&[]));
}

#[test]
fn a_failure_that_is_still_to_come_leaves_the_one_that_fades_alone() {
    let events = Events::new(1.0, MaintenancePlan::Every(7200.0));
    let mut schedule = Schedule::new(KEY, &events);
    let (mut showed, mut came_while_fading) = (false, 0);
    for now in (0..20 * DAY as i64).step_by(60_000) {
        schedule.advance(now, KEY, &events);
        assert!(schedule.showing().is_some() || !showed, "the fade is cut at {now}");
        showed |= schedule.showing().is_some();
        came_while_fading += u32::from(schedule.cleared && schedule.next.is_some());
    }
    assert!(came_while_fading > 100, "{came_while_fading}");
}

/// Episodes of a year, sampled every `step` ms.
fn episodes(events: Events, acts: &[Act], step: i64) -> Vec<Episode> {
    let mut schedule = Schedule::new(KEY, &events);
    schedule.keep_diary();
    acts.iter().for_each(|act| schedule.act(*act));
    (0..365 * DAY as i64).step_by(step as usize).for_each(|now| {
        schedule.advance(now, KEY, &events);
    });
    schedule.take_ended()
}

fn failures(episodes: &[Episode]) -> Vec<Episode> {
    let is_failure = |episode: &&Episode| matches!(episode.kind, EpisodeKind::Failure(_));
    episodes.iter().filter(is_failure).copied().collect()
}

/// The automatic failure of the hour in which an episode began.
fn drawn(episode: &Episode, rate: f64) -> Failure {
    let hour = episode.start - episode.start % HOUR;
    let failure = Failure::draw(&mut KEY.random(Stream::Failures, hour), rate, hour);
    failure.expect("its hour has one, whatever else is asked for")
}

const REPAIRED: Events = Events { repair_after: Some(2 * HOUR), ..Events::new(0.02, MaintenancePlan::Own) };

#[test]
fn an_automatic_failure_is_held_at_full_severity_for_two_hours_and_then_maintained() {
    let all = episodes(REPAIRED, &[], 60_000);
    let failures = failures(&all);
    assert!(failures.len() > 50, "{}", failures.len());
    for failure in failures {
        let end = failure.start + i64::from(drawn(&failure, 0.02).growth) + 2 * HOUR;
        assert_eq!(failure.end, Some(end), "whatever maintenance would have come before");
        let maintenance = all.iter().find(|e| e.kind == EpisodeKind::Maintenance && e.start == end);
        let maintenance = maintenance.expect("it is maintenance that ends it");
        let minutes = (maintenance.end.expect("ended") - maintenance.start) / 60_000;
        assert!((15..=120).contains(&minutes) && maintenance.cause == Cause::Automatic);
    }
    assert_eq!(all, episodes(REPAIRED, &[], 3_600_000), "however often it is sampled");
}

#[test]
fn until_the_first_failure_everything_is_as_without_repairs() {
    let without = episodes(Events::new(0.001, MaintenancePlan::Own), &[], 60_000);
    let with = episodes(Events { failure_rate: 0.001, ..REPAIRED }, &[], 60_000);
    let same = with.iter().zip(&without).take_while(|(one, other)| one == other).count();
    let (with, without) = (with[same], without[same]);
    assert_eq!((with.kind, with.start), (without.kind, without.start));
    assert!(same >= 3 && matches!(with.kind, EpisodeKind::Failure(_)), "{same} {with:?}");
}

#[test]
fn what_somebody_injects_is_not_repaired() {
    let events = Events { maintenance: MaintenancePlan::Never, failure_rate: 0.0, ..REPAIRED };
    assert_eq!(episodes(events, &[inject(0)], 3_600_000), []);
    let clear = Act { at: 364 * DAY as i64, deed: Deed::Clear, cause: Cause::Command };
    assert_eq!(failures(&episodes(events, &[inject(0), clear], 3_600_000))[0].end, Some(clear.at));
}

#[test]
fn no_automatic_failure_begins_before_the_time_that_is_asked_for_and_the_others_stay() {
    let from = 7 * DAY as i64 + 1_234_567;
    let all = failures(&episodes(Events { failures_from: from, ..REPAIRED }, &[], 60_000));
    assert!(all.len() > 50 && all.iter().all(|failure| failure.start >= from));
    for failure in &all {
        let drawn = drawn(failure, 0.02);
        assert_eq!((failure.kind, failure.start), (EpisodeKind::Failure(drawn.kind), drawn.start));
    }
    let early = inject(HOUR);
    let acted = failures(&episodes(Events { failures_from: from, ..REPAIRED }, &[early], 60_000));
    assert_eq!(acted[0].start, HOUR, "what is injected begins when it is said");
}
