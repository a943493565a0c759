//! The harness of the tests that need a real Kafka: one cluster and one registry a test binary, started
//! when the first selected test needs them and ended with the binary.
//!
//! Where no Kafka can be had, tests that need it are reported as ignored with the reason, or fail under
//! `MILLRACE_REQUIRE_KAFKA=1`. `MILLRACE_TEST_CLUSTER=none` pretends that there is none.

mod lab;
mod producer;
pub mod topic;

use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

pub use lab::Lab;
pub use producer::{produce, settings};

/// What a test comes to; a panic in it is a failure as well.
pub type Verdict = Result<Completion, Failed>;

/// One test, named as a sentence.
pub struct KafkaTest {
    name: &'static str,
    body: Body,
}

enum Body {
    Shared(fn(&Lab) -> Verdict),
    Own(fn() -> Verdict),
    Free(fn() -> Verdict),
}

impl KafkaTest {
    /// A test on the cluster and the registry that all tests share.
    pub const fn shared(name: &'static str, body: fn(&Lab) -> Verdict) -> Self {
        Self { name, body: Body::Shared(body) }
    }

    /// A test that needs Kafka and starts its own.
    pub const fn own(name: &'static str, body: fn() -> Verdict) -> Self {
        Self { name, body: Body::Own(body) }
    }

    /// A test that needs no Kafka.
    pub const fn free(name: &'static str, body: fn() -> Verdict) -> Self {
        Self { name, body: Body::Free(body) }
    }

    fn trial(self, kafka: &Availability) -> Trial {
        match self.body {
            Body::Free(body) => Trial::ignorable_test(self.name, body),
            Body::Own(body) => kafka.trial(self.name, body),
            Body::Shared(body) => kafka.trial(self.name, move || body(&*lab::shared()?)),
        }
    }
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
pub fn main(tests: impl FnOnce() -> Vec<KafkaTest>) -> ! {
    let arguments = Arguments::from_args();
    let kafka = Availability::find();
    let trials = tests().into_iter().map(|test| test.trial(&kafka)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    lab::end();
    conclusion.exit()
}

/// Whether Kafka can be had, and what follows for the tests where not.
enum Availability {
    Yes,
    Skip(Arc<str>),
    Fail(Arc<str>),
}

impl Availability {
    fn find() -> Self {
        match lab::available() {
            Ok(()) => Self::Yes,
            Err(reason) if is_set("MILLRACE_REQUIRE_KAFKA") => Self::Fail(reason.into()),
            Err(reason) => Self::Skip(reason.into()),
        }
    }

    fn trial(&self, name: &str, body: impl FnOnce() -> Verdict + Send + 'static) -> Trial {
        let refuse = |reason: &Arc<str>| {
            let reason = Arc::clone(reason);
            Trial::test(name, move || Err(Failed::from(format!("needs Kafka: {reason}"))))
        };
        match self {
            Self::Yes => Trial::ignorable_test(name, body),
            Self::Fail(reason) => refuse(reason),
            Self::Skip(reason) => {
                refuse(reason).with_kind(format!("needs Kafka: {reason}")).with_ignored_flag(true)
            }
        }
    }
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| value == "1")
}
