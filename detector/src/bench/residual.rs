//! What `residual` costs: readings in, one a minute, through averaging, learning and judging, by CPU time.

use millrace_core::{Error, Result};
use nix::sys::resource::{UsageWho, getrusage};

use crate::maths::quantile::median;
use crate::methods::residual::{SENSORS, Sensors, Watch, WatchParams};
use crate::minutes::Averager;
use crate::random::Random;

/// Each machine lives through the week that it is learnt in, and another with a maintenance of an hour in it.
const WEEK: usize = 7 * 1440;
const MACHINES: u64 = 10;
const ROUNDS: usize = 5;

/// Event time in milliseconds, whether the machine is maintained, and what its sensors show.
type Reading = (i64, bool, Sensors);

/// CPU seconds of all machines, and bytes of the largest state.
#[derive(Default)]
struct Cost {
    seconds: f64,
    bytes: usize,
}

/// A table: readings per CPU second, and the state of a machine.
///
/// # Errors
/// If the system does not tell CPU time.
pub(super) fn table() -> Result<String> {
    let machines: Vec<Vec<Reading>> = (0..MACHINES).map(readings).collect();
    let rounds = (0..ROUNDS).map(|_| round(&machines)).collect::<Result<Vec<_>>>()?;
    let line = |name: &str, part: usize| {
        let seconds = median(&mut rounds.iter().map(|round| round[part].seconds).collect());
        let bytes = rounds.iter().map(|round| round[part].bytes).max().unwrap_or(0);
        let rate = (MACHINES as usize * WEEK) as f64 / seconds;
        format!("{name:24}{rate:>20.0}{:>20.1}\n", bytes as f64 / 1024.0)
    };
    Ok(format!(
        "\nresidual, {MACHINES} machines with a reading a minute; CPU time, the middle of {ROUNDS} rounds\n\
         {:24}{:>20}{:>20}\n{}{}",
        "",
        "readings a second",
        "state, KiB",
        line("the week of learning", 0),
        line("a week of judging", 1)
    ))
}

/// What learning costs, and judging.
fn round(machines: &[Vec<Reading>]) -> Result<[Cost; 2]> {
    let mut costs = [Cost::default(), Cost::default()];
    for readings in machines {
        let watch = Watch::new(WatchParams::default());
        let mut watch = watch.map_err(|refusal| Error::failed(refusal.to_string()))?;
        let mut averager = Averager::default();
        // With the second reading after the week its last minute is over, and learnt.
        let (learning, judging) = readings.split_at(WEEK);
        for (part, cost) in [learning, judging].into_iter().zip(&mut costs) {
            let begin = cpu_seconds()?;
            for (time, maintained, sensors) in part {
                if let Some(minute) = averager.add(*time, *maintained, sensors) {
                    // What is found is not looked at.
                    let _ = watch.watch(&minute);
                }
            }
            cost.seconds += cpu_seconds()? - begin;
            cost.bytes = cost.bytes.max(watch.size());
        }
    }
    Ok(costs)
}

/// A machine whose load changes by the hour, with noise that lasts for some minutes.
fn readings(machine: u64) -> Vec<Reading> {
    const USUAL: Sensors = [72.0, 4.4, 5.6, 200.0, 50.0, 88.0, 80.0];
    const LOAD: Sensors = [2.0, 0.3, -0.15, 4.0, 1.2, -0.2, 1.5];
    const NOISE: Sensors = [0.7, 0.4, 0.1, 1.6, 0.45, 0.45, 0.7];
    let mut random = Random::new(0, machine);
    let mut lasting = [0.0; SENSORS];
    let minute = |minute: usize| {
        let load = (minute as f64 / 1440.0 * std::f64::consts::TAU).sin();
        let sensors = std::array::from_fn(|sensor| {
            lasting[sensor] = 0.9 * lasting[sensor] + 1.5 * (random.unit() - 0.5);
            USUAL[sensor] + LOAD[sensor] * load + NOISE[sensor] * lasting[sensor]
        });
        let maintained = (WEEK + WEEK / 2..WEEK + WEEK / 2 + 60).contains(&minute);
        (minute as i64 * 60_000, maintained, sensors)
    };
    (0..2 * WEEK).map(minute).collect()
}

/// CPU time of this process so far.
fn cpu_seconds() -> Result<f64> {
    let usage =
        getrusage(UsageWho::RUSAGE_SELF).map_err(|e| Error::failed(format!("CPU time is unknown: {e}")))?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + 1e-6 * time.tv_usec() as f64;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}
