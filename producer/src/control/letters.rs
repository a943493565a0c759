use millrace_schemas::{ControlCommand, ControlReply, ControlStatus, MachineState};

/// What a line from the keyboard means.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// A command that has no id yet.
    Command(ControlCommand),
    /// The help is wanted.
    Help,
    /// Nothing.
    Empty,
}

pub(super) const HELP: &str = "\
Interactive Controls:
  'a <machine_id> [failure_type]' - Inject anomaly
  'c <machine_id>' - Clear anomaly
  'm <machine_id> [minutes]' - Start maintenance
  's' - Show machine states
  'q' - Quit
  'h' - Show this help";

/// Reads a line.
///
/// # Errors
/// What is wrong with it, in one sentence.
pub(super) fn read(line: &str) -> Result<Line, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let command = |action: &str, machine: Option<&str>| ControlCommand {
        action: action.into(),
        machine_id: machine.map(Into::into),
        ..ControlCommand::default()
    };
    let command = match words[..] {
        [] => return Ok(Line::Empty),
        ["h"] => return Ok(Line::Help),
        ["q"] => command("stop", None),
        ["s"] => command("show_states", None),
        ["c", machine] => command("clear", Some(machine)),
        ["a", machine] => command("inject", Some(machine)),
        ["a", machine, failure] => {
            ControlCommand { failure: Some(failure.into()), ..command("inject", Some(machine)) }
        }
        ["m", machine] => command("maintain", Some(machine)),
        ["m", machine, minutes] => {
            let minutes = minutes.parse().map_err(|_| format!("`{minutes}` is no number of minutes"))?;
            ControlCommand { minutes: Some(minutes), ..command("maintain", Some(machine)) }
        }
        [letter @ ("a" | "c" | "m")] => return Err(format!("{letter} needs a machine; h shows how")),
        [letter @ ("a" | "c" | "m" | "s" | "q" | "h"), ..] => {
            return Err(format!("there are too many words for {letter}; h shows how"));
        }
        [word, ..] => return Err(format!("there is no command `{word}`; h shows them")),
    };
    Ok(Line::Command(command))
}

/// What is said about a reply.
pub(super) fn answer(reply: &ControlReply) -> String {
    let said = reply.command.clone().unwrap_or_default();
    let machine = said.machine_id.unwrap_or_default();
    match (reply.status, said.action.as_str()) {
        (ControlStatus::Accepted, "inject") => {
            format!("🚨 Injected {} anomaly for {machine}", said.failure.unwrap_or_default())
        }
        (ControlStatus::Accepted, "clear") => format!("✅ Cleared anomaly for {machine}"),
        (ControlStatus::Accepted, "maintain") => {
            let minutes = said.minutes.unwrap_or_default();
            format!("🔧 Started maintenance for {machine} ({minutes} minutes)")
        }
        (ControlStatus::Accepted, "show_states") => {
            let states: String = reply.states.iter().map(state).collect();
            format!("📊 Machine States:{states}")
        }
        (ControlStatus::Accepted, "stop") => "👋 Stopping".to_owned(),
        (ControlStatus::Accepted, action) => format!("✅ {action}"),
        _ => format!("❌ {}", reply.reason.as_deref().unwrap_or("it was not accepted")),
    }
}

fn state(state: &MachineState) -> String {
    let doing = if state.in_maintenance { "🔧 Maintenance" } else { "✅ Operational" };
    let health = state.failure.as_ref().map_or("✅ Normal".to_owned(), |failure| format!("🚨 {failure}"));
    format!("\n  {}: {doing} | {health}", state.machine_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_letters_are_commands() {
        let said = |line: &str| match read(line) {
            Ok(Line::Command(said)) => said,
            other => panic!("{line}: {other:?}"),
        };
        let inject = said("a MACHINE_001 bearing_failure");
        assert_eq!((inject.action.as_str(), inject.failure.as_deref()), ("inject", Some("bearing_failure")));
        assert_eq!(said(" a  MACHINE_001 ").failure, None);
        assert_eq!(said("m MACHINE_003 30").minutes, Some(30.0));
        assert_eq!(said("c MACHINE_001").machine_id.as_deref(), Some("MACHINE_001"));
        assert_eq!((said("s").action, said("q").action), ("show_states".into(), "stop".into()));
        assert_eq!((read("h"), read("  ")), (Ok(Line::Help), Ok(Line::Empty)));
    }

    #[test]
    fn wrong_input_is_answered_in_one_sentence() {
        let wrong = ["a", "a M bearing_failure now", "m M soon", "x", "inject M", "s all", "A M"];
        insta::assert_snapshot!(wrong.map(|line| read(line).expect_err("refused")).join("\n"));
    }

    #[test]
    fn answers_are_the_guides() {
        let reply = |action: &str, failure: Option<&str>| ControlReply {
            status: ControlStatus::Accepted,
            command: Some(ControlCommand {
                action: action.into(),
                machine_id: Some("MACHINE_001".into()),
                failure: failure.map(Into::into),
                ..ControlCommand::default()
            }),
            ..ControlReply::default()
        };
        let machine = |id: &str, in_maintenance, failure: Option<&str>| MachineState {
            machine_id: id.into(),
            in_maintenance,
            failure: failure.map(Into::into),
            severity: 0.5,
        };
        let states = ControlReply {
            states: vec![
                machine("MACHINE_001", false, Some("bearing_failure")),
                machine("MACHINE_002", false, None),
                machine("MACHINE_003", true, None),
            ],
            ..reply("show_states", None)
        };
        let said = [reply("inject", Some("bearing_failure")), states, reply("clear", None)];
        insta::assert_snapshot!(said.map(|reply| answer(&reply)).join("\n"));
    }
}
