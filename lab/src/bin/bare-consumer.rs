//! A contestant of `lab bench`: rdkafka's client as any program has it, with the system's allocator.

use std::process::ExitCode;

fn main() -> ExitCode {
    millrace_core::cli::report("bare-consumer", millrace_lab::bench::bare(std::env::args_os()))
}
