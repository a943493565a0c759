//! What the forest costs, beside scikit-learn's in the same run: 100 trees of 256 rows, on as many rows as the
//! shuttle data has, in turns, so that whatever else the machine does meets both; and what `residual` costs.

mod residual;

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use millrace_core::{Error, Result};

use crate::detector::{Detector, Params};
use crate::maths::quantile::median;
use crate::methods::IsolationForestParams;
use crate::random::Random;
use crate::rows::Rows;

const ROWS: usize = 49_097;
const COLUMNS: usize = 9;
/// How often each is measured; the middle is told.
const ROUNDS: usize = 7;
/// How often one row is scored in a round by us, whose time is too short for a clock.
const REPEATS: usize = 2000;

/// What is measured, in seconds: learning, all rows, one row.
const MEASURED: [&str; 3] = ["fit", "batch", "one"];
type Seconds = [f64; MEASURED.len()];

/// Measures, and writes a table.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn run(python: Option<&Path>) -> Result<()> {
    let mut random = Random::new(0, 0);
    let values: Vec<f64> =
        (0..ROWS * COLUMNS).map(|_| random.unit() + random.unit() + random.unit()).collect();
    let mut theirs = python.map(|python| Theirs::start(python, &values));
    let mut rounds = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        rounds.0.push(ours(&values)?);
        if let Some(Ok(running)) = &mut theirs {
            match running.round() {
                Ok(seconds) => rounds.1.push(seconds),
                Err(reason) => theirs = Some(Err(reason)),
            }
        }
    }
    let mut text = format!(
        "isolation forest, 100 trees of 256 rows; {ROWS} rows of {COLUMNS} columns; the middle of {ROUNDS} rounds\n\
         {:24}{:>12}{:>16}{:>14}\n{}",
        "",
        "fit, ms",
        "batch, rows/s",
        "one row, us",
        line("millrace", &rounds.0)
    );
    match theirs {
        None => {}
        Some(Ok(running)) => text.push_str(&line(&format!("scikit-learn {}", running.version), &rounds.1)),
        Some(Err(reason)) => text.push_str(&format!("scikit-learn was not measured: {reason}\n")),
    }
    text.push_str(&residual::table()?);
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|e| Error::failed(format!("cannot write the figures: {e}")))
}

fn line(name: &str, rounds: &[Seconds]) -> String {
    let middle = |what: usize| median(&mut rounds.iter().map(|round| round[what]).collect());
    let (fit, batch, one) = (middle(0), middle(1), middle(2));
    format!("{name:24}{:>12.2}{:>16.0}{:>14.2}\n", 1e3 * fit, ROWS as f64 / batch, 1e6 * one)
}

fn ours(values: &[f64]) -> Result<Seconds> {
    let refused = |refusal: crate::Refusal| Error::failed(refusal.to_string());
    let rows = Rows::new(values, COLUMNS).map_err(refused)?;
    let params = IsolationForestParams::default().check().map_err(refused)?;
    let begin = Instant::now();
    let mut forest = params.fit(rows).map_err(refused)?;
    let fit = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    black_box(forest.score_rows(black_box(rows)));
    let batch = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    for row in rows.iter().take(REPEATS) {
        black_box(forest.score(black_box(row)));
    }
    Ok([fit, batch, begin.elapsed().as_secs_f64() / REPEATS as f64])
}

/// A Python that waits for orders.
struct Theirs {
    version: String,
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Theirs {
    /// Err says in a sentence why it cannot be measured.
    fn start(python: &Path, values: &[f64]) -> std::result::Result<Self, String> {
        let name = python.display();
        let mut child = Command::new(python)
            .args(["-c", include_str!("bench.py"), &ROWS.to_string(), &COLUMNS.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("`{name}` cannot be started ({e}); --python names a Python that has it"))?;
        let (orders, answers) = (child.stdin.take(), child.stdout.take());
        let answers = BufReader::new(answers.ok_or("its output cannot be read")?);
        let mut theirs = Self { version: String::new(), child, orders, answers };
        let answer = theirs.answer()?;
        match answer.strip_prefix("ready ") {
            Some(version) => theirs.version = version.to_owned(),
            None => {
                let reason = answer.trim_start_matches("missing ");
                return Err(format!(
                    "`{name}` does not have it ({reason}); `pip install scikit-learn`, or name another with --python"
                ));
            }
        }
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        theirs.send(&bytes)?;
        Ok(theirs)
    }

    fn round(&mut self) -> std::result::Result<Seconds, String> {
        let mut seconds = Seconds::default();
        for (order, seconds) in MEASURED.iter().zip(&mut seconds) {
            self.send(format!("{order}\n").as_bytes())?;
            let answer = self.answer()?;
            *seconds = answer.parse().map_err(|_| format!("Python answered `{answer}`, which is no time"))?;
        }
        Ok(seconds)
    }

    fn send(&mut self, bytes: &[u8]) -> std::result::Result<(), String> {
        let orders = self.orders.as_mut().ok_or("Python takes no orders")?;
        let sent = orders.write_all(bytes).and_then(|()| orders.flush());
        sent.map_err(|e| format!("Python has ended ({e})"))
    }

    fn answer(&mut self) -> std::result::Result<String, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(0) => Err("Python has ended without an answer".to_owned()),
            Ok(_) => Ok(line.trim().to_owned()),
            Err(e) => Err(format!("Python's answer cannot be read ({e})")),
        }
    }
}

impl Drop for Theirs {
    /// Python ends with its orders.
    fn drop(&mut self) {
        self.orders = None;
        if let Err(e) = self.child.wait() {
            eprintln!("detector: Python's end cannot be awaited: {e}");
        }
    }
}
