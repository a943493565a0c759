//! `lab`: clusters, a schema registry, the other programs and benchmarks, in one binary.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    millrace_core::cli::report("lab", millrace_lab::main(std::env::args_os()))
}
