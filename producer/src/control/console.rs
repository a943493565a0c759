use std::io::{BufRead, IsTerminal, Write};
use std::sync::mpsc::Sender;

use chrono::Utc;
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use rustyline::Editor;
use rustyline::config::{Behavior, Config};
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;

use super::letters::{HELP, Line, read};
use super::{Origin, Request, Voice};

/// What the ids of commands from the keyboard begin with: they are for one producer only.
pub(crate) const KEYBOARD: &str = "keyboard-";
const PROMPT: &str = "> ";
/// Back to the begin of the line, which is wiped; then bracketed paste off, as it was before.
const LEAVE_LINE: &str = "\r\x1b[K\x1b[?2004l";

type LineEditor = Editor<(), MemHistory>;

/// The keyboard, or what is piped in its place.
pub(crate) struct Console {
    /// How the terminal was; its thread may be in the midst of a line when the run ends.
    terminal: Option<Termios>,
}

impl Console {
    /// Hears the keyboard from now on: commands go to `desk`, everything else is answered with `voice`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(voice: &Voice, desk: Sender<Request>, shutdown: &Shutdown) -> Result<Self> {
        let terminal = tcgetattr(std::io::stdin()).ok();
        let editor = editor(voice);
        let console = Self { terminal: terminal.filter(|_| editor.is_some()) };
        voice.say(HELP);
        let hearer = Hearer { desk, voice: voice.clone(), began: Utc::now().timestamp_millis(), said: 0 };
        let shutdown = shutdown.clone();
        let hear = move || match editor {
            Some(editor) => hearer.edit(editor, &shutdown),
            None => hearer.follow(std::io::stdin().lock()),
        };
        let started = std::thread::Builder::new().name("keyboard".into()).spawn(hear);
        started.map_err(|e| Error::failed(format!("the keyboard cannot be read: {e}")))?;
        Ok(console)
    }
}

/// A line editor, where there is a terminal for one.
fn editor(voice: &Voice) -> Option<LineEditor> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    // The terminal itself, so that standard output carries nothing but data.
    let config = Config::builder().behavior(Behavior::PreferTerm).auto_add_history(true).build();
    let mut editor = Editor::with_history(config, MemHistory::new()).ok()?;
    voice.edit_with(editor.create_external_printer().ok()?);
    Some(editor)
}

impl Drop for Console {
    fn drop(&mut self) {
        if let Some(terminal) = &self.terminal {
            let mut error = std::io::stderr();
            let _ = error.write_all(LEAVE_LINE.as_bytes()).and_then(|()| error.flush());
            let _ = tcsetattr(std::io::stdin(), SetArg::TCSADRAIN, terminal);
        }
    }
}

/// Turns lines into commands.
struct Hearer {
    desk: Sender<Request>,
    voice: Voice,
    /// Sets this run's ids apart from those of others on the same topic.
    began: i64,
    said: u64,
}

impl Hearer {
    fn edit(mut self, mut editor: LineEditor, shutdown: &Shutdown) {
        loop {
            match editor.readline(PROMPT) {
                Ok(line) if self.hear(&line) => {}
                Err(ReadlineError::Interrupted) => return shutdown.request(),
                // The end of the input is not the end of the run.
                Ok(_) | Err(_) => return,
            }
        }
    }

    fn follow(mut self, input: impl BufRead) {
        for line in input.lines() {
            match line {
                Ok(line) if self.hear(&line) => {}
                _ => return,
            }
        }
    }

    /// Whether anybody wants to hear more.
    fn hear(&mut self, line: &str) -> bool {
        match read(line) {
            Ok(Line::Empty) => {}
            Ok(Line::Help) => self.voice.say(HELP),
            Err(sentence) => self.voice.say(&format!("❌ {sentence}")),
            Ok(Line::Command(mut said)) => {
                self.said += 1;
                said.id = format!("{KEYBOARD}{}-{}", self.began, self.said);
                return self.desk.send(Request { said, from: Origin::Keyboard, is_old: false }).is_ok();
            }
        }
        true
    }
}
