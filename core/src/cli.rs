//! How every program of the house reads its command line and reports its end.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Error as ClapError, Parser};

use crate::error::{Error, Result};

/// Parses a command line. `None` means that help or the version was asked for and has been printed.
///
/// # Errors
/// One sentence that names the wrong flag or value and the nearest right one.
pub fn parse<T: Parser>(args: impl IntoIterator<Item = OsString>) -> Result<Option<T>> {
    match T::try_parse_from(args) {
        Ok(parsed) => Ok(Some(parsed)),
        Err(e) if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // A reader that closed the pipe (`| head`) has seen what it wanted.
            let _ = e.print();
            Ok(None)
        }
        Err(e) => {
            let (sentence, program) = (sentence(&e), T::command().get_name().to_owned());
            let end = if sentence.ends_with('?') { "" } else { "." };
            Err(Error::usage(format!("{sentence}{end} See `{program} --help`.")))
        }
    }
}

/// Prints the error, if there is one, to standard error and gives the exit code.
pub fn report(program: &str, result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// What a flag says, else a variable, else the default: for commands that take no config.
pub fn said_or_set(said: Option<&String>, variable: &str, otherwise: &str) -> String {
    let set = || std::env::var(variable).ok().filter(|value| !value.is_empty());
    said.cloned().or_else(set).unwrap_or_else(|| otherwise.to_owned())
}

/// The name in `known` most like `word`, if one is like it at all.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&word.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `; did you mean X?` or the whole list, for the end of a sentence about an unknown name.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let names: Vec<_> = known.into_iter().map(|name| format!("`{name}`")).collect();
            format!("known are {}", names.join(", "))
        }
    }
}

/// The flag of a config key, as in `--rate` for `rate`.
pub fn flag_name(command: &clap::Command, key: &str) -> String {
    let long = command.get_arguments().find(|arg| arg.get_id() == key).and_then(|arg| arg.get_long());
    format!("--{}", long.unwrap_or(key))
}

fn sentence(error: &ClapError) -> String {
    let argument = text(error, ContextKind::InvalidArg);
    // `--rate <HZ>` reads as `--rate`.
    let argument = argument.split(" <").next().unwrap_or_default();
    let value = text(error, ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let hint = text(error, ContextKind::SuggestedArg);
            format!("unknown argument `{argument}`{}", did_you_mean(&hint))
        }
        ErrorKind::InvalidSubcommand => {
            let name = text(error, ContextKind::InvalidSubcommand);
            let hint = text(error, ContextKind::SuggestedSubcommand);
            format!("unknown command `{name}`{}", did_you_mean(&hint))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("{argument} needs a value"),
        ErrorKind::InvalidValue => {
            let valid = text(error, ContextKind::ValidValue);
            let hint = text(error, ContextKind::SuggestedValue);
            format!("{argument}: `{value}` is not one of {valid}{}", did_you_mean(&hint))
        }
        ErrorKind::ValueValidation => format!("{argument}: `{value}`: {}", cause(error)),
        ErrorKind::ArgumentConflict => {
            let other = text(error, ContextKind::PriorArg);
            let other = other.split(" <").next().unwrap_or_default();
            if other == argument {
                return format!("{argument} is given twice");
            }
            let what = if argument.is_empty() { "a command" } else { argument };
            format!("{what} cannot be given together with {other}")
        }
        ErrorKind::MissingRequiredArgument => format!("{argument} is missing"),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "a command is missing".into()
        }
        ErrorKind::TooManyValues => format!("{argument}: `{value}` is one value too many"),
        _ => first_line(error),
    }
}

fn did_you_mean(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!("; did you mean `{hint}`?") }
}

fn text(error: &ClapError, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn cause(error: &ClapError) -> String {
    std::error::Error::source(error).map_or_else(|| first_line(error), ToString::to_string)
}

fn first_line(error: &ClapError) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[derive(Parser, Debug)]
    #[command(name = "mill")]
    struct Args {
        #[arg(long)]
        rate: Option<f64>,
        #[arg(long)]
        mode: Option<Mode>,
    }

    #[derive(ValueEnum, Clone, Debug)]
    enum Mode {
        Console,
        Kafka,
    }

    fn refusal(args: &[&str]) -> String {
        let args = std::iter::once("mill").chain(args.iter().copied()).map(OsString::from);
        parse::<Args>(args).expect_err("refused").to_string()
    }

    #[test]
    fn a_wrong_flag_is_answered_with_the_nearest_right_one() {
        assert_eq!(
            refusal(&["--rat", "1"]),
            "unknown argument `--rat`; did you mean `--rate`? See `mill --help`."
        );
    }

    #[test]
    fn a_flag_that_is_given_twice_is_named() {
        assert_eq!(refusal(&["--rate", "1", "--rate", "2"]), "--rate is given twice. See `mill --help`.");
    }

    #[test]
    fn a_wrong_value_is_answered_with_the_right_ones() {
        assert_eq!(
            refusal(&["--mode", "kafak"]),
            "--mode: `kafak` is not one of console, kafka; did you mean `kafka`? See `mill --help`."
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_flag_and_value() {
        assert_eq!(refusal(&["--rate", "fast"]), "--rate: `fast`: invalid float literal. See `mill --help`.");
    }
}
