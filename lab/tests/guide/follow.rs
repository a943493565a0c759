//! Someone who does what a document says, line by line, in a folder of their own.

use std::fmt::Write;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use millrace_lab::cluster::Choice;
use millrace_tests::{Lab, Verdict, choice, passed};

use super::document::{Block, Step, steps};
use super::shell::Line;
use super::workshop::{Workshop, root};

/// What a run says when it begins, and how long it may take to say so.
const BEGUN: (&str, Duration) = ("repeat with", Duration::from_secs(3));
/// When Ctrl-C is pressed on what runs at the pace of a plant, which may be for ever.
const PACED: Duration = Duration::from_millis(500);
/// The same for what ends by itself, or would after millions of rows.
const ENDING: Duration = Duration::from_secs(3);
/// The same for what starts and ends brokers, or waits for an answer.
const SLOW: Duration = Duration::from_secs(60);
/// Programs whose lines are done where the workshop has them.
const PROGRAMS: [&str; 5] = ["producer", "lab", "detector", "consumer", "python3"];
/// Programs of every system whose lines belong to those of ours.
const SYSTEM: [&str; 2] = ["cmp", "mkdir"];

/// Does everything that a document says; tells all that went wrong together.
pub fn document(name: &str) -> Verdict {
    let text = std::fs::read_to_string(root().join(name))?;
    let lab = Lab::start()?;
    let reader = Reader { name, workshop: Workshop::new(&lab)?, is_real: choice()? != Choice::Demo };
    let mut failures = String::new();
    for step in steps(&text) {
        reader.take(step, &mut failures)?;
    }
    if failures.is_empty() { passed() } else { Err(Failed::from(failures)) }
}

struct Reader<'a> {
    name: &'a str,
    workshop: Workshop<'a>,
    is_real: bool,
}

impl Reader<'_> {
    fn take(&self, step: Step, failures: &mut String) -> Result<(), Failed> {
        match step {
            Step::File { name, text } => {
                std::fs::write(self.workshop.path(&name), self.workshop.here(&text))?
            }
            Step::Left { at, reason } => self.leave(at, &reason),
            Step::Answer { at, needs, .. } if self.lacks(needs.as_deref(), at) => {}
            Step::Answer { at, command, text, .. } => self.answer(at, &command, &text, failures)?,
            Step::Block(block) => self.block(&block, failures)?,
        }
        Ok(())
    }

    fn leave(&self, at: usize, reason: &str) {
        eprintln!("{}:{at} is left out: {reason}", self.name);
    }

    /// Whether the cluster has not what is needed; then it is said.
    fn lacks(&self, needs: Option<&str>, at: usize) -> bool {
        let lacking = needs.filter(|_| !self.is_real);
        if let Some(what) = lacking {
            self.leave(at, &format!("the demo broker has no {what}"));
        }
        lacking.is_some()
    }

    fn block(&self, block: &Block, failures: &mut String) -> Result<(), Failed> {
        let Some((first, _)) = block.lines.first() else { return Ok(()) };
        if self.lacks(block.needs.as_deref(), *first) {
            return Ok(());
        }
        let _beside = block.beside.as_deref().map(|line| self.begin(line)).transpose()?;
        for (at, line) in &block.lines {
            self.line(*at, line, failures)?;
        }
        Ok(())
    }

    fn line(&self, at: usize, line: &str, failures: &mut String) -> Result<(), Failed> {
        let program = program(line);
        if PROGRAMS.contains(&program) && !self.workshop.has(program) {
            self.leave(at, &format!("`{program}` is not at hand"));
        } else if PROGRAMS.contains(&program) || SYSTEM.contains(&program) {
            let mut running = Line::start(self.workshop.line(&self.fitted(line)))?;
            running.wait_for(BEGUN.0, BEGUN.1)?;
            let ended = running.end(patience(line))?;
            if !ended.is_good() {
                writeln!(failures, "{}:{at} {line}\n    {}", self.name, ended.account())?;
            }
        }
        Ok(())
    }

    /// A command that fails, and says what the document says that it says.
    fn answer(&self, at: usize, command: &str, text: &str, failures: &mut String) -> Result<(), Failed> {
        let ended = Line::start(self.workshop.line(command))?.end(SLOW)?;
        let said = self.workshop.here(text);
        // Here the producer goes by the name of the program that it is in.
        let said = said.split_once(": ").map_or(said.as_str(), |(_, sentence)| sentence);
        if ended.is_good() || !is_in(&ended.stderr, said.trim_end()) {
            writeln!(
                failures,
                "{}:{at} {command}\n    is answered otherwise: {}",
                self.name,
                ended.account()
            )?;
        }
        Ok(())
    }

    /// A cluster of the line's own is of the kind that the tests run on, and of one broker, to be quick.
    fn fitted(&self, line: &str) -> String {
        match choice() {
            Ok(choice) if line.starts_with("lab cluster start") => {
                format!("{} --cluster {choice}", line.replace("--brokers 3", "--brokers 1"))
            }
            _ => line.to_owned(),
        }
    }

    /// Starts what runs beside a block, and waits until it obeys commands.
    fn begin(&self, line: &str) -> Result<Line, Failed> {
        let beside = Line::start(self.workshop.line(line))?;
        let began = Instant::now();
        while began.elapsed() < SLOW {
            let asked = Line::start(self.workshop.line("producer control states --timeout 2"))?;
            if asked.end(SLOW)?.is_good() {
                return Ok(beside);
            }
        }
        Err(Failed::from(format!("{line} obeys nothing: {}", beside.said()?)))
    }
}

/// Whether a text has a sentence, in which `...` stands for anything.
fn is_in(text: &str, sentence: &str) -> bool {
    let mut rest = text;
    sentence.split("...").all(|part| match rest.split_once(part.trim()) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

/// The program that a line starts with, behind the variables that are set for it.
fn program(line: &str) -> &str {
    line.split(' ').find(|word| !word.contains('=')).unwrap_or_default()
}

fn patience(line: &str) -> Duration {
    let waits =
        ["lab cluster ", "producer control ", "consumer redrive ", "lab schemas ", "detector ", "python3 "];
    if line.contains(" --input kafka") {
        ENDING
    } else if waits.iter().any(|start| line.starts_with(start)) {
        SLOW
    } else if line.contains("--speed max")
        || line.starts_with("producer clean ")
        || line.contains(" --until ")
        || line.starts_with("consumer timeline ")
    {
        ENDING
    } else {
        PACED
    }
}
