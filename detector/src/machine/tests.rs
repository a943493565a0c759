use super::*;
use crate::alert::AlertState;
use crate::evaluate::Method;
use crate::methods::residual::SENSORS;
use crate::methods::{Algorithm, Features, Recipe, Refit};
use crate::random::Random;

const START: i64 = 1_767_225_600_000;
const MINUTE: i64 = 60_000;

fn names() -> Vec<String> {
    millrace_schemas::Sensor::ALL.map(|sensor| sensor.name().to_owned()).to_vec()
}

fn judging(methods: &[Method], learn_rows: usize) -> Judging {
    Judging::new(methods, &names(), learn_rows, None).expect("valid")
}

/// A machine under a slowly changing load, a reading a minute; `fault` is added from its minute on.
fn readings(minutes: i64, fault: impl Fn(i64) -> Sensors) -> Vec<(i64, Sensors)> {
    let mut random = Random::new(7, 0);
    let mut noise = move || random.unit() + random.unit() + random.unit() - 1.5;
    let mut load = 0.0;
    let of = |minute: i64| {
        load = 0.99 * load + 0.1 * noise();
        let healthy =
            [70.0 + load, 4.0 + 0.1 * load, 5.5, 200.0 + 3.0 * load, 50.0 + load, 85.0, 80.0 + load];
        let fault = fault(minute);
        let values = std::array::from_fn(|sensor| healthy[sensor] + 0.3 * noise() + fault[sensor]);
        (START + minute * MINUTE, values)
    };
    (0..minutes).map(of).collect()
}

fn take(machine: &mut Machine, judging: &Judging, reading: &(i64, Sensors)) -> Vec<Word> {
    let mut words = Vec::new();
    let row = Row { time: Some(reading.0), maintained: false, values: &reading.1 };
    machine.take(judging, &row, &mut words).expect("it has a time");
    words
}

fn found(words: &[Word]) -> Vec<(&'static str, AlertState, i64)> {
    let of = |word: &Word| match word {
        Word::Found(found) => (found.detector, found.state, (found.moment - START) / MINUTE),
        Word::Refused { method, why } => panic!("{method}: {why}"),
    };
    words.iter().map(of).collect()
}

fn overheating(from: i64, until: i64) -> impl Fn(i64) -> Sensors {
    move |minute| {
        let mut fault = [0.0; SENSORS];
        if (from..until).contains(&minute) {
            (fault[0], fault[4]) = (18.0, 4.0);
        }
        fault
    }
}

#[test]
fn a_machine_that_was_written_down_and_read_goes_on_to_the_last_bit() {
    let applies = |algorithm: &Algorithm| *algorithm != Algorithm::Profile;
    let rows = Algorithm::ALL.into_iter().filter(applies).map(|algorithm| Method::Rows(algorithm.into()));
    let refit = Some(Refit { every: 50, window: 200 });
    let sliding = Method::Rows(Recipe { refit, ..Algorithm::IsolationForest.into() });
    let methods: Vec<Method> = [Method::Residual, sliding].into_iter().chain(rows).collect();
    let judging = judging(&methods, 400);
    let readings = readings(3 * 1440, overheating(4000, 4100));
    let mut whole = Machine::new(&judging, "M");
    let mut cut = whole.clone();
    let mut words = 0;
    for (count, reading) in readings.iter().enumerate() {
        if count % 397 == 0 {
            cut = Machine::from_bytes(&judging, &cut.to_bytes()).expect("read");
        }
        let said = take(&mut whole, &judging, reading);
        assert_eq!(take(&mut cut, &judging, reading), said, "reading {count}");
        words += said.len();
    }
    assert!(words > 10, "{words} words");
    assert!(Machine::from_bytes(&judging, b"no machine").is_err());
    let others = super::Judging::new(&methods[..1], &names(), 400, None).expect("valid");
    assert!(Machine::from_bytes(&others, &whole.to_bytes()).is_err(), "of other methods");
}

#[test]
fn what_is_written_down_of_a_machine_is_small() {
    let judging = judging(&[Method::Residual], 400);
    let mut machine = Machine::new(&judging, "M");
    let mut most = 0;
    for reading in readings(8 * 1440, |_| [0.0; SENSORS]) {
        take(&mut machine, &judging, &reading);
        if reading.0 % (6 * 60 * MINUTE) == 0 {
            most = most.max(machine.to_bytes().len());
        }
    }
    let learnt = machine.to_bytes().len();
    assert!(most <= 64 << 10 && learnt <= 8 << 10, "{most} bytes while learning, {learnt} after it");
}

#[test]
fn an_alert_opens_once_and_closes_when_the_fault_is_gone() {
    for method in [Method::Residual, Method::Rows(Algorithm::T2.into())] {
        let judging = judging(&[method], 1440);
        let mut machine = Machine::new(&judging, "M");
        let readings = readings(4 * 1440, overheating(5000, 5200));
        let words: Vec<Word> =
            readings.iter().flat_map(|reading| take(&mut machine, &judging, reading)).collect();
        let told = found(&words);
        let course: Vec<AlertState> = told.iter().map(|told| told.1).collect();
        let goes_on = course.iter().filter(|state| **state == AlertState::Updated).count();
        assert_eq!(course.len(), 2 + goes_on, "{told:?}");
        let (first, last) = (told.first().expect("opened"), told.last().expect("closed"));
        assert_eq!((first.1, last.1), (AlertState::Opened, AlertState::Closed));
        assert!((5000..5060).contains(&first.2) && (5200..5400).contains(&last.2), "{told:?}");
        let Word::Found(opened) = &words[0] else { panic!("{words:?}") };
        assert!([0, 4].contains(&opened.evidence.sensor), "{opened:?}");
    }
}

