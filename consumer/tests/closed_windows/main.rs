//! Windows that close, through the library: against a slow reference, over a change of owner, and by example.

mod reference;

use std::collections::{BTreeSet, HashMap};

use millrace_consumer::window::closing::{Closing, DAY, MachineWindows, PartitionClock, PartitionWindows};
use millrace_schemas::reading::SENSORS;
use millrace_schemas::{Sensor, SensorStats, WindowStats};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use reference::Reference;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// The year 2100.
const FAR: i64 = 4_102_444_800_000;

/// A reading: its machine, its time, and the value of its temperature.
type Arrival = (&'static str, i64, Option<f64>);
/// What closed, and which readings found no window.
type Outcome = (Vec<WindowStats>, Vec<usize>);

/// Size, hop and lateness, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Rule {
    size: i64,
    hop: i64,
    lateness: i64,
}

impl Rule {
    fn closing(self) -> Closing {
        Closing::new(self.size, self.hop, self.lateness).expect("a rule")
    }
}

fn values(value: Option<f64>) -> [Option<f64>; SENSORS] {
    let mut values = [None; SENSORS];
    values[Sensor::Temperature as usize] = value;
    values
}

fn take(partition: &mut PartitionWindows, arrival: Arrival, closed: &mut Vec<WindowStats>) -> bool {
    let (machine, time, value) = arrival;
    partition.take(machine, time, &values(value), closed)
}

fn run(rule: Closing, arrivals: &[Arrival]) -> Outcome {
    let (mut closed, mut aside) = (Vec::new(), Vec::new());
    let mut partition = PartitionWindows::new(rule);
    for (place, arrival) in arrivals.iter().enumerate() {
        if !take(&mut partition, *arrival, &mut closed) {
            aside.push(place);
        }
    }
    (closed, aside)
}

fn tumbling(size: i64, lateness: i64) -> Closing {
    Closing::new(size, size, lateness).expect("a rule")
}

/// Machine, begin, readings and late readings of each window.
fn course(closed: &[WindowStats]) -> Vec<(&str, i64, i64, i64)> {
    closed.iter().map(|w| (w.machine_id.as_str(), w.window_start, w.count, w.late)).collect()
}

fn readings(machine: &'static str, times: impl IntoIterator<Item = i64>) -> Vec<Arrival> {
    times.into_iter().map(|time| (machine, time, Some(1.0))).collect()
}

/// The same windows in the same order, but for what may be lost in the last digits of mean and deviation.
fn alike(ours: &[WindowStats], theirs: &[WindowStats]) -> bool {
    let exact = |window: &WindowStats| {
        let blank = |stats: SensorStats| {
            let deviation = stats.deviation.map(|_| 0.0);
            SensorStats { mean: 0.0, deviation, ..stats }
        };
        WindowStats { temperature: window.temperature.map(blank), ..window.clone() }
    };
    let rounded = |window: &WindowStats| {
        window.temperature.map_or((0.0, 0.0), |stats| (stats.mean, stats.deviation.unwrap_or(0.0)))
    };
    let is_close = |(one, other): (&WindowStats, &WindowStats)| {
        let (one, other) = (rounded(one), rounded(other));
        (one.0 - other.0).abs() < 1e-9 && (one.1 - other.1).abs() < 1e-9
    };
    ours.iter().map(exact).eq(theirs.iter().map(exact)) && ours.iter().zip(theirs).all(is_close)
}

/// Times that mostly go on but may fall back, or jump by as much as makes a machine idle.
fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let value = prop_oneof![5 => (-10.0..10.0).prop_map(Some), 1 => Just(Some(3.0)), 1 => Just(None)];
    let step = prop_oneof![
        24 => 0_i64..5, 6 => -40_i64..0, 1 => 100_000_i64..400_000, 2 => 299_900_i64..300_100,
        1 => -400_000_i64..-100_000
    ];
    let machine = prop_oneof![6 => Just("A"), 3 => Just("B"), 1 => Just("C")];
    (-500_i64..500, prop::collection::vec((machine, step, value), 1..80)).prop_map(|(start, steps)| {
        let mut time = start;
        let arrival = |(machine, step, value)| {
            time += step;
            (machine, time, value)
        };
        steps.into_iter().map(arrival).collect()
    })
}

