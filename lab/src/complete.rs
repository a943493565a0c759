//! Completion scripts for shells and manual pages, both made from the command lines themselves, so that
//! neither can say what the programs do not understand.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use millrace_core::{Error, Result};

/// What `lab completions` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab completions bash > ~/.local/share/bash-completion/completions/lab
  lab completions bash producer > ~/.local/share/bash-completion/completions/producer
  lab completions zsh > ~/.zfunc/_lab                   with ~/.zfunc in fpath
  lab completions fish > ~/.config/fish/completions/lab.fish")]
pub(crate) struct CompletionArgs {
    /// Shell that reads the script
    shell: Shell,
    /// Program whose arguments are completed
    #[arg(value_enum, default_value_t)]
    program: Program,
}

/// What `lab man` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab man | man -l -
  lab man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Folder for the pages of every program and command; without it, lab's own goes to standard output
    dir: Option<PathBuf>,
}

/// A program of the house.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Program {
    #[default]
    Lab,
    Producer,
    Consumer,
    Detector,
}

impl Program {
    const ALL: [Self; 4] = [Self::Lab, Self::Producer, Self::Consumer, Self::Detector];

    fn command(self) -> Command {
        match self {
            Self::Lab => lab(),
            Self::Producer => millrace_producer::command(),
            Self::Consumer => millrace_consumer::command(),
            Self::Detector => millrace_detector::command(),
        }
    }
}

/// The lab with the programs' own flags in place of the arguments that it hands over unread.
fn lab() -> Command {
    crate::commands::command()
        .mut_subcommand("producer", |_| millrace_producer::command())
        .mut_subcommand("consumer", |_| millrace_consumer::command())
        .mut_subcommand("detector", |_| millrace_detector::command())
}

/// Prints a completion script.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn completions(args: &CompletionArgs) -> Result<()> {
    print(&script(args.shell, args.program))
}

fn script(shell: Shell, program: Program) -> Vec<u8> {
    let mut command = program.command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    script
}

/// Writes the manual pages into a folder, or prints the lab's own.
///
/// # Errors
/// When the folder or standard output cannot be written to.
pub(crate) fn man(args: &ManArgs) -> Result<()> {
    match &args.dir {
        Some(dir) => pages(dir),
        None => {
            let page = page(&described(Program::Lab));
            print(
                page.map_err(|e| Error::failed(format!("The manual page cannot be made: {e}.")))?.as_bytes(),
            )
        }
    }
}

fn pages(dir: &Path) -> Result<()> {
    let refused = |e: std::io::Error| {
        let dir = dir.display();
        Error::failed(format!("The manual pages cannot be written into {dir}: {e}. Name another folder."))
    };
    std::fs::create_dir_all(dir).map_err(refused)?;
    Program::ALL
        .into_iter()
        .try_for_each(|program| write_with_commands(&described(program), dir).map_err(refused))
}

/// A program ready for its page: every command knows its full name, and `help` is none of them.
fn described(program: Program) -> Command {
    let mut command = program.command().disable_help_subcommand(true);
    command.build();
    command
}

fn write_with_commands(command: &Command, dir: &Path) -> std::io::Result<()> {
    command.get_subcommands().try_for_each(|below| write_with_commands(below, dir))?;
    let name = command.get_display_name().unwrap_or(command.get_name());
    std::fs::write(dir.join(format!("{name}.1")), page(command)?)
}

fn page(command: &Command) -> std::io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    let page = String::from_utf8(page).map_err(std::io::Error::other)?;
    Ok(examples_as_they_stand(&page))
}

/// What stands below the options are examples in columns, which roff would fill up into paragraphs.
fn examples_as_they_stand(page: &str) -> String {
    let Some((before, after)) = page.split_once(".SH EXTRA\n") else { return page.to_owned() };
    let end = after.find("\n.SH ").map_or(after.len(), |newline| newline + 1);
    let (examples, rest) = after.split_at(end);
    let examples = examples.strip_prefix("Examples:\n").unwrap_or(examples).trim_end();
    format!("{before}.SH EXAMPLES\n.nf\n{examples}\n.fi\n{rest}")
}

fn print(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // A reader that closed the pipe (`| head`) has seen what it wanted.
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Error::failed(format!("Standard output cannot be written to: {e}.")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("text")
    }

    fn scripts(program: Program) -> impl Iterator<Item = (Shell, String)> {
        Shell::value_variants().iter().map(move |shell| (*shell, text(script(*shell, program))))
    }

    fn read(dir: &Path, page: &str) -> String {
        // roff writes a hyphen that must stay one as \-.
        std::fs::read_to_string(dir.join(page)).expect(page).replace("\\-", "-")
    }

    #[test]
    fn every_shell_completes_the_flags_of_the_producer() {
        for (shell, script) in scripts(Program::Producer) {
            for flag in ["bootstrap-server", "anomaly-rate", "include-labels", "command-config"] {
                assert!(script.contains(flag), "{shell} does not know --{flag}");
            }
        }
    }

    #[test]
    fn every_shell_completes_the_commands_of_the_lab_and_the_flags_behind_them() {
        for (shell, script) in scripts(Program::Lab) {
            for word in ["registry", "completions", "brokers", "registry-port", "anomaly-rate"] {
                assert!(script.contains(word), "{shell} does not know {word}");
            }
        }
    }

    #[test]
    fn every_command_has_a_page_that_names_its_flags() {
        let parent = tempfile::tempdir().expect("a folder");
        let dir = parent.path().join("share/man1");
        pages(&dir).expect("written");
        for (page, flag) in [
            ("lab.1", "lab-registry(1)"),
            ("lab-up.1", "--registry-port"),
            ("lab-registry.1", "--port"),
            ("lab-bench-producer.1", "--cluster"),
            ("lab-producer.1", "--anomaly-rate"),
            ("producer.1", "--anomaly-rate"),
            ("lab-consumer.1", "--group-id"),
            ("consumer.1", "--group-id"),
        ] {
            let text = read(&dir, page);
            assert!(text.contains(flag), "{page} does not name {flag}: {text}");
        }
    }

    #[test]
    fn without_a_folder_the_page_is_that_of_the_lab() {
        let text = page(&described(Program::Lab)).expect("made");
        assert!(text.contains(".TH lab 1"), "{text}");
        assert!(!text.contains("help(1)"), "{text}");
    }

    #[test]
    fn examples_keep_their_columns() {
        let text = page(&described(Program::Producer)).expect("made");
        let (_, examples) = text.split_once(".SH EXAMPLES\n.nf\n").expect("a section of examples");
        let (examples, rest) = examples.split_once("\n.fi\n").expect("its end");
        assert!(examples.contains("producer \\-\\-preset load"), "{examples}");
        assert!(rest.starts_with(".SH VERSION"), "{rest}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let dir = file.path().join("man1");
        let sentence = pages(&dir).expect_err("refused").to_string();
        assert!(sentence.contains(&dir.display().to_string()), "{sentence}");
    }
}
