use millrace_core::cli::suggestion;
use millrace_schemas::ControlCommand;
use sha2::{Digest, Sha256};

use crate::settings::{RATES, RATES_IN_WORDS, Speed};
use crate::simulate::{Course, Deed, FailureKind};

/// The longest id, in characters.
pub const MAX_ID: usize = 128;
const DEFAULT_HOURS: f64 = 2.0;
const MAX_HOURS: f64 = 1000.0;
const LEAST_SEVERITY: f64 = 0.01;
const DEFAULT_MINUTES: f64 = 60.0;
const MAX_MINUTES: f64 = 525_600.0;

/// What a command asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wish {
    /// Something is done to a machine, or to all of them.
    Act(Deed),
    /// Samples per stream second and machine, from the next tick on.
    Rate(f64),
    /// How stream time follows wall time from now on.
    Speed(Speed),
    /// Stream time stands still.
    Pause,
    /// Stream time goes on.
    Resume,
    /// The run ends in order.
    Stop,
    /// How machines are.
    States,
}

/// A command in which nothing contradicts itself; whether it fits the run is the desk's to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// As it was said, with what was left open filled in.
    pub said: ControlCommand,
    /// What it asks for.
    pub wish: Wish,
}

const ACTIONS: [&str; 9] =
    ["inject", "clear", "maintain", "set_rate", "set_speed", "pause", "resume", "stop", "show_states"];

impl Command {
    /// Checks a command and fills in what it leaves open.
    ///
    /// # Errors
    /// Why it cannot be carried out, in one sentence.
    pub fn check(mut said: ControlCommand) -> Result<Self, String> {
        check_fields(&said)?;
        let wish = match said.action.as_str() {
            "inject" => Wish::Act(inject(&mut said)?),
            "clear" => Wish::Act(Deed::Clear),
            "maintain" => Wish::Act(maintain(&mut said)?),
            "set_rate" => Wish::Rate(rate(&said)?),
            "set_speed" => Wish::Speed(speed(&said)?),
            "pause" => Wish::Pause,
            "resume" => Wish::Resume,
            "stop" => Wish::Stop,
            "show_states" => Wish::States,
            other => return Err(format!("there is no action `{other}`; {}", suggestion(other, ACTIONS))),
        };
        if said.machine_id.is_some() && !matches!(wish, Wish::Act(_) | Wish::States) {
            return Err(format!("{} is for the whole fleet; leave machine_id out", said.action));
        }
        Ok(Self { said, wish })
    }
}

/// Refuses fields that the action would ignore.
fn check_fields(said: &ControlCommand) -> Result<(), String> {
    let given = [
        ("failure", said.failure.is_some(), "inject"),
        ("hours", said.hours.is_some(), "inject"),
        ("severity", said.severity.is_some(), "inject"),
        ("minutes", said.minutes.is_some(), "maintain"),
        ("rate", said.rate.is_some(), "set_rate"),
        ("speed", said.speed.is_some(), "set_speed"),
    ];
    let astray = |(_, given, action): &&(&str, bool, &str)| *given && *action != said.action;
    match given.iter().find(astray) {
        Some((field, _, action)) if ACTIONS.contains(&said.action.as_str()) => {
            Err(format!("{field} goes with {action} only, not with {}", said.action))
        }
        _ => Ok(()),
    }
}

fn inject(said: &mut ControlCommand) -> Result<Deed, String> {
    let kind = match said.failure.as_deref() {
        None => drawn(&said.id),
        Some(name) => FailureKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let known = FailureKind::ALL.map(FailureKind::name);
            format!("there is no failure `{name}`; {}", suggestion(name, known))
        })?,
    };
    said.failure = Some(kind.name().to_owned());
    let course = match (said.hours, said.severity) {
        (Some(_), Some(_)) => {
            return Err("a failure grows over hours or has a severity; leave one of them out".to_owned());
        }
        (None, Some(severity)) if (LEAST_SEVERITY..=1.0).contains(&severity) => Course::Fixed { severity },
        (None, Some(severity)) => {
            return Err(format!("severity {severity} is out of range: it must be from 0.01 to 1"));
        }
        (hours, None) => Course::Growing { hours: within("hours", hours, DEFAULT_HOURS, MAX_HOURS)? },
    };
    if let Course::Growing { hours } = course {
        said.hours = Some(hours);
    }
    Ok(Deed::Inject { kind, course })
}

