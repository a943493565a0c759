//! `consumer`: reads sensor readings as a member of a consumer group, with rolling statistics of each machine.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    millrace_core::cli::report("consumer", millrace_consumer::main(std::env::args_os()))
}
