use super::*;
use crate::alarm::Change;
use crate::random::Random;

/// A machine that is simpler than the plant's: load by the hour, noise that lasts, oil that is used up, and after a
/// restart it is cold and runs in.
struct Machine {
    random: Random,
    lasting: Sensors,
    oil: f64,
    /// Load beside that by the hour.
    shift: f64,
    restarted: i64,
}

impl Machine {
    fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, 0),
            lasting: [0.0; SENSORS],
            oil: 92.0,
            shift: 0.0,
            restarted: i64::MIN / 2,
        }
    }

    fn restart(&mut self, minute: i64) {
        (self.oil, self.restarted) = (92.0, minute);
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.random.unit()).sum::<f64>() - 6.0
    }

    fn minute(&mut self, minute: i64, fault: &Sensors) -> Minute {
        let load = (minute as f64 / 1440.0 * std::f64::consts::TAU).sin() + self.shift;
        self.oil -= 0.0005;
        let mut usual =
            [72.0 + 4.0 * load, 4.5, 5.8 - 0.3 * load, 200.0 + 8.0 * load, 50.0 + 2.0 * load, self.oil, 80.0];
        let left = |minutes: f64| (-((minute - self.restarted) as f64) / minutes).exp();
        usual[TEMPERATURE] -= 45.0 * left(25.0);
        usual[VIBRATION] += 0.8 * left(60.0);
        usual[BEARING] -= 50.0 * left(15.0);
        let sigma = [0.7, 0.4, 0.1, 1.6, 0.45, 0.45, 0.7];
        let mut sensors = usual;
        for sensor in 0..SENSORS {
            let new = self.normal();
            self.lasting[sensor] = 0.9 * self.lasting[sensor] + 0.436 * new;
            sensors[sensor] += fault[sensor] + sigma[sensor] * (0.8 * self.lasting[sensor] + 0.45 * new);
        }
        Minute { minute, maintained: false, sensors }
    }
}

/// Days of one machine; `fault` says what is added in a minute.
fn run(watch: &mut Watch, days: i64, fault: impl Fn(i64) -> Sensors) -> Vec<(i64, Change, usize, Failure)> {
    let mut machine = Machine::new(1);
    let mut changes = Vec::new();
    for minute in 0..days * 1440 {
        if let Ok(Some(finding)) = watch.watch(&machine.minute(minute, &fault(minute)))
            && let Some(change) = finding.change
        {
            changes.push((minute, change, finding.sensor(), finding.likely.0));
        }
    }
    changes
}

const NOTHING: Sensors = [0.0; SENSORS];
const WEEK: i64 = 7 * 1440;

fn watch() -> Watch {
    Watch::new(WatchParams::default()).expect("valid")
}

/// A failure whose severity grows evenly over half a day.
fn failing(failure: Failure, since: i64, minute: i64) -> Sensors {
    let severity = ((minute - since) as f64 / 720.0).clamp(0.0, 1.0);
    failure.effect(&[72.0, 4.5, 5.8, 200.0, 50.0, 88.0, 80.0]).map(|effect| effect * severity)
}

#[test]
fn every_failure_is_found_early_and_its_sensor_and_kind_named() {
    for failure in Failure::ALL {
        let since = 8 * 1440;
        let changes = run(&mut watch(), 9, |minute| failing(failure, since, minute));
        let (opened, change, sensor, likely) = changes[0];
        assert_eq!(change, Change::Opened);
        assert!((since..since + 180).contains(&opened), "{failure:?} at {}", opened - since);
        assert!(failure.sensors().contains(&sensor), "{failure:?} by {sensor}");
        assert_eq!(likely, failure);
    }
}

#[test]
fn the_severity_is_told_of_the_failure_as_it_grows() {
    for failure in Failure::ALL {
        let since = 8 * 1440;
        let (mut watch, mut machine) = (watch(), Machine::new(1));
        let mut worst: f64 = 0.0;
        for minute in 0..since + 1200 {
            let fault = failing(failure, since, minute);
            let Ok(Some(finding)) = watch.watch(&machine.minute(minute, &fault)) else { continue };
            // What grows evenly is seen as it was some time ago: averages lag.
            let true_one = ((minute - since - 20) as f64 / 720.0).clamp(0.0, 1.0);
            if watch.is_open() && minute > since {
                let told = finding.severity.expect("a model tells it");
                worst = worst.max((told - true_one).abs());
                assert_eq!(finding.likely.0, failure);
            }
        }
        assert!(worst < 0.15, "{failure:?} is off by up to {worst:.2}");
    }
}

#[test]
fn a_failure_on_the_first_day_is_found_by_the_normal_ranges_and_not_learnt() {
    for failure in Failure::ALL {
        let mut watch = watch();
        let changes = run(&mut watch, 1, |minute| failing(failure, 120, minute.max(120)));
        let (opened, change, sensor, likely) = changes[0];
        assert_eq!((change, changes.len()), (Change::Opened, 1), "{failure:?}");
        assert!((120..120 + 600).contains(&opened), "{failure:?} at {opened}");
        assert!(failure.sensors().contains(&sensor), "{failure:?} by {sensor}");
        assert_eq!(likely, failure);
        assert!(watch.model().is_none() && watch.is_open());
    }
}

#[test]
fn a_healthy_machine_whose_oil_is_used_up_raises_no_alarm() {
    assert_eq!(run(&mut watch(), 20, |_| NOTHING), []);
}

