use std::ffi::OsString;

use millrace_consumer::pipeline::Tally;
use millrace_consumer::run::run;
use millrace_consumer::settings::{self as consumer_settings, Run};
use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};

/// The settings of a quiet consumer with these flags.
///
/// # Errors
/// When the flags are refused.
pub fn consumer(flags: &[impl AsRef<str>]) -> Result<Run> {
    let flags = flags.iter().map(|flag| OsString::from(flag.as_ref()));
    let args = [OsString::from("consumer")].into_iter().chain(flags).chain([OsString::from("--quiet")]);
    consumer_settings::read(args)?.ok_or_else(|| Error::usage("these flags only ask for help"))
}

/// Runs the consumer to its end, in this process.
///
/// # Errors
/// What the consumer itself would end with.
pub fn consume(flags: &[impl AsRef<str>]) -> Result<Tally> {
    run(&consumer(flags)?, &Shutdown::new())
}