#[test]
fn a_forest_sees_a_fault_of_one_sensor_by_residuals_and_names_it() {
    let fault = |minute: i64| {
        let mut fault = [0.0; SENSORS];
        fault[5] = if minute >= 4 * 1440 { -2.0 } else { 0.0 };
        fault
    };
    let readings = readings(5 * 1440, fault);
    let opened = |features: Features| {
        let forest = Recipe { features: Some(features), ..Algorithm::IsolationForest.into() };
        let judging = judging(&[Method::Rows(forest)], 1440);
        let mut machine = Machine::new(&judging, "M");
        let words = readings.iter().flat_map(|reading| take(&mut machine, &judging, reading));
        let open = words.filter_map(|word| match word {
            Word::Found(found) if found.state == AlertState::Opened => Some(found),
            _ => None,
        });
        open.last().map(|found| ((found.moment - START) / MINUTE, found.evidence.sensor))
    };
    let (minute, sensor) = opened(Features::Residuals).expect("found");
    assert!((4 * 1440..4 * 1440 + 60).contains(&minute) && sensor == 5, "{minute} {sensor}");
    let by_readings = opened(Features::Readings);
    assert!(by_readings.is_none_or(|found| found.1 != 5), "trees that ask for seven sensors miss one");
}

#[test]
fn a_stop_closes_the_alert() {
    let judging = judging(&[Method::Residual, Method::Rows(Algorithm::T2.into())], 1440);
    let mut machine = Machine::new(&judging, "M");
    let readings = readings(3 * 1440, overheating(4200, 9999));
    let mut words: Vec<Word> =
        readings.iter().flat_map(|reading| take(&mut machine, &judging, reading)).collect();
    let open = found(&words).iter().filter(|told| told.1 == AlertState::Opened).count();
    assert_eq!((open, machine.open().count()), (2, 2), "{words:?}");
    words.clear();
    for minute in 0..2 {
        let row = Row {
            time: Some(START + (3 * 1440 + minute) * MINUTE),
            maintained: true,
            values: &readings[0].1,
        };
        machine.take(&judging, &row, &mut words).expect("taken");
    }
    let closed = found(&words);
    assert!(closed.len() == 2 && closed.iter().all(|told| told.1 == AlertState::Closed), "{closed:?}");
}

#[test]
fn a_sensor_that_is_stuck_is_an_alert_of_its_own() {
    let judging = judging(&[Method::Residual], 1440);
    let mut machine = Machine::new(&judging, "M");
    let mut readings = readings(300, |_| [0.0; SENSORS]);
    for reading in &mut readings[100..200] {
        reading.1[3] = 201.25;
    }
    let words: Vec<Word> =
        readings.iter().flat_map(|reading| take(&mut machine, &judging, reading)).collect();
    let expected = [(FLAT_LINE, AlertState::Opened, 130), (FLAT_LINE, AlertState::Closed, 200)];
    assert_eq!(found(&words), expected);
    let Word::Found(opened) = &words[0] else { panic!("{words:?}") };
    assert_eq!((opened.evidence.sensor, opened.from), (3, START + 101 * MINUTE));
}

#[test]
fn readings_that_are_late_or_from_far_ahead_change_nothing() {
    let judging = judging(&[Method::Residual], 1440);
    let readings = readings(2000, |_| [0.0; SENSORS]);
    let (mut plain, mut disturbed) = (Machine::new(&judging, "M"), Machine::new(&judging, "M"));
    for (count, reading) in readings.iter().enumerate() {
        let said = take(&mut plain, &judging, reading);
        assert_eq!(take(&mut disturbed, &judging, reading), said, "reading {count}");
        if count % 100 == 50 {
            let wrong = [500.0; SENSORS];
            assert_eq!(take(&mut disturbed, &judging, &(reading.0 - 5 * MINUTE, wrong)), []);
            assert_eq!(take(&mut disturbed, &judging, &(reading.0 + 400 * 1440 * MINUTE, wrong)), []);
        }
    }
    assert_eq!(plain.residual(), disturbed.residual());
    assert!(plain.residual().is_some());
}

#[test]
fn a_first_reading_from_far_ahead_does_not_silence_its_machine() {
    let judging = judging(&[Method::Residual], 1440);
    let (mut plain, mut disturbed) = (Machine::new(&judging, "M"), Machine::new(&judging, "M"));
    take(&mut disturbed, &judging, &(START + 400 * 1440 * MINUTE, [500.0; SENSORS]));
    for reading in readings(1600, |_| [0.0; SENSORS]) {
        assert_eq!(take(&mut disturbed, &judging, &reading), take(&mut plain, &judging, &reading));
    }
    assert_eq!(plain.residual(), disturbed.residual());
    assert!(plain.residual().is_some());
}

#[test]
fn what_is_left_out_is_told() {
    let judging = judging(&[Method::Residual], 1440);
    let mut machine = Machine::new(&judging, "M");
    let mut is_taken = |minute: i64| {
        let row = Row { time: Some(START + minute * MINUTE), maintained: false, values: &[50.0; SENSORS] };
        machine.take(&judging, &row, &mut Vec::new()).expect("it has a time")
    };
    assert_eq!([0, 5, 5, 3, 400_000, 6].map(&mut is_taken), [true, true, true, false, false, true]);
}