#[test]
fn faults_in_the_learning_week_are_left_out_of_what_is_normal() {
    let fault = |minute: i64| match minute {
        m if (2000..2900).contains(&m) => failing(Failure::BearingFailure, 2000, m),
        m if (6000..6900).contains(&m) => failing(Failure::OilLeak, 6000, m),
        m => failing(Failure::PumpFailure, 8 * 1440, m.max(8 * 1440)),
    };
    let changes = run(&mut watch(), 9, fault);
    let opened = changes.iter().find(|c| c.0 >= 8 * 1440 && c.1 == Change::Opened).expect("found");
    assert!(opened.0 < 8 * 1440 + 180, "{opened:?}");
}

#[test]
fn a_machine_that_stood_for_its_first_week_is_learnt_from_the_healthy_days_after_it() {
    let (mut watch, mut machine) = (watch(), Machine::new(5));
    let mut thresholds = Vec::new();
    for minute in 0..WEEK + 4 * 1440 {
        let maintained = (200..WEEK).contains(&minute);
        let seen = Minute { maintained, ..machine.minute(minute, &NOTHING) };
        if let Ok(Some(finding)) = watch.watch(&seen) {
            assert_eq!(finding.change, None, "at {minute}");
            thresholds.push(finding.threshold);
        }
    }
    thresholds.dedup();
    assert_eq!(thresholds, [1.0, 14.0, 8.0, 7.0], "the normal ranges, then one, two and three healthy days");
}

#[test]
fn a_stop_closes_the_alert_and_an_hour_after_it_the_machine_is_judged_again() {
    let mut watch = watch();
    run(&mut watch, 9, |minute| failing(Failure::Overheating, 8 * 1440, minute.max(8 * 1440)));
    assert!(watch.is_open());
    let mut machine = Machine::new(2);
    let at = 9 * 1440;
    let stopped = Minute { maintained: true, ..machine.minute(at, &NOTHING) };
    assert_eq!(watch.watch(&stopped), Err(Change::Closed));
    machine.restart(at + 1);
    for minute in at + 1..at + 61 {
        assert_eq!(watch.watch(&machine.minute(minute, &NOTHING)), Ok(None));
    }
    assert!(matches!(watch.watch(&machine.minute(at + 61, &NOTHING)), Ok(Some(_))));
}

/// A machine that is maintained for an hour every three days; the changes of the days from the eighth on.
fn maintained(days: i64, fault: impl Fn(i64) -> Sensors) -> Vec<(i64, Change)> {
    const TURN: i64 = 3 * 1440;
    let (mut watch, mut machine) = (watch(), Machine::new(6));
    let mut changes = Vec::new();
    for minute in 0..days * 1440 {
        let maintained = minute >= TURN && minute % TURN < 60;
        if minute > TURN && minute % TURN == 60 {
            machine.restart(minute);
        }
        let seen = Minute { maintained, ..machine.minute(minute, &fault(minute)) };
        let change = watch.watch(&seen).map_or_else(Some, |found| found.and_then(|found| found.change));
        changes.extend(change.map(|change| (minute, change)));
    }
    changes
}

#[test]
fn restarts_in_health_raise_no_alarm() {
    assert_eq!(maintained(31, |_| NOTHING), []);
}

#[test]
fn a_failure_that_begins_with_a_restart_is_found_within_the_first_two_hours() {
    let restart = 12 * 1440 + 60;
    for failure in Failure::ALL {
        let begin = |minute: i64| failing(failure, restart, restart + 5 * (minute - restart).max(0));
        let changes = maintained(13, begin);
        let opened = changes.first().map(|(minute, change)| (minute - restart, *change));
        assert!(
            matches!(opened, Some((60..120, Change::Opened))),
            "{failure:?} grows within two hours: {opened:?}"
        );
    }
}

#[test]
fn a_change_of_load_that_was_never_seen_is_no_failure() {
    let (mut watch, mut machine) = (watch(), Machine::new(7));
    for minute in 0..10 * 1440 {
        machine.shift = if minute > 8 * 1440 && minute % 480 < 240 { 1.0 } else { 0.0 };
        let found = watch.watch(&machine.minute(minute, &NOTHING)).expect("it runs");
        assert_eq!(found.and_then(|found| found.change), None, "at {minute}");
    }
}

#[test]
fn learning_takes_at_most_64_kib_and_what_is_learnt_8() {
    let mut watch = watch();
    let mut machine = Machine::new(3);
    let mut most = 0;
    for minute in 0..WEEK + 1440 {
        let _ = watch.watch(&machine.minute(minute, &NOTHING));
        most = most.max(watch.size());
    }
    assert!(most <= 64 * 1024, "{most}");
    assert!(watch.size() <= 8 * 1024, "{}", watch.size());
}

#[test]
fn missing_values_raise_no_alarm_and_a_model_loaded_judges_from_the_first_hours() {
    let mut learnt = watch();
    run(&mut learnt, 8, |_| NOTHING);
    let model = learnt.model().expect("a model").clone();
    let text = serde_json::to_string(&model).expect("written");
    assert_eq!(serde_json::from_str::<ResidualModel>(&text).expect("read"), model);
    let mut watch = Watch::with_model(WatchParams::default(), model).expect("valid");
    let mut machine = Machine::new(4);
    let mut judged = 0;
    for minute in 0..1440 {
        let mut seen = machine.minute(minute, &NOTHING);
        if minute % 3 == 0 {
            seen.sensors[minute as usize % SENSORS] = f64::NAN;
        }
        let finding = watch.watch(&seen).expect("it runs");
        assert!(finding.is_none_or(|finding| finding.change.is_none()), "at {minute}");
        judged += u32::from(finding.is_some());
    }
    assert!(judged > 1300, "{judged}");
}

#[test]
fn too_little_to_learn_from_is_refused() {
    assert!(Learner::new().model().is_err());
}
