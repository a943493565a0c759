//! The small shell that runs a program for us and outlives us just long enough to end it and to clean up,
//! also when we are killed: it sees the end of its standard input.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use millrace_core::{Error, Result};

/// A shell and not ourselves, so that `pkill -9 lab` does not take it down as well, and so that the same
/// lines serve inside a container.
const SUPERVISE: &str = include_str!("supervise.sh");
/// What the shell that looks after a container's broker is given before [`SUPERVISE`].
pub(super) const IN_CONTAINER: &str = include_str!("container.sh");
/// The first process of a broker's container.
pub(super) const HOLD: &str = include_str!("hold.sh");

/// What is run in a folder of its own, which is removed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// The broker in the folder's `server.properties`; the command runs the Java class named after it.
    Broker,
    /// The command itself.
    Command,
}

/// Where a shell runs; it has ended once this is awaited.
pub(super) trait Place: Send {
    /// Waits until the shell, whose standard input has ended, is gone with all it looked after.
    fn wait(&mut self);
}

/// The shell that looks after one program; dropping it ends the program and cleans up.
pub(super) struct Supervisor {
    /// Behind a lock only so that it can be shared; whoever gives orders has it alone.
    link: Mutex<Link>,
}

struct Link {
    orders: Option<Box<dyn Write + Send>>,
    answers: Box<dyn BufRead + Send>,
    place: Box<dyn Place>,
}

/// What the supervised program is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// It was not started, or was stopped by order.
    None,
    /// It runs.
    Alive,
    /// It ended by itself with this exit code.
    Ended(i32),
}

/// The whole text for `sh -c`, with the functions of its place in front.
pub(super) fn script(place: &str) -> String {
    format!("{place}\n{SUPERVISE}")
}

impl Supervisor {
    /// Starts the shell on this machine; it owns `folder` from now on.
    pub(super) fn spawn(program: Program, folder: &Path, command: &Command) -> Result<Self> {
        let cannot = |why: &str| {
            Error::failed(format!("cannot run `sh`, which looks after the broker: {why}; put `sh` on PATH"))
        };
        let mut shell = shell(program, folder, command).spawn().map_err(|e| cannot(&e.to_string()))?;
        let (Some(orders), Some(answers)) = (shell.stdin.take(), shell.stdout.take()) else {
            return Err(cannot("it has no input or output"));
        };
        Ok(Self::over(Box::new(orders), Box::new(BufReader::new(answers)), Box::new(shell)))
    }

    /// A shell that runs already, somewhere else.
    pub(super) fn over(
        orders: Box<dyn Write + Send>,
        answers: Box<dyn BufRead + Send>,
        place: Box<dyn Place>,
    ) -> Self {
        Self { link: Mutex::new(Link { orders: Some(orders), answers, place }) }
    }

    /// Starts the program unless it runs; tells whether the process could be started.
    pub(super) fn start(&mut self) -> Result<bool> {
        Ok(self.ask("start")? != "failed")
    }

    /// Asks the program to end (SIGTERM), kills it where it does not, and waits until it is dead.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.ask("stop").map(drop)
    }

    /// Kills the program at once (SIGKILL) and waits until it is dead.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.ask("kill").map(drop)
    }

    /// What the program is doing.
    pub(super) fn status(&mut self) -> Result<Status> {
        let answer = self.ask("status")?;
        Ok(match answer.strip_prefix("ended ") {
            Some(code) => Status::Ended(code.parse().unwrap_or(-1)),
            None if answer == "alive" => Status::Alive,
            None => Status::None,
        })
    }

    /// The last lines of the program's output.
    pub(super) fn log(&mut self) -> String {
        // Who asks for it has another error to report; an unreadable log must not hide that.
        self.link().exchange("log").unwrap_or_default().replace('\u{1}', "\n")
    }

    fn ask(&mut self, order: &str) -> Result<String> {
        let answer = self.link().exchange(order).unwrap_or_default();
        if answer.is_empty() {
            return Err(Error::failed(
                "the shell that looks after the broker was ended from outside; start the command again",
            ));
        }
        Ok(answer)
    }

    fn link(&mut self) -> &mut Link {
        self.link.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    fn exchange(&mut self, order: &str) -> std::io::Result<String> {
        if let Some(orders) = &mut self.orders {
            writeln!(orders, "{order}")?;
            orders.flush()?;
        }
        let mut answer = Vec::new();
        self.answers.read_until(b'\n', &mut answer)?;
        Ok(String::from_utf8_lossy(&answer).trim().to_owned())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        drop(self.orders.take());
        self.place.wait();
    }
}

impl Place for Child {
    fn wait(&mut self) {
        // It fails only where somebody else waited already.
        let _ = Child::wait(self);
    }
}

fn shell(program: Program, folder: &Path, run: &Command) -> Command {
    let place = match program {
        Program::Broker => include_str!("java.sh"),
        Program::Command => include_str!("command.sh"),
    };
    let mut command = Command::new("sh");
    command.args(["-c", &script(place), "supervise"]).arg(folder).arg(run.get_program()).args(run.get_args());
    // A process group of its own, because a terminal sends Ctrl-C to the whole group.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands in for Java: formats in no time, then runs until it is ended.
    fn fake_java() -> Command {
        let mut java = Command::new("sh");
        java.args(["-c", r#"[ "$1" = format ] || exec sleep 600"#]);
        java
    }

    fn of(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn folder() -> std::path::PathBuf {
        let folder = tempfile::tempdir().expect("a folder").keep();
        std::fs::write(folder.join("id"), "id").expect("a file");
        folder
    }

    fn end_of(supervisor: &mut Supervisor) -> Status {
        let began = std::time::Instant::now();
        loop {
            match supervisor.status().expect("an answer") {
                Status::Alive => assert!(began.elapsed().as_secs() < 30),
                status => return status,
            }
        }
    }

    #[test]
    fn a_broker_is_started_killed_started_again_and_leaves_nothing() {
        let folder = folder();
        let mut supervisor = Supervisor::spawn(Program::Broker, &folder, &fake_java()).expect("a shell");
        assert_eq!(supervisor.status().expect("an answer"), Status::None);
        for end in [Supervisor::kill, Supervisor::stop] {
            assert!(supervisor.start().expect("an answer"));
            assert_eq!(supervisor.status().expect("an answer"), Status::Alive);
            end(&mut supervisor).expect("an answer");
            assert_eq!(supervisor.status().expect("an answer"), Status::None);
        }
        assert!(supervisor.start().expect("an answer"));
        drop(supervisor);
        assert!(!folder.exists());
    }

    #[test]
    fn an_order_whose_answer_nobody_hears_leaves_nothing_either() {
        let folder = folder();
        let mut shell = shell(Program::Broker, &folder, &fake_java()).spawn().expect("a shell");
        drop(shell.stdout.take());
        let mut orders = shell.stdin.take().expect("its input");
        writeln!(orders, "start").expect("an order");
        drop(orders);
        assert!(Child::wait(&mut shell).expect("its end").success());
        assert!(!folder.exists());
    }

    #[test]
    fn a_command_that_ends_by_itself_tells_its_exit_code_and_its_last_lines() {
        let command = of("echo one; echo two >&2; exit 3");
        let mut supervisor = Supervisor::spawn(Program::Command, &folder(), &command).expect("a shell");
        assert!(supervisor.start().expect("an answer"));
        assert_eq!(end_of(&mut supervisor), Status::Ended(3));
        assert_eq!(supervisor.log(), "one\ntwo\n");
    }
}
