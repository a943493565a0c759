use std::ffi::OsString;

use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_producer::run::{Progress, Summary, run};
use millrace_producer::settings::{self as producer_settings, Settings};

/// The settings of a quiet producer with these flags.
///
/// # Errors
/// When the flags are refused.
pub fn settings(flags: &[impl AsRef<str>]) -> Result<Settings> {
    let flags = flags.iter().map(|flag| OsString::from(flag.as_ref()));
    let args = [OsString::from("producer")].into_iter().chain(flags).chain([OsString::from("--quiet")]);
    producer_settings::read(args)?.ok_or_else(|| Error::usage("these flags only ask for help"))
}

/// Runs the producer to its end, in this process.
///
/// # Errors
/// What the producer itself would end with.
pub fn produce(flags: &[impl AsRef<str>]) -> Result<Summary> {
    run(&settings(flags)?, &Shutdown::new(), &Progress::default())
}
