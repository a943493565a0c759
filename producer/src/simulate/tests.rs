use super::*;
use millrace_schemas::Sensor;

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000;
const QUIET: Events = Events::new(0.0, MaintenancePlan::Own);

fn ids(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("MACHINE_{n:03}")).collect()
}

/// Readings of one plant, a sample a minute, that ran and were not within four hours of a maintenance.
fn settled(plant: &mut Plant, days: u64) -> Vec<[f64; 7]> {
    let mut rest = vec![0; plant.machines.len()];
    let mut rows = Vec::new();
    for _ in 0..days * 1440 {
        plant.tick(|index, reading, _| {
            let stopped = reading.maintenance_status == MaintenanceStatus::Maintenance;
            rest[index] = if stopped { 240 } else { (rest[index] as u32).saturating_sub(1) };
            if rest[index] == 0 {
                rows.push(reading.sensors.map(Option::unwrap_or_default));
            }
        });
    }
    rows
}

fn correlation(rows: &[[f64; 7]], a: Sensor, b: Sensor) -> f64 {
    let n = rows.len() as f64;
    let mean = |s: Sensor| rows.iter().map(|r| r[s as usize]).sum::<f64>() / n;
    let (ma, mb) = (mean(a), mean(b));
    let product = |x: Sensor, mx: f64, y: Sensor, my: f64| {
        rows.iter().map(|r| (r[x as usize] - mx) * (r[y as usize] - my)).sum::<f64>() / n
    };
    product(a, ma, b, mb) / (product(a, ma, a, ma) * product(b, mb, b, mb)).sqrt()
}

fn minute_plant(seed: u64, events: Events, count: usize) -> Plant {
    Plant::new(seed, Clock { start: START, rate: 1.0 / 60.0 }, events, &ids(count))
}

#[test]
fn healthy_running_stays_in_the_normal_range_and_correlates_as_documented() {
    let ranges = [(60., 85.), (2., 8.), (4.5, 6.5), (180., 220.), (45., 55.), (75., 95.), (70., 90.)];
    let (mut inside, mut rows_seen) = (0, 0);
    let mut sums = [0.0; 3];
    for seed in 0..10 {
        let rows = settled(&mut minute_plant(seed, QUIET, 1), 60);
        let is_inside =
            |row: &&[f64; 7]| row.iter().zip(ranges).all(|(value, (low, high))| (low..=high).contains(value));
        inside += rows.iter().filter(is_inside).count();
        rows_seen += rows.len();
        sums[0] += correlation(&rows, Sensor::Temperature, Sensor::FlowRate);
        sums[1] += correlation(&rows, Sensor::FlowRate, Sensor::Pressure);
        sums[2] += correlation(&rows, Sensor::Temperature, Sensor::BearingTemperature);
    }
    let share = inside as f64 / rows_seen as f64;
    assert!(share > 0.998, "{share}");
    for (sum, expected) in sums.iter().zip([0.80, -0.74, 0.89]) {
        assert!((sum / 10.0 - expected).abs() < 0.08, "{} instead of {expected}", sum / 10.0);
    }
}

#[test]
fn a_failure_at_full_severity_reaches_a_critical_limit() {
    // Begins in the first hours and is never maintained, so the last day is at full severity.
    let events = Events::new(1.0, MaintenancePlan::Never);
    let mut plant = minute_plant(5, events, 200);
    let critical = |kind: FailureKind, v: &[f64; 7]| match kind {
        FailureKind::BearingFailure => v[1] > 12.0 || v[6] > 105.0,
        FailureKind::PumpFailure => v[4] > 65.0,
        FailureKind::Overheating => v[0] > 95.0,
        FailureKind::OilLeak => v[5] < 60.0,
        FailureKind::MotorFailure => v[4] > 65.0 || v[1] > 12.0 || v[0] > 95.0,
    };
    let mut reached = vec![(None, false); 200];
    for _ in 0..3 * 1440 {
        plant.tick(|index, reading, truth| {
            let values = reading.sensors.map(Option::unwrap_or_default);
            let kind = truth.failure.or(reached[index].0);
            reached[index] = (kind, reached[index].1 || kind.is_some_and(|k| critical(k, &values)));
        });
    }
    for kind in FailureKind::ALL {
        let of_kind: Vec<_> = reached.iter().filter(|(k, _)| *k == Some(kind)).collect();
        let share = of_kind.iter().filter(|(_, critical)| *critical).count() as f64 / of_kind.len() as f64;
        assert!(share > 0.8, "{kind:?}: {share} of {}", of_kind.len());
    }
}

