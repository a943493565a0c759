use chrono::DateTime;
use millrace_core::cli::suggestion;
use serde_json::{Map, Value};

use crate::duration;
use crate::simulate::{Act, Cause, Course, Deed, FailureKind};

const KEYS: [&str; 7] = ["at", "machine", "failure", "hours", "severity", "clear", "maintenance"];
/// Longer growth or maintenance than this many hours is a slip of the finger.
const LONGEST_HOURS: f64 = 1000.0;

/// One entry of a scenario, read but not yet held against a run.
pub(super) struct Entry(Map<String, Value>);

type Read<T> = std::result::Result<T, String>;

impl Entry {
    pub fn read(value: Value) -> Read<Self> {
        let Value::Object(map) = value else { return Err("is not a mapping of keys to values".into()) };
        match map.keys().find(|key| !KEYS.contains(&key.as_str())) {
            Some(key) => Err(format!("there is no key `{key}`; {}", suggestion(key, KEYS))),
            None => Ok(Self(map)),
        }
    }

    /// What it does, for each of its machines.
    pub fn acts(&self, machines: &[String], start: i64) -> Read<Vec<(String, Act)>> {
        let (at, deed) = (self.at(start)?, self.deed()?);
        let act = Act { at, deed, cause: Cause::Scenario };
        Ok(self.machines(machines)?.into_iter().map(|machine| (machine, act)).collect())
    }

    fn at(&self, start: i64) -> Read<i64> {
        let at = match self.0.get("at") {
            None => return Err("at: is missing; say when, as in 90s, 2h30m or an RFC 3339 time".into()),
            Some(Value::Number(seconds)) => start.saturating_add(milliseconds(seconds.as_f64())?),
            Some(Value::String(text)) => match DateTime::parse_from_rfc3339(text) {
                Ok(time) => time.timestamp_millis(),
                Err(_) => start + duration::parse(text).map_err(|why| format!("at: {why}"))?,
            },
            Some(other) => return Err(format!("at: `{other}` is no time such as 90s, 2h30m or 1d")),
        };
        if at < start { Err("at: lies before the run's --start".into()) } else { Ok(at) }
    }

    fn machines(&self, known: &[String]) -> Read<Vec<String>> {
        let named = match self.0.get("machine") {
            None => return Err("machine: is missing; name one, a list, or all".into()),
            Some(Value::String(all)) if all == "all" => return Ok(known.to_vec()),
            Some(Value::Array(list)) if !list.is_empty() => list.clone(),
            Some(one) => vec![one.clone()],
        };
        named.iter().map(|machine| self.machine(machine, known)).collect()
    }

    fn machine(&self, said: &Value, known: &[String]) -> Read<String> {
        let Some(id) = said.as_str() else {
            return Err(format!("machine: `{said}` is no machine id; quote it, or say all"));
        };
        if known.iter().any(|machine| machine == id) {
            return Ok(id.to_owned());
        }
        let near = known.iter().map(String::as_str).take(1000);
        Err(format!("machine: there is no machine `{id}` in this plant; {}", suggestion(id, near)))
    }

    fn deed(&self) -> Read<Deed> {
        let of_failure = |key: &str| match self.0.contains_key(key) {
            true => Err(format!("{key}: goes with failure only")),
            false => Ok(()),
        };
        match ["failure", "clear", "maintenance"].map(|key| self.0.get(key)) {
            [Some(kind), None, None] => Ok(Deed::Inject { kind: kind_of(kind)?, course: self.course()? }),
            [None, Some(clear), None] => {
                of_failure("hours").and(of_failure("severity"))?;
                if clear == &Value::Bool(true) { Ok(Deed::Clear) } else { Err("clear: must be true".into()) }
            }
            [None, None, Some(_)] => {
                of_failure("hours").and(of_failure("severity"))?;
                Ok(Deed::Maintain { minutes: self.number("maintenance", LONGEST_HOURS * 60.0)? })
            }
            _ => Err("must say one of failure, clear and maintenance".into()),
        }
    }

    fn course(&self) -> Read<Course> {
        match (self.0.contains_key("hours"), self.0.contains_key("severity")) {
            (true, false) => Ok(Course::Growing { hours: self.number("hours", LONGEST_HOURS)? }),
            (false, true) => Ok(Course::Fixed { severity: self.number("severity", 1.0)? }),
            _ => Err("a failure needs hours (to full severity) or severity (at once), not both".into()),
        }
    }

    /// A number above 0 and at most `most`.
    fn number(&self, key: &str, most: f64) -> Read<f64> {
        let said = self.0.get(key).cloned().unwrap_or_default();
        match said.as_f64() {
            Some(number) if number > 0.0 && number <= most => Ok(number),
            _ => Err(format!("{key}: {said} is no number above 0 and at most {most}")),
        }
    }
}

fn kind_of(said: &Value) -> Read<FailureKind> {
    let text = said.as_str().unwrap_or_default();
    FailureKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
        let known = FailureKind::ALL.map(FailureKind::name);
        format!("failure: there is no failure {said}; {}", suggestion(text, known))
    })
}

fn milliseconds(seconds: Option<f64>) -> Read<i64> {
    match seconds {
        Some(seconds) if (0.0..=1e10).contains(&seconds) => Ok((seconds * 1000.0).round() as i64),
        _ => Err("at: must be from 0 to 10000000000 seconds".into()),
    }
}
