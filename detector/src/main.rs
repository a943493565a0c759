//! `detector`: finds failures early, says why, and can be proved right.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    millrace_core::cli::report("detector", millrace_detector::main(std::env::args_os()))
}