#[test]
fn a_machines_readings_do_not_depend_on_the_others() {
    let events = Events::new(0.05, MaintenancePlan::Every(7200.0));
    let mut fleet = minute_plant(7, events, 50);
    let mut alone =
        Plant::new(7, Clock { start: START, rate: 1.0 / 60.0 }, events, &["MACHINE_042".to_owned()]);
    for _ in 0..3000 {
        let mut of_fleet = None;
        fleet.tick(|index, reading, truth| {
            if index == 41 {
                of_fleet = Some((reading.into_owned(), truth));
            }
        });
        alone.tick(|_, reading, truth| assert_eq!(of_fleet.as_ref(), Some(&(reading.into_owned(), truth))));
    }
}

#[test]
fn a_run_with_and_without_failures_differs_only_in_their_effects() {
    let failing = Events::new(0.02, MaintenancePlan::Own);
    let (mut with, mut without) = (minute_plant(3, failing, 5), minute_plant(3, QUIET, 5));
    let mut failed_already = [false; 5];
    let (mut same, mut different) = (0, 0);
    for _ in 0..10 * 1440 {
        let mut healthy = Vec::new();
        without.tick(|_, reading, _| healthy.push(reading.into_owned()));
        with.tick(|index, reading, truth| {
            failed_already[index] |= truth.failure.is_some();
            if !failed_already[index] {
                assert_eq!(reading, healthy[index]);
                same += 1;
            } else if truth.severity > 0.5 {
                different += usize::from(reading.sensors != healthy[index].sensors);
            }
        });
    }
    assert!(same > 1000 && different > 1000, "{same} {different}");
}

#[test]
fn a_run_with_repairs_and_failures_from_a_day_on_differs_only_where_they_show() {
    let plain = Events::new(0.05, MaintenancePlan::Own);
    let asked = Events { repair_after: Some(3_600_000), failures_from: 86_400_000, ..plain };
    let (mut with, mut healthy) = (minute_plant(3, asked, 5), minute_plant(3, QUIET, 5));
    let (mut touched, mut same, mut stood) = ([false; 5], 0, 0);
    for _ in 0..5 * 1440 {
        let mut rows = Vec::new();
        healthy.tick(|_, reading, _| rows.push(reading.into_owned()));
        with.tick(|index, reading, truth| {
            touched[index] |= truth.failure.is_some();
            stood += i32::from(reading.maintenance_status == MaintenanceStatus::Maintenance);
            if !touched[index] {
                assert_eq!(reading, rows[index]);
                same += 1;
            }
        });
    }
    assert!(same > 5 * 1440 && stood > 100 && touched == [true; 5], "{same} {stood} {touched:?}");
}

#[test]
fn maintenance_stops_the_machine_and_renews_it() {
    let events = Events::new(0.0, MaintenancePlan::Every(86_400.0));
    let mut plant = minute_plant(1, events, 1);
    let (mut cold, mut oil_before, mut oil_after) = (f64::MAX, 0.0, 0.0);
    for tick in 0..2 * 1440 {
        plant.tick(|_, reading, _| {
            let value = |s| reading.sensor(s).unwrap_or_default();
            if tick == 1439 {
                oil_before = value(Sensor::OilLevel);
            }
            if reading.maintenance_status == MaintenanceStatus::Maintenance {
                cold = cold.min(value(Sensor::PowerConsumption));
            } else if tick > 1440 && oil_after == 0.0 {
                oil_after = value(Sensor::OilLevel);
            }
        });
    }
    assert!(cold < 1.5, "{cold}");
    assert!(oil_after > oil_before, "{oil_before} {oil_after}");
}

#[test]
fn a_seed_means_the_same_for_ever() {
    let events = Events::new(0.1, MaintenancePlan::Every(50_000.0));
    let mut plant = minute_plant(7, events, 2);
    let mut rows = Vec::new();
    for tick in 0..2000 {
        plant.tick(|_, reading, truth| {
            if tick % 499 == 0 {
                rows.push(format!(
                    "{} {:?} {:?}",
                    reading.machine_id,
                    reading.sensors.map(Option::unwrap_or_default),
                    truth
                ));
            }
        });
    }
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn rounding_gives_the_nearest_decimal() {
    assert_eq!([72.504, 72.506, -0.001, 0.0].map(hundredths), [72.5, 72.51, 0.0, 0.0]);
    assert_eq!(thousandths(0.0864), 0.086);
}
