//! The small shell that runs a broker and outlives us just long enough to end it and to clean up,
//! also when we are killed: it sees the end of its standard input.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use millrace_core::{Error, Result};

/// A shell and not ourselves, so that `pkill -9 lab` does not take it down as well.
const SCRIPT: &str = include_str!("supervise.sh");

/// The shell that looks after one broker; dropping it ends the broker and removes its folder.
pub(super) struct Supervisor {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    /// Starts the shell, which owns `folder` from now on; `java` runs the class named after it.
    pub(super) fn spawn(folder: &Path, java: &Command) -> Result<Self> {
        let cannot = |why: &str| {
            Error::failed(format!("cannot run `sh`, which looks after the broker: {why}; put `sh` on PATH"))
        };
        let mut shell = command(folder, java).spawn().map_err(|e| cannot(&e.to_string()))?;
        let (orders, answers) = (shell.stdin.take(), shell.stdout.take());
        let answers = answers.ok_or_else(|| cannot("it has no output"))?;
        Ok(Self { shell, orders, answers: BufReader::new(answers) })
    }

    /// Starts the broker unless it runs; tells whether the process could be started.
    pub(super) fn start(&mut self) -> Result<bool> {
        Ok(self.ask("start")? != "failed")
    }

    /// Kills the broker at once (SIGKILL) and waits until it is dead.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.ask("kill").map(drop)
    }

    /// Whether the broker's process lives.
    pub(super) fn is_alive(&mut self) -> Result<bool> {
        Ok(self.ask("status")? == "alive")
    }

    fn ask(&mut self, order: &str) -> Result<String> {
        let answer = self.exchange(order).unwrap_or_default();
        if answer.is_empty() {
            return Err(Error::failed(
                "the shell that looks after the broker was ended from outside; start the command again",
            ));
        }
        Ok(answer)
    }

    fn exchange(&mut self, order: &str) -> std::io::Result<String> {
        if let Some(orders) = &mut self.orders {
            writeln!(orders, "{order}")?;
        }
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.shell.wait();
    }
}

fn command(folder: &Path, java: &Command) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "supervise"]).arg(folder).arg(java.get_program()).args(java.get_args());
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

    #[test]
    fn a_broker_is_started_killed_started_again_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder").keep();
        std::fs::write(folder.join("id"), "id").expect("a file");
        let mut supervisor = Supervisor::spawn(&folder, &fake_java()).expect("a shell");
        assert!(!supervisor.is_alive().expect("an answer"));
        for _ in 0..2 {
            assert!(supervisor.start().expect("an answer"));
            assert!(supervisor.is_alive().expect("an answer"));
            supervisor.kill().expect("an answer");
            assert!(!supervisor.is_alive().expect("an answer"));
        }
        assert!(supervisor.start().expect("an answer"));
        drop(supervisor);
        assert!(!folder.exists());
    }

    #[test]
    fn an_order_whose_answer_nobody_hears_leaves_nothing_either() {
        let folder = tempfile::tempdir().expect("a folder").keep();
        std::fs::write(folder.join("id"), "id").expect("a file");
        let mut shell = command(&folder, &fake_java()).spawn().expect("a shell");
        drop(shell.stdout.take());
        let mut orders = shell.stdin.take().expect("its input");
        writeln!(orders, "start").expect("an order");
        drop(orders);
        assert!(shell.wait().expect("its end").success());
        assert!(!folder.exists());
    }

    #[test]
    fn a_broker_that_ends_by_itself_is_seen_dead() {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let mut java = Command::new("sh");
        java.args(["-c", "exit 0"]);
        let mut supervisor = Supervisor::spawn(&folder, &java).expect("a shell");
        assert!(supervisor.start().expect("an answer"));
        let began = std::time::Instant::now();
        while supervisor.is_alive().expect("an answer") {
            assert!(began.elapsed().as_secs() < 30);
        }
    }
}