fn maintain(said: &mut ControlCommand) -> Result<Deed, String> {
    let minutes = within("minutes", said.minutes, DEFAULT_MINUTES, MAX_MINUTES)?;
    said.minutes = Some(minutes);
    Ok(Deed::Maintain { minutes })
}

fn within(name: &str, said: Option<f64>, default: f64, most: f64) -> Result<f64, String> {
    match said.unwrap_or(default) {
        value if value > 0.0 && value <= most => Ok(value),
        value => Err(format!("{name} {value} is out of range: it must be above 0 and at most {most}")),
    }
}

fn rate(said: &ControlCommand) -> Result<f64, String> {
    match said.rate {
        Some(rate) if RATES.contains(&rate) => Ok(rate),
        Some(rate) => Err(format!("rate {rate} is out of range: it must be {RATES_IN_WORDS}")),
        None => Err("set_rate needs a rate".to_owned()),
    }
}

fn speed(said: &ControlCommand) -> Result<Speed, String> {
    said.speed.as_deref().map_or_else(|| Err("set_speed needs a speed".to_owned()), Speed::parse)
}

/// The kind that an id stands for: the same for every producer and every time.
fn drawn(id: &str) -> FailureKind {
    let digest = Sha256::digest(id);
    let place = digest.iter().take(4).fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    FailureKind::at_share(f64::from(place) / 4_294_967_296.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(action: &str) -> ControlCommand {
        ControlCommand { id: "c1".into(), action: action.into(), ..ControlCommand::default() }
    }

    fn refusal(said: ControlCommand) -> String {
        Command::check(said).expect_err("refused")
    }

    #[test]
    fn a_failure_grows_over_two_hours_unless_said_otherwise() {
        let said = ControlCommand { failure: Some("oil_leak".into()), ..command("inject") };
        let checked = Command::check(said).expect("accepted");
        let course = Course::Growing { hours: 2.0 };
        assert_eq!(checked.wish, Wish::Act(Deed::Inject { kind: FailureKind::OilLeak, course }));
        assert_eq!(checked.said.hours, Some(2.0), "the answer says it");
    }

    #[test]
    fn a_failure_without_a_kind_is_drawn_from_the_id_with_the_plants_own_shares() {
        let kind = |id: String| {
            let checked = Command::check(ControlCommand { id, ..command("inject") }).expect("accepted");
            checked.said.failure.expect("filled in")
        };
        assert_eq!(kind("a".into()), kind("a".into()));
        let bearings = (0..2000).filter(|n| kind(n.to_string()) == "bearing_failure").count();
        assert!((500..700).contains(&bearings), "{bearings}");
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused_in_one_sentence() {
        let refused = [
            command("explode"),
            command("set_rate"),
            command("set_speed"),
            ControlCommand { failure: Some("bearing".into()), ..command("inject") },
            ControlCommand { hours: Some(-1.0), ..command("inject") },
            ControlCommand { hours: Some(f64::NAN), ..command("inject") },
            ControlCommand { hours: Some(1.0), severity: Some(0.5), ..command("inject") },
            ControlCommand { severity: Some(1.5), ..command("inject") },
            ControlCommand { minutes: Some(0.0), ..command("maintain") },
            ControlCommand { minutes: Some(5.0), ..command("clear") },
            ControlCommand { rate: Some(1e9), ..command("set_rate") },
            ControlCommand { speed: Some("fast".into()), ..command("set_speed") },
            ControlCommand { machine_id: Some("MACHINE_001".into()), ..command("pause") },
        ];
        insta::assert_snapshot!(refused.map(refusal).join("\n"));
    }
}
