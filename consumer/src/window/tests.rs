use proptest::prelude::*;

use super::*;

/// The slow, obvious way: everything is kept, and every question looks at all of it.
struct Reference {
    span: Span,
    samples: Vec<(i64, f64)>,
    newest: i64,
}

impl Reference {
    fn new(span: Span) -> Self {
        Self { span, samples: Vec::new(), newest: i64::MIN }
    }

    fn push(&mut self, time: i64, value: Option<f64>) {
        self.newest = self.newest.max(time);
        self.samples.extend(value.map(|value| (time, value)));
    }

    fn members(&self) -> Vec<(i64, f64)> {
        let mut all = self.samples.clone();
        all.sort_by_key(|sample| sample.0);
        match self.span {
            Span::Time(span) => all.into_iter().filter(|sample| sample.0 > self.newest - span).collect(),
            Span::Records(most) => all.split_off(all.len().saturating_sub(most)),
        }
    }

    fn stats(&self) -> Option<Stats> {
        let members = self.members();
        let (first, last) = (members.first()?, members.last()?);
        let values = || members.iter().map(|sample| sample.1);
        // The first value is taken off and put on again, as no digits are to be lost here.
        let count = members.len() as f64;
        let shift = first.1;
        let mean = values().map(|value| value - shift).sum::<f64>() / count;
        let squares: f64 = values().map(|value| (value - shift - mean).powi(2)).sum();
        let seconds = (last.0 - first.0) as f64 / 1000.0;
        Some(Stats {
            count: members.len() as u32,
            mean: shift + mean,
            deviation: (members.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
            min: values().fold(f64::INFINITY, f64::min),
            max: values().fold(f64::NEG_INFINITY, f64::max),
            last: last.1,
            rate: (seconds > 0.0).then(|| (last.1 - first.1) / seconds),
        })
    }
}

/// Whether two answers are the same but for what may be lost in the last digits.
fn alike(one: Option<Stats>, other: Option<Stats>, digits: f64) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one == other };
    let close = |a: f64, b: f64, scale: f64| (a - b).abs() <= digits * scale.max(f64::MIN_POSITIVE);
    let both = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => close(a, b, b.abs()),
        (a, b) => a == b,
    };
    let exact = |stats: &Stats| (stats.count, stats.min, stats.max, stats.last, stats.rate);
    exact(&one) == exact(&other)
        && close(one.mean, other.mean, other.mean.abs() + other.max - other.min)
        && both(one.deviation, other.deviation)
}

fn spans() -> impl Strategy<Value = Span> {
    prop_oneof![(1_i64..60).prop_map(Span::Time), (2_usize..40).prop_map(Span::Records)]
}

