use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use millrace_core::{Error, Result};
use millrace_producer::report::grouped;
use serde::de::IgnoredAny;
use tokio::net::TcpListener;

use super::round::{measure, median, number_before};
use crate::program::program;

/// What `lab bench http` can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Readings per round
    #[arg(long, default_value_t = 1_000_000)]
    readings: u64,
    /// Machines
    #[arg(long, default_value_t = 1000)]
    machines: u64,
    /// Readings a request
    #[arg(long, default_value_t = 100)]
    batch: u64,
    /// Rounds
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// Runs the rounds and prints their median.
pub(super) fn run(args: &Args) -> Result<()> {
    if args.readings < args.machines || args.machines == 0 || args.rounds == 0 || args.batch == 0 {
        return Err(Error::usage(
            "--readings must be at least --machines, and all of --machines, --batch and --rounds at least 1",
        ));
    }
    let refuse = |e| Error::failed(format!("the server to measure against cannot be started: {e}"));
    let taken = Arc::new(AtomicU64::new(0));
    // One thread, as many a server in a lesson has.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(refuse)?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(refuse)?;
    let url = format!("http://{}/api/data", listener.local_addr().map_err(refuse)?);
    let router = Router::new().route("/api/data", post(take)).with_state(Arc::clone(&taken));
    let server = runtime.spawn(async move { axum::serve(listener, router).await });
    println!(
        "{} readings a round of {} machines, {} a request, to a server on this computer that parses them",
        grouped(args.readings),
        args.machines,
        args.batch
    );
    let (mut rates, mut cpu) = (Vec::new(), Vec::new());
    for number in 1..=args.rounds {
        let round = measure(command(args, &url)?)?;
        let rate = number_before(&round.printed, " records/s")
            .ok_or_else(|| Error::failed(format!("the producer printed no rate: {}", round.printed)))?;
        let came = taken.swap(0, Ordering::Relaxed);
        let each = round.cpu.as_nanos() as f64 / came.max(1) as f64;
        println!("round {number}  {:>11} readings/s  {each:>6.0} ns CPU a reading", grouped(rate as u64));
        rates.push(rate);
        cpu.push(each);
    }
    server.abort();
    println!(
        "median   {:>11} readings/s  {:>6.0} ns CPU a reading",
        grouped(median(rates) as u64),
        median(cpu)
    );
    Ok(())
}

async fn take(State(taken): State<Arc<AtomicU64>>, body: Bytes) -> StatusCode {
    match serde_json::from_slice::<Vec<IgnoredAny>>(&body) {
        Ok(readings) => {
            taken.fetch_add(readings.len() as u64, Ordering::Relaxed);
            StatusCode::NO_CONTENT
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

fn command(args: &Args, url: &str) -> Result<Command> {
    let mut command = program("producer")?;
    command.args(["--mode", "api", "--url", url, "--speed", "max"]);
    command.args(["--batch", &args.batch.to_string(), "--machines", &args.machines.to_string()]);
    command.args(["--duration", &(args.readings / args.machines).to_string()]);
    Ok(command)
}