/// Windows of up to 50 ms: the reference counts them one by one.
fn rules() -> impl Strategy<Value = Rule> {
    let hop = prop_oneof![Just(i64::MAX), 1_i64..50];
    (1_i64..50, hop, prop_oneof![Just(0), 0_i64..50]).prop_map(|(size, hop, lateness)| Rule {
        size,
        hop: hop.min(size),
        lateness,
    })
}

/// The same with leaps that are not believed at once, or not at all.
fn with_leaps() -> impl Strategy<Value = Vec<Arrival>> {
    let leap = prop_oneof![12 => Just(0), 1 => (1_i64..4).prop_map(|days| days * 3 * DAY)];
    (arrivals(), prop::collection::vec((leap, any::<bool>()), 80)).prop_map(|(mut arrivals, leaps)| {
        let mut since = 0;
        for (arrival, (leap, stays)) in arrivals.iter_mut().zip(leaps) {
            arrival.1 += since + leap;
            since += if stays { leap } else { 0 };
        }
        arrivals
    })
}

/// The state before a reading, and what follows from it.
struct Moment {
    clock: PartitionClock,
    machines: HashMap<String, MachineWindows>,
    outcome: (Vec<WindowStats>, bool),
}

/// The whole course of a partition. Only machines that are said to have changed are looked at again, as
/// checkpoints do.
fn history(rule: Closing, arrivals: &[Arrival]) -> Vec<Moment> {
    let mut partition = PartitionWindows::new(rule);
    let mut machines = HashMap::new();
    let mut moments = Vec::new();
    for arrival in arrivals {
        let (clock, before) = (partition.clock().clone(), machines.clone());
        let mut closed = Vec::new();
        let is_taken = take(&mut partition, *arrival, &mut closed);
        let changed = closed.iter().map(|window| window.machine_id.clone()).chain([arrival.0.to_owned()]);
        for machine in changed.collect::<BTreeSet<String>>() {
            let windows = partition.machine(&machine).expect("it has sent").clone();
            machines.insert(machine, windows);
        }
        moments.push(Moment { clock, machines: before, outcome: (closed, is_taken) });
    }
    moments
}

/// What comes back when it was written down.
fn kept<T: Serialize + DeserializeOwned>(state: &T) -> T {
    postcard::from_bytes(&postcard::to_stdvec(state).expect("written")).expect("read")
}

fn times() -> impl Strategy<Value = i64> {
    prop_oneof![1 => any::<i64>(), 2 => -FAR..FAR, 2 => 0..20 * HOUR]
}

