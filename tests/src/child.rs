use std::io::{BufRead, BufReader, Error, Result};
use std::process::{Child as Process, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Says that a test binary is to be a program, and which.
const VARIABLE: &str = "MILLRACE_TEST_PROGRAM";

/// A program in a process of its own, for what it says on standard error while it runs, or to be killed.
pub struct Child {
    process: Process,
    lines: Receiver<String>,
}

impl Child {
    /// Starts a producer with these flags.
    ///
    /// # Errors
    /// When the system gives no process.
    pub fn start(flags: &[impl AsRef<str>]) -> Result<Self> {
        Self::spawn("producer", flags, Stdio::null())
    }

    /// Starts a consumer with these flags, which writes to `out` what it shows.
    ///
    /// # Errors
    /// When the system gives no process.
    pub fn consumer(flags: &[impl AsRef<str>], out: impl Into<Stdio>) -> Result<Self> {
        Self::spawn("consumer", flags, out.into())
    }

    /// Starts a detector over a topic with these flags.
    ///
    /// # Errors
    /// When the system gives no process.
    pub fn detector(flags: &[impl AsRef<str>]) -> Result<Self> {
        Self::spawn("detector", flags, Stdio::null())
    }

    /// The test binary once more, whose harness sees what it is to be.
    fn spawn(program: &'static str, flags: &[impl AsRef<str>], out: Stdio) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(flags.iter().map(AsRef::as_ref))
            .env(VARIABLE, program)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(Stdio::piped())
            .spawn()?;
        let (told, lines) = channel();
        let spoken = process.stderr.take().ok_or_else(|| Error::other("it has no standard error"))?;
        std::thread::spawn(move || {
            for line in BufReader::new(spoken).lines().map_while(Result::ok) {
                eprintln!("{program} said: {line}");
                if told.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { process, lines })
    }

    /// Waits until it says a line with this in it, and gives the line.
    ///
    /// # Errors
    /// When it does not within that time, or has ended.
    pub fn hear(&self, part: &str, within: Duration) -> Result<String> {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(part) => return Ok(line),
                Ok(_) => {}
                Err(why) => return Err(Error::other(format!("it did not say `{part}`: {why}"))),
            }
        }
    }

    /// Waits until it ends by itself, which it must be about to.
    ///
    /// # Errors
    /// When its end cannot be learnt.
    pub fn wait(mut self) -> Result<ExitStatus> {
        self.process.wait()
    }

    /// Kills it at once, and waits for its end.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(mut self) -> Result<ExitStatus> {
        self.process.kill()?;
        self.process.wait()
    }

    /// Ends it as Ctrl-C does, and waits for its end.
    ///
    /// # Errors
    /// When it cannot be told to.
    pub fn end(mut self) -> Result<ExitStatus> {
        let asked = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status()?;
        if !asked.success() {
            return Err(Error::other("kill failed"));
        }
        self.process.wait()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Where it has ended, there is nothing to kill and nothing to wait for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where this process is to be a program instead of a test: is it, and gives its exit code.
pub(crate) fn acted() -> Option<i32> {
    let program = std::env::var(VARIABLE).ok()?;
    let args = std::env::args_os();
    let result = match program.as_str() {
        "consumer" => millrace_consumer::main(args),
        "detector" => millrace_detector::main(args),
        _ => millrace_producer::main(args),
    };
    Some(match result {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{program}: {error}");
            error.exit_code().into()
        }
    })
}
