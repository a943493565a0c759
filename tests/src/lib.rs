//! The harness of the tests that need a cluster: one cluster and one registry a test binary, started when
//! the first selected test needs them and ended with the binary.
//!
//! It is Kafka in Docker where there is an engine, by Java where there is one, else the demo broker, or what
//! `MILLRACE_TEST_CLUSTER` (docker, java, demo) says. Tests that need more than the demo broker does are
//! reported as ignored on it with the reason, or fail under `MILLRACE_REQUIRE_KAFKA=1`.

mod child;
mod consumer;
mod detector;
mod lab;
mod producer;
pub mod topic;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use millrace_lab::cluster::Choice;

pub use child::Child;
pub use consumer::{consume, consumer};
pub use detector::{alerts, detect};
pub use lab::{Lab, choice};
pub use producer::{produce, settings};

/// What a test comes to; a panic in it is a failure as well.
pub type Verdict = Result<Completion, Failed>;

/// One test, named as a sentence.
pub struct KafkaTest {
    name: &'static str,
    body: Body,
    /// What of real Kafka it needs, in words.
    needs: Option<&'static str>,
}

enum Body {
    Shared(fn(&Lab) -> Verdict),
    Own(fn() -> Verdict),
}

impl KafkaTest {
    /// A test on the cluster and the registry that all tests share.
    pub const fn shared(name: &'static str, body: fn(&Lab) -> Verdict) -> Self {
        Self { name, body: Body::Shared(body), needs: None }
    }

    /// A test that starts what it needs.
    pub const fn own(name: &'static str, body: fn() -> Verdict) -> Self {
        Self { name, body: Body::Own(body), needs: None }
    }

    /// The same test, which the demo broker cannot satisfy because it does not have `what`.
    #[must_use]
    pub const fn needs(self, what: &'static str) -> Self {
        Self { needs: Some(what), ..self }
    }

    fn trial(self, choice: &millrace_core::Result<Choice>) -> Trial {
        let real = matches!(choice, Ok(choice) if choice.capabilities().durable);
        match (choice, self.needs) {
            (Err(error), _) => refused(self.name, format!("no cluster: {error}")),
            (Ok(_), Some(what)) if !real => no_kafka(self.name, what),
            _ => match self.body {
                Body::Own(body) => Trial::ignorable_test(self.name, body),
                Body::Shared(body) => Trial::ignorable_test(self.name, move || body(&*lab::shared()?)),
            },
        }
    }
}

fn refused(name: &str, reason: String) -> Trial {
    Trial::test(name, move || Err(Failed::from(reason)))
}

fn no_kafka(name: &str, what: &str) -> Trial {
    let reason = format!("needs real Kafka: the demo broker has no {what}");
    let trial = refused(name, reason.clone());
    if is_set("MILLRACE_REQUIRE_KAFKA") { trial } else { trial.with_kind(reason).with_ignored_flag(true) }
}

/// The end of a test in which everything held.
///
/// # Errors
/// Never; the type is that of a test.
pub fn passed() -> Verdict {
    Ok(Completion::Completed)
}

/// The end of a test that cannot run here: ignored with its reason, or failed when the variable `required`
/// is 1.
///
/// # Errors
/// When the test is required.
pub fn skipped(reason: &str, required: &str) -> Verdict {
    if is_set(required) {
        return Err(Failed::from(format!("{reason}, and {required}=1 does not allow to skip")));
    }
    Ok(Completion::ignored_with(reason))
}

/// Runs the selected tests, ends the cluster, and leaves with the exit code that `cargo test` expects.
/// Started by [`Child`], it is a program instead.
pub fn main(tests: impl FnOnce() -> Vec<KafkaTest>) -> ! {
    if let Some(code) = child::acted() {
        std::process::exit(code);
    }
    let arguments = Arguments::from_args();
    let choice = lab::choice();
    let trials = tests().into_iter().map(|test| test.trial(&choice)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    lab::end();
    conclusion.exit()
}

/// The number that a variable gives to make a test longer, else the usual one.
pub fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| value == "1")
}
