use super::course::{Alert, Course};
use super::read::{Episode, Machine};
use crate::evaluate::picture::{Picture, roc, strips};
use crate::evaluate::track::{BUFFER, Track, delay};
use crate::evaluate::{Evaluation, Figure, Figures, mean};
use crate::maths::measure::{average_precision, roc_auc};
use crate::maths::quantile::{median, quantile};
use crate::maths::vus::{Series, vus_pr};
use crate::methods::residual::{Failure, beyond_critical};

const WEEK: i64 = 7 * 1440;
/// An alert may still stand for this long after the failure has ended: the machine is being restarted.
const AFTERMATH: i64 = 240;

/// A failure, and what was said of it.
struct Case<'a> {
    failure: Failure,
    /// Whether an alert stood at all while it lasted, be it too late.
    noticed: bool,
    found: Option<Found<'a>>,
}

struct Found<'a> {
    delay: f64,
    severity: f64,
    alert: &'a Alert,
}

pub(super) fn of(figures: &Figures<'_>, fleet: &[Machine], courses: &[Course]) -> Evaluation {
    let pairs = || fleet.iter().zip(courses);
    let cases: Vec<Case<'_>> = pairs()
        .flat_map(|(machine, course)| {
            machine.failures.iter().filter_map(|episode| case(machine, episode, course))
        })
        .collect();
    let found: Vec<&Found<'_>> = cases.iter().filter_map(|case| case.found.as_ref()).collect();
    let of = |value: fn(&Found<'_>) -> f64| found.iter().map(|found| value(found)).collect::<Vec<f64>>();
    let some = |value: f64| (!found.is_empty()).then_some(value);
    let mut severities = of(|found| found.severity);
    let delays: Vec<f64> =
        cases.iter().map(|case| case.found.as_ref().map_or(f64::INFINITY, |found| found.delay)).collect();
    let mut all = vec![
        figures.of("episodes", cases.len() as f64),
        figures.of("found", share(&cases, |case| case.found.is_some())),
        figures.of("event_recall", share(&cases, |case| case.noticed)),
        figures.of("severity_median", some(median(&mut severities))),
        figures.of("severity_p90", some(quantile(&mut severities, 0.9))),
        figures.of("delay_minutes_median", delay(&delays, 0.5)),
        figures.of("delay_minutes_p90", delay(&delays, 0.9)),
    ];
    all.extend(precision(figures, fleet, courses));
    all.extend(named(figures, &cases));
    let tracks: Vec<Track> = fleet.iter().zip(courses).map(|pair| track(pair.0, pair.1)).collect();
    let (by_minute, roc) = by_minute(figures, &tracks, courses);
    all.extend(by_minute);
    let picture = Picture {
        dataset: figures.dataset,
        algorithm: figures.algorithm,
        file: figures.file.to_owned(),
        strips: strips(tracks.iter().zip(courses.iter().map(|course| course.open().collect()))),
        roc,
        delays,
        unit: "minutes",
    };
    Evaluation { figures: all, pictures: vec![picture] }
}

fn case<'a>(machine: &Machine, episode: &Episode, course: &'a Course) -> Option<Case<'a>> {
    let from = machine.minutes.partition_point(|minute| minute.minute < episode.start);
    let critical = machine.minutes[from..].iter().take_while(|minute| minute.minute < episode.end);
    let critical = critical
        .filter(|minute| beyond_critical(&minute.sensors).is_some())
        .map(|minute| minute.minute)
        .next();
    let until = critical.unwrap_or(episode.end);
    let alert = course.alerts.iter().find(|alert| alert.closed > episode.start && alert.opened <= until);
    let found = alert.filter(|alert| alert.opened < episode.end).map(|alert| {
        let delay = (alert.opened - episode.start).max(0);
        let severity = episode.severity.get(delay as usize).or(episode.severity.last());
        Found { delay: delay as f64, severity: severity.copied().unwrap_or(0.0), alert }
    });
    let noticed =
        course.alerts.iter().any(|alert| alert.opened < episode.end && alert.closed > episode.start);
    // What the end of the run cut off before it was found or critical proves nothing.
    let decided = found.is_some() || critical.is_some() || episode.end < i64::MAX;
    decided.then_some(Case { failure: episode.failure, noticed, found })
}

fn share(cases: &[Case<'_>], right: fn(&Case<'_>) -> bool) -> Option<f64> {
    mean(cases.iter().map(|case| f64::from(u8::from(right(case)))))
}

