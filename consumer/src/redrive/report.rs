use std::collections::BTreeMap;

use crate::source::Cause;

/// What came of putting letters back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Letters that went back now (or would have), by cause.
    pub back: BTreeMap<String, u64>,
    /// Letters that were not asked for, by cause.
    pub left: BTreeMap<String, u64>,
    /// Letters whose topic is gone, by topic.
    pub homeless: BTreeMap<String, u64>,
    /// Letters that had gone back before.
    pub before: u64,
    /// Records that do not say where they came from.
    pub strangers: u64,
}

impl Outcome {
    pub(super) fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
        let name = name.strip_prefix(Cause::PREFIX).unwrap_or(name);
        *counts.entry(name.to_owned()).or_default() += 1;
    }

    /// One line for people.
    pub(super) fn tell(&self, topic: &str, is_dry: bool) -> String {
        let verb = if is_dry { "would go back" } else { "put back" };
        let mut line = format!("{topic}: {} {verb}", listed(&self.back));
        line += &format!(", {} left", listed(&self.left));
        if self.before > 0 {
            line += &format!(", {} were put back before", self.before);
        }
        if !self.homeless.is_empty() {
            line += &format!("; {} whose topic is gone", listed(&self.homeless));
        }
        if self.strangers > 0 {
            line += &format!("; {} without headers that say where they came from", self.strangers);
        }
        line
    }
}

/// A sum, and what it is made of.
fn listed(counts: &BTreeMap<String, u64>) -> String {
    let sum: u64 = counts.values().sum();
    let parts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    if parts.is_empty() { sum.to_string() } else { format!("{sum} ({})", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_went_back_and_what_did_not() {
        let counts = |of: &[(&str, u64)]| of.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        let all = Outcome {
            back: counts(&[("Poison", 2), ("UnknownSchema", 10)]),
            left: counts(&[("NotAReading", 3)]),
            homeless: counts(&[("old-plant", 1)]),
            before: 20,
            strangers: 4,
        };
        let lines = [
            all.tell("sensor-data.dlq", false),
            Outcome::default().tell("sensor-data.dlq", false),
            Outcome { back: counts(&[("Empty", 1)]), ..Outcome::default() }.tell("sensor-data.dlq", true),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }
}