proptest! {
    #[test]
    fn closed_windows_equal_the_slow_reference_whatever_the_disorder(rule in rules(), arrivals in arrivals()) {
        let (ours, theirs) = (run(rule.closing(), &arrivals), Reference::run(rule, &arrivals));
        prop_assert_eq!(&ours.1, &theirs.1, "what goes aside");
        prop_assert!(alike(&ours.0, &theirs.0), "{:#?} is not {:#?}", ours.0, theirs.0);
    }

    #[test]
    fn whoever_takes_the_state_over_goes_on_as_if_nothing_had_happened(
        rule in rules(), arrivals in with_leaps(), places in prop::array::uniform2(any::<prop::sample::Index>()),
        newer in prop::array::uniform3(any::<bool>()),
    ) {
        let rule = rule.closing();
        let mut places = places.map(|place| place.index(arrivals.len()));
        places.sort_unstable();
        let [older, committed] = places;
        let history = history(rule, &arrivals);
        // The clock is of the older checkpoint; machines may have a snapshot of a newer one that was cut off.
        let mut partition = PartitionWindows::new(rule);
        partition.restore_clock(kept(&history[older].clock));
        let names = ["A", "B", "C"];
        for (name, is_newer) in names.into_iter().zip(newer) {
            let at = if is_newer { committed } else { older };
            if let Some(windows) = history[at].machines.get(name) {
                partition.restore(name, kept(windows));
            }
        }
        for (place, arrival) in arrivals.iter().enumerate().skip(older) {
            let is_newer = names.iter().zip(newer).any(|(name, newer)| *name == arrival.0 && newer);
            let mut closed = Vec::new();
            let is_known = is_newer && place < committed;
            if is_known {
                partition.pass(arrival.0, arrival.1, &mut closed);
            }
            let is_taken = is_known || take(&mut partition, *arrival, &mut closed);
            if place >= committed {
                prop_assert_eq!((closed, is_taken), history[place].outcome.clone(), "to the last bit, at {}", place);
            }
        }
    }

    #[test]
    fn hostile_times_and_values_do_no_harm(
        times in prop::collection::vec((times(), any::<f64>()), 1..200),
    ) {
        let rule = Closing::new(MINUTE, SECOND, HOUR / 6).expect("a rule");
        let mut partition = PartitionWindows::new(rule);
        let mut closed = Vec::new();
        for (time, value) in times {
            take(&mut partition, ("A", time / 3, Some(value)), &mut closed);
            take(&mut partition, ("B", time, Some(value)), &mut closed);
            let open = partition.machine("A").map_or(0, MachineWindows::open);
            prop_assert!(open <= 660 + 16 * 60, "{open} windows are open");
        }
        let once: BTreeSet<_> = closed.iter().map(|w| (&w.machine_id, w.window_start)).collect();
        prop_assert_eq!(once.len(), closed.len(), "one record a machine and window");
    }
}

#[test]
fn a_window_closes_when_its_machines_newest_time_has_passed_it_by_the_lateness() {
    let arrivals = readings("A", [0, 59_999, 60_000, 30_000, 69_999, 40_000, 70_000, 50_000, 70_001]);
    let (closed, aside) = run(tumbling(MINUTE, 10 * SECOND), &arrivals);
    assert_eq!(course(&closed), [("A", 0, 4, 2)], "two came late but in time");
    assert_eq!(aside, [7], "50,000 came when the window was closed");
    assert_eq!((closed[0].window_start, closed[0].window_end), (0, MINUTE));
}

#[test]
fn windows_are_aligned_to_the_epoch_before_it_too() {
    let (closed, _) = run(tumbling(MINUTE, 0), &readings("A", [-1, 0, 60_000]));
    assert_eq!(course(&closed), [("A", -MINUTE, 1, 0), ("A", 0, 1, 0)]);
}

#[test]
fn hopping_windows_share_readings_and_one_late_for_some_is_in_the_others() {
    let rule = Closing::new(60 * SECOND, 20 * SECOND, 0).expect("a rule");
    let (closed, aside) = run(rule, &readings("A", [10_000, 45_000, 15_000, 65_000, 25_000, 200_000]));
    let begins = [(-40_000, 1), (-20_000, 1), (0, 3), (20_000, 3), (40_000, 2), (60_000, 1)];
    assert_eq!(course(&closed), begins.map(|(begin, count)| ("A", begin, count, 0)));
    assert!(aside.is_empty(), "25,000 is late for two of its windows and in the third");
}

#[test]
fn an_idle_machine_is_closed_by_its_partitions_clock() {
    let rule = tumbling(MINUTE, 10 * SECOND);
    let others = |until: i64| readings("B", (0..=until).step_by(SECOND as usize));
    let idle = [readings("A", [30_000]), others(369_000)].concat();
    let of_a = |closed: &[WindowStats]| closed.iter().filter(|window| window.machine_id == "A").count();
    assert_eq!(of_a(&run(rule, &idle).0), 0);
    let passed = [idle, readings("B", [370_000]), readings("A", [40_000, 61_000])].concat();
    let (closed, aside) = run(rule, &passed);
    assert_eq!(of_a(&closed), 1, "60 s + 10 s + 5 min");
    assert_eq!(aside, [passed.len() - 2], "what comes back later goes on with the next window");
}

