//! `producer`: simulates a plant and streams its sensor readings.

use std::process::ExitCode;

fn main() -> ExitCode {
    millrace_core::cli::report("producer", millrace_producer::main(std::env::args_os()))
}