fn belongs(alert: &Alert, machine: &Machine) -> bool {
    let during = |episode: &Episode| {
        alert.opened >= episode.start && alert.opened < episode.end.saturating_add(AFTERMATH)
    };
    machine.failures.iter().any(during)
}

fn precision(figures: &Figures<'_>, fleet: &[Machine], courses: &[Course]) -> Vec<Figure> {
    let (mut weeks, mut late, mut false_ever, mut ever) = (0.0, 0.0, 0.0, 0.0);
    for (machine, course) in fleet.iter().zip(courses) {
        let first = machine.minutes.first().map_or(0, |minute| minute.minute);
        let last = machine.minutes.last().map_or(0, |minute| minute.minute);
        weeks += (last - first - WEEK).max(0) as f64 / WEEK as f64;
        for alert in &course.alerts {
            ever += 1.0;
            let wrong = f64::from(u8::from(!belongs(alert, machine)));
            false_ever += wrong;
            late += wrong * f64::from(u8::from(alert.opened >= first + WEEK));
        }
    }
    let precision = if ever > 0.0 { Some(1.0 - false_ever / ever) } else { None };
    let rate = if weeks > 0.0 { Some(late / weeks) } else { None };
    vec![figures.of("event_precision", precision), figures.of("false_alarms_per_machine_week", rate)]
}

/// How often the right sensor and the right failure are named at opening: over all, and in the failure where
/// it is rarest.
fn named(figures: &Figures<'_>, cases: &[Case<'_>]) -> Vec<Figure> {
    // A method that names no failure has no share.
    let share = |wanted: Option<Failure>, right: fn(Failure, &Alert) -> Option<bool>| {
        let of = cases.iter().filter(|case| wanted.is_none_or(|wanted| wanted == case.failure));
        let found = of.filter_map(|case| right(case.failure, case.found.as_ref()?.alert));
        mean(found.map(|right| f64::from(u8::from(right))))
    };
    let least = |right: fn(Failure, &Alert) -> Option<bool>| {
        Failure::ALL.iter().filter_map(|failure| share(Some(*failure), right)).reduce(f64::min)
    };
    let sensor = |failure: Failure, alert: &Alert| Some(failure.sensors().contains(&alert.sensor));
    let kind = |failure: Failure, alert: &Alert| alert.failure.map(|named| named == failure);
    vec![
        figures.of("sensor_named", share(None, sensor)),
        figures.of("sensor_named_in_the_worst_failure", least(sensor)),
        figures.of("failure_named", share(None, kind)),
        figures.of("failure_named_in_the_worst_failure", least(kind)),
    ]
}

/// Figures by minute, and the curve.
fn by_minute(figures: &Figures<'_>, tracks: &[Track], courses: &[Course]) -> (Vec<Figure>, Vec<(f64, f64)>) {
    let series: Vec<Series<'_>> =
        tracks.iter().map(|track| Series { scores: &track.scores, faulty: &track.faulty }).collect();
    let scores: Vec<f64> = tracks.iter().flat_map(|track| &track.scores).copied().collect();
    let faulty: Vec<bool> = tracks.iter().flat_map(|track| &track.faulty).copied().collect();
    let open = || courses.iter().flat_map(Course::open).map(|open| f64::from(u8::from(open)));
    let healthy = || open().zip(&faulty).filter_map(|(open, faulty)| (!faulty).then_some(open));
    let found = vec![
        figures.of("share_of_time_in_alarm", mean(open())),
        figures.of("share_of_healthy_time_in_alarm", mean(healthy())),
        figures.of("roc_auc", roc_auc(&scores, &faulty)),
        figures.of("average_precision", average_precision(&scores, &faulty)),
        figures.of("vus_pr", vus_pr(&series, BUFFER)),
    ];
    (found, roc(&scores, &faulty))
}

/// The minutes that were judged, with their truth.
fn track(machine: &Machine, course: &Course) -> Track {
    let failing = |minute: i64| {
        let after = machine.failures.partition_point(|episode| episode.start <= minute);
        after.checked_sub(1).is_some_and(|last| minute < machine.failures[last].end)
    };
    Track {
        file: machine.id.clone(),
        scores: course.scores.iter().map(|(_, score)| *score).collect(),
        faulty: course.scores.iter().map(|(minute, _)| failing(*minute)).collect(),
    }
}
