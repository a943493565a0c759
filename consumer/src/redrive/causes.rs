use millrace_core::{Error, Result, cli};

use crate::source::Cause;

/// Which letters are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Causes(Vec<Cause>);

impl Causes {
    /// Names of causes, with or without the program's name before them; none = all letters.
    pub fn new(names: &[String]) -> Result<Self> {
        names.iter().map(|name| named(name)).collect::<Result<_>>().map(Self)
    }

    /// Whether letters with this in the header `__streams.errors.exception` are asked for.
    pub fn has(&self, exception: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|cause| cause.exception() == exception)
    }
}

fn named(name: &str) -> Result<Cause> {
    let short = name.strip_prefix(Cause::PREFIX).unwrap_or(name);
    Cause::ALL.into_iter().find(|cause| cause.name() == short).ok_or_else(|| {
        let hint = cli::suggestion(short, Cause::ALL.map(Cause::name));
        Error::usage(format!("--cause: there is no cause `{name}`; {hint}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn causes(names: &[&str]) -> Result<Causes> {
        Causes::new(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn causes_are_named_in_short_or_in_full_and_none_means_all() {
        let some = causes(&["UnknownSchema", "millrace.consumer.Empty"]).expect("known");
        assert!(some.has("millrace.consumer.UnknownSchema") && some.has("millrace.consumer.Empty"));
        assert!(!some.has("millrace.consumer.NotFramed"));
        assert!(causes(&[]).expect("all").has("org.example.Other"));
    }

    #[test]
    fn an_unknown_cause_is_answered_with_the_nearest() {
        let refusal = causes(&["UnknownSchem"]).expect_err("unknown");
        assert_eq!(refusal.exit_code(), 2);
        let sentence = "--cause: there is no cause `UnknownSchem`; did you mean `UnknownSchema`?";
        assert_eq!(refusal.to_string(), sentence);
    }
}
