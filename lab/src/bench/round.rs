use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use millrace_core::{Error, Result};
use nix::sys::resource::{UsageWho, getrusage};

/// Between two looks at how much memory a process has taken.
const LOOK: Duration = Duration::from_millis(20);

/// What one round of one contestant took.
#[derive(Debug, Clone)]
pub(super) struct Round {
    /// Wall time of the whole process.
    pub wall: Duration,
    /// User and system time of the whole process.
    pub cpu: Duration,
    /// The most memory that was resident at a time, in MiB, where the system tells.
    pub peak: Option<f64>,
    /// What it printed.
    pub printed: String,
}

/// Runs a command to its end and measures it.
pub(super) fn measure(mut command: Command) -> Result<Round> {
    let name = command.get_program().to_string_lossy().into_owned();
    let refuse = |why: String| Error::failed(format!("{name}: {why}"));
    let before = children_cpu().map_err(&refuse)?;
    let began = Instant::now();
    let (output, peak) = watched(&mut command).map_err(|e| refuse(format!("cannot be run: {e}")))?;
    let wall = began.elapsed();
    let cpu = children_cpu().map_err(&refuse)?.saturating_sub(before);
    let printed =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(refuse(format!("ended with {}: {}", output.status, printed.trim())));
    }
    Ok(Round { wall, cpu, peak, printed })
}

/// Runs a command to its end, with an eye on its memory.
fn watched(command: &mut Command) -> std::io::Result<(Output, Option<f64>)> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (id, (end, ended)) = (child.id(), channel::<()>());
    std::thread::scope(|scope| {
        let watching = scope.spawn(move || {
            let mut peak = None;
            while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                peak = peak_mib(id).or(peak);
            }
            peak
        });
        let output = child.wait_with_output();
        drop(end);
        Ok((output?, watching.join().unwrap_or_default()))
    })
}

/// The most memory that a process has had resident so far.
fn peak_mib(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    number_before(line, " kB").map(|kib| kib / 1024.0)
}

/// CPU time of all children that have ended; the broker has not, so it does not count.
fn children_cpu() -> std::result::Result<Duration, String> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|e| format!("CPU time is unknown: {e}"))?;
    let (user, system) = (usage.user_time(), usage.system_time());
    let micros = (user.tv_sec() + system.tv_sec()) * 1_000_000 + user.tv_usec() + system.tv_usec();
    Ok(Duration::from_micros(micros.unsigned_abs()))
}

/// The number before `unit` in a text, thousands set apart or not.
pub(super) fn number_before(text: &str, unit: &str) -> Option<f64> {
    let (before, _) = text.rsplit_once(unit)?;
    let digits =
        before.trim_end().rsplit(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ','))).next()?;
    digits.replace(',', "").parse().ok()
}

/// Refuses a race in which nothing is done.
pub(super) fn check(records: u64, machines: u64, rounds: usize) -> Result<()> {
    if records < machines || machines == 0 || rounds == 0 {
        return Err(Error::usage("--records must be at least --machines, and both and --rounds at least 1"));
    }
    Ok(())
}

/// The rate in the summaries of our programs.
pub(super) fn our_rate(text: &str) -> Option<f64> {
    number_before(text, " records/s")
}

/// The middle value.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

/// The value below which such a share of the others lies.
pub(super) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * share) as usize;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_contestants_summaries_are_read() {
        let ours = "generated 5, acknowledged 5, failed 0 in 1.0 s (1,234,567 records/s)";
        assert_eq!(number_before(ours, " records/s"), Some(1_234_567.0));
        let theirs = "1000000 records sent, 391542.7 records/sec (40.32 MB/sec), 20.1 ms avg latency";
        assert_eq!(number_before(theirs, " records/sec"), Some(391_542.7));
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!((median([3.0, 1.0, 2.0]), median([4.0, 1.0, 2.0, 3.0])), (2.0, 2.5));
    }
}