/// Times that mostly go on but may fall back; values of very different sizes, some missing, many the same.
fn arrivals() -> impl Strategy<Value = Vec<(i64, Option<f64>)>> {
    let value = prop_oneof![
        4 => (-1.0..1.0).prop_map(Some),
        2 => Just(Some(3.0)),
        1 => (-1e3..1e3).prop_map(Some),
        1 => Just(Some(1e12)),
        1 => Just(None),
    ];
    let step = prop_oneof![5 => 0_i64..4, 1 => -30_i64..0];
    prop::collection::vec((step, value), 1..400).prop_map(|steps| {
        let mut time = 1_000;
        steps
            .into_iter()
            .map(|(step, value)| {
                time += step;
                (time, value)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn a_window_equals_the_slow_reference_whatever_the_disorder(span in spans(), arrivals in arrivals()) {
        let (mut window, mut reference) = (Sliding::<1>::new(span), Reference::new(span));
        for (time, value) in arrivals {
            window.push(time, &[value]);
            reference.push(time, value);
            let (ours, expected) = (window.stats(0), reference.stats());
            prop_assert!(alike(ours, expected, 1e-8), "{ours:?} is not {expected:?}");
        }
    }

    #[test]
    fn what_a_window_of_time_says_does_not_depend_on_the_order_of_arrival(
        mut arrivals in arrivals(), span in 1_i64..60, seed in any::<u64>(),
    ) {
        // With one value per time the newest is the same whichever way they come.
        arrivals.sort_by_key(|arrival| arrival.0);
        arrivals.dedup_by_key(|arrival| arrival.0);
        let fed = |arrivals: &[(i64, Option<f64>)]| {
            let mut window = Sliding::<1>::new(Span::Time(span));
            arrivals.iter().for_each(|(time, value)| { window.push(*time, &[*value]); });
            window.stats(0)
        };
        let in_order = fed(&arrivals);
        let mut turn = seed;
        for place in (1..arrivals.len()).rev() {
            turn = turn.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            arrivals.swap(place, (turn >> 33) as usize % (place + 1));
        }
        let shuffled = fed(&arrivals);
        prop_assert!(alike(shuffled, in_order, 1e-8), "{shuffled:?} is not {in_order:?}");
    }
}

/// Arrivals of three sensors, each of which may be silent for long, and whether anybody asks then.
fn sensors() -> impl Strategy<Value = Vec<(i64, [Option<f64>; 3], bool)>> {
    let silent = |sensor: usize, turn: usize, span: usize| turn / span % 3 == sensor;
    (prop::collection::vec((arrivals(), any::<bool>()), 3), 1_usize..80).prop_map(move |(all, span)| {
        let count = all.iter().map(|(arrivals, _)| arrivals.len()).min().unwrap_or(0);
        let row = |turn: usize| {
            let value = |sensor: usize| all[sensor].0[turn].1.filter(|_| !silent(sensor, turn, span));
            (all[0].0[turn].0, std::array::from_fn(value), all[turn % 3].1 || turn.is_multiple_of(11))
        };
        (0..count).map(row).collect()
    })
}

proptest! {
    #[test]
    fn each_sensor_has_a_window_of_its_own_whoever_is_silent_and_whenever_one_asks(
        span in spans(), arrivals in sensors(),
    ) {
        let (mut window, mut references) = (Sliding::<3>::new(span), [0; 3].map(|_| Reference::new(span)));
        for (time, values, is_asked) in arrivals {
            window.push(time, &values);
            for (sensor, reference) in references.iter_mut().enumerate() {
                reference.push(time, values[sensor]);
                if is_asked {
                    let (ours, expected) = (window.stats(sensor), reference.stats());
                    prop_assert!(alike(ours, expected, 1e-8), "{sensor}: {ours:?} is not {expected:?}");
                }
            }
        }
    }
}

#[test]
fn a_sensor_that_falls_silent_does_not_keep_the_readings_of_the_others() {
    let mut window = Sliding::<2>::new(Span::Records(100));
    for time in 0..100_000 {
        window.push(time, &[Some(time as f64), (time < 50).then_some(1.0)]);
        assert!(window.samples() <= 150 && window.rows.len() <= 400, "{}", window.rows.len());
    }
    let stats = [0, 1].map(|sensor| window.stats(sensor).map(|stats| (stats.count, stats.min)));
    assert_eq!(stats, [Some((100, 99_900.0)), Some((50, 1.0))]);
}

#[test]
fn a_leap_of_more_than_a_day_is_believed_when_three_readings_in_a_row_agree() {
    const FAR: i64 = 4_102_444_800_000;
    for span in [Span::Time(60_000), Span::Records(3)] {
        let after = |times: &[i64]| {
            let mut window = Sliding::<1>::new(span);
            times.iter().for_each(|time| {
                window.push(*time, &[Some(*time as f64)]);
            });
            (window.stats(0).map(|stats| (stats.count, stats.last)), window.late())
        };
        assert_eq!(after(&[5, FAR, 6, 7]), (Some((3, 7.0)), 0), "{span}");
        assert_eq!(after(&[5, FAR, 6, FAR, FAR + 1, 7]), (Some((3, 7.0)), 0), "{span}");
        assert_eq!(after(&[FAR, 5, 6]), (Some((2, 6.0)), 0), "{span}: the first was wrong");
        let leapt = after(&[5, FAR + 2, FAR, FAR + 1]);
        assert_eq!(leapt, (Some((3, (FAR + 2) as f64)), 0), "{span}: all three are in the window");
    }
}

#[test]
fn a_leap_that_is_not_believed_yet_is_in_the_state() {
    let mut window = Sliding::<1>::new(Span::Time(60_000));
    for time in [0, 10 * closing::DAY, 10 * closing::DAY] {
        window.push(time, &[Some(1.0)]);
    }
    let bytes = postcard::to_stdvec(&window).expect("written");
    let mut again = postcard::from_bytes::<Sliding<1>>(&bytes).expect("read");
    again.push(10 * closing::DAY, &[Some(1.0)]);
    assert_eq!(again.stats(0).map(|stats| stats.count), Some(3));
}

/// Noise without a generator of random numbers: the fractional parts of multiples of the golden ratio.
fn noise(step: u32) -> f64 {
    (f64::from(step) * 0.618_033_988_749_894_9).fract() - 0.5
}

#[test]
fn a_day_at_10_hz_of_values_of_1e9_keeps_six_digits_of_a_noise_of_1e_3() {
    let (mut window, mut reference) =
        (Sliding::<1>::new(Span::Time(60_000)), Reference::new(Span::Time(60_000)));
    for step in 0..864_000_u32 {
        let (time, value) = (i64::from(step) * 100, 1e9 + 1e-3 * noise(step));
        window.push(time, &[Some(value)]);
        reference.push(time, Some(value));
        if step % 86_399 == 0 {
            reference.samples.drain(..reference.samples.len().saturating_sub(600));
            let (ours, expected) = (window.stats(0).expect("values"), reference.stats().expect("values"));
            let off = |a: f64, b: f64| ((a - b) / 1e-3).abs();
            assert!(off(ours.mean, expected.mean) < 1e-3, "{ours:?} {expected:?}");
            let (sd, expected) = (ours.deviation.unwrap_or(0.0), expected.deviation.unwrap_or(0.0));
            assert!((sd - expected).abs() <= 1e-6 * expected, "at {step}: {sd} is not {expected}");
        }
        if reference.samples.len() > 2_000 {
            reference.samples.drain(..1_000);
        }
    }
}

#[test]
fn a_value_far_off_leaves_no_trace_once_it_is_gone() {
    let mut window = Sliding::<1>::new(Span::Records(10));
    let steps = [5.0; 20].into_iter().chain([1e150]).chain((0..10).map(|step| 1.0 + f64::from(step) * 1e-6));
    for (time, value) in (0..).zip(steps) {
        window.push(time, &[Some(value)]);
    }
    let stats = window.stats(0).expect("values");
    assert!((stats.deviation.expect("ten values") - 3.027_650_354e-6).abs() < 1e-13, "{stats:?}");
    assert_eq!((stats.min, stats.max), (1.0, 1.0 + 9.0 * 1e-6));
}

#[test]
fn a_constant_sensor_has_no_deviation_at_all() {
    let mut window = Sliding::<1>::new(Span::Time(1_000));
    for time in 0..5_000 {
        window.push(time, &[Some(if time < 2_000 { 0.1 } else { 72.3 })]);
    }
    let stats = window.stats(0).expect("values");
    assert_eq!((stats.mean, stats.deviation, stats.rate), (72.3, Some(0.0), Some(0.0)));
}

#[test]
fn a_reading_behind_the_window_is_counted_and_changes_nothing() {
    let mut window = Sliding::<1>::new(Span::Time(1_000));
    window.push(10_000, &[Some(1.0)]);
    let before = window.stats(0);
    assert!(!window.push(9_000, &[Some(50.0)]), "9,000 is just outside");
    assert!(window.push(9_001, &[Some(2.0)]), "9,001 is just inside");
    assert_eq!((window.late(), before.map(|stats| stats.count)), (1, Some(1)));
    assert_eq!(window.stats(0).map(|stats| stats.count), Some(2));
}

#[test]
fn times_at_the_ends_of_the_calendar_and_numbers_that_are_none_do_no_harm() {
    let mut window = Sliding::<2>::new(Span::Time(60_000));
    for time in [i64::MIN, 0, i64::MAX, 5] {
        window.push(time, &[Some(f64::NAN), Some(f64::INFINITY)]);
        window.push(time, &[None, Some(2.0)]);
    }
    assert_eq!(window.stats(0), None);
    assert_eq!(window.stats(1).map(|stats| stats.count), Some(2), "the end of the calendar is not believed");
}

#[test]
fn the_running_statistics_of_a_machine_take_at_most_1_kib() {
    let size = size_of::<MachineWindow>() + size_of::<extremes::Extremes<7>>();
    assert!(size <= 1024, "{size}");
}

/// Stats to the last bit.
fn bits(stats: Option<Stats>) -> Option<[u64; 7]> {
    let all = |stats: Stats| {
        let optional = |value: Option<f64>| value.map_or(u64::MAX, f64::to_bits);
        [
            u64::from(stats.count),
            stats.mean.to_bits(),
            optional(stats.deviation),
            stats.min.to_bits(),
            stats.max.to_bits(),
            stats.last.to_bits(),
            optional(stats.rate),
        ]
    };
    stats.map(all)
}

proptest! {
    #[test]
    fn a_window_that_was_written_and_read_goes_on_to_the_last_bit(
        span in spans(), arrivals in arrivals(), cut in 0_usize..100,
    ) {
        let mut window = Sliding::<1>::new(span);
        let mut again = None;
        for (place, (time, value)) in arrivals.into_iter().enumerate() {
            if place == cut {
                let bytes = postcard::to_stdvec(&window).expect("written");
                again = Some(postcard::from_bytes::<Sliding<1>>(&bytes).expect("read"));
            }
            window.push(time, &[value]);
            if let Some(again) = &mut again {
                again.push(time, &[value]);
                prop_assert_eq!(bits(again.stats(0)), bits(window.stats(0)));
                prop_assert_eq!((again.newest(), again.late()), (window.newest(), window.late()));
            }
        }
    }
}