#[test]
fn a_machine_whose_clock_is_behind_is_not_idle_while_it_sends() {
    let both = (0..600)
        .flat_map(|second| [("A", second * SECOND, Some(1.0)), ("B", second * SECOND - 2 * HOUR, Some(2.0))]);
    let (closed, aside) = run(tumbling(MINUTE, 0), &both.collect::<Vec<_>>());
    assert_eq!((closed.len(), aside.len()), (18, 0));
    assert!(closed.iter().all(|window| window.count == 60));
}

#[test]
fn one_time_from_the_far_future_closes_nothing_and_spoils_nothing() {
    let healthy: Vec<Arrival> = (0..1200)
        .flat_map(|second| ["A", "B", "C"].map(|machine| (machine, second * SECOND, Some(1.0))))
        .collect();
    let undisturbed = run(tumbling(MINUTE, 0), &healthy);
    for place in [0, 1, 700] {
        let mut disturbed = healthy.clone();
        disturbed.insert(place, ("B", FAR, Some(1.0)));
        assert_eq!(run(tumbling(MINUTE, 0), &disturbed).0, undisturbed.0, "at {place}");
    }
}

#[test]
fn a_machine_that_lives_in_the_far_future_does_not_touch_the_others() {
    let healthy = |second: i64| ["A", "C"].map(|machine| (machine, second * SECOND, Some(1.0)));
    let with = (0..1200).flat_map(|second| {
        let mad = ("B", FAR + second * SECOND, Some(1.0));
        healthy(second).into_iter().chain(std::iter::repeat_n(mad, 5))
    });
    let (closed, aside) = run(tumbling(MINUTE, 0), &with.collect::<Vec<_>>());
    let others: Vec<_> = closed.into_iter().filter(|window| window.machine_id != "B").collect();
    let without = (0..1200).flat_map(healthy).collect::<Vec<_>>();
    assert_eq!((others, aside.len()), (run(tumbling(MINUTE, 0), &without).0, 0));
}

#[test]
fn a_window_before_a_long_standstill_closes_with_the_third_reading_after_it() {
    let after = |count: i64| {
        let arrivals = [0, 1].into_iter().chain((0..count).map(|step| 3 * DAY + step));
        run(tumbling(MINUTE, 0), &readings("A", arrivals))
    };
    assert_eq!((after(2).0.len(), after(3).0.len()), (0, 1));
    assert!(after(3).1.is_empty(), "nothing is lost meanwhile");
}

#[test]
fn a_window_of_many_readings_keeps_its_digits_without_keeping_them() {
    const COUNT: i64 = 100_000;
    let value = |step: i64| 1e9 + 1e-3 * ((step as f64 * 0.618_033_988_749_894_9).fract() - 0.5);
    let deviation = |first: f64| {
        let first = std::iter::once(("A", 0, Some(first)));
        let rest = (1..COUNT).map(|step| ("A", step * 100, Some(value(step))));
        let all: Vec<Arrival> = first.chain(rest).chain([("A", COUNT * 100, None)]).collect();
        let stats = run(tumbling(COUNT * 100, 0), &all).0[0].temperature.expect("values");
        stats.deviation.expect("many values")
    };
    let distances = || (0..COUNT).map(|step| value(step) - 1e9);
    let mean = distances().sum::<f64>() / COUNT as f64;
    let squares: f64 = distances().map(|distance| (distance - mean).powi(2)).sum();
    let expected = (squares / (COUNT - 1) as f64).sqrt();
    assert!((deviation(value(0)) / expected - 1.0).abs() < 1e-6, "{} {expected}", deviation(value(0)));
    // One value that is far off makes nearly all of the deviation.
    let expected = 4e9 / (COUNT as f64).sqrt();
    assert!((deviation(5e9) / expected - 1.0).abs() < 1e-9, "{} {expected}", deviation(5e9));
}
