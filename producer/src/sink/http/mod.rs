//! Readings as JSON in the bodies of POST requests.
//!
//! Each machine belongs to one lane, and a lane has one request under way at a time, so an API gets the
//! readings of a machine in order, also when requests are repeated. Lanes run side by side.

mod endpoint;
mod lane;
mod patience;
mod rejects;
mod request;
mod tally;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use millrace_core::{Error, Result};
use tokio::sync::mpsc;

use super::Sink;
use crate::batch::Batch;
use crate::settings::ApiOutput;
use endpoint::Endpoint;
use lane::Lane;
use patience::Patience;
use rejects::Rejects;
use request::Request;
use tally::Tally;

/// How long readings wait for others to share a request with.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Requests that wait in each lane behind the one under way.
const WAITING: usize = 2;

/// Posts readings to an address.
pub struct HttpSink {
    lanes: Vec<Slot>,
    tally: Arc<Tally>,
    courier: Option<JoinHandle<()>>,
}

/// What is being gathered for a lane.
struct Slot {
    next: Request,
    began: Instant,
    queue: mpsc::Sender<Request>,
}

impl HttpSink {
    /// A sink that connects when it is used.
    ///
    /// # Errors
    /// When the client, its thread or the file of rejects cannot be had.
    pub fn new(output: &ApiOutput, verbose: bool) -> Result<Self> {
        Self::patient(output, verbose, Patience::default())
    }

    fn patient(output: &ApiOutput, verbose: bool, patience: Patience) -> Result<Self> {
        let tally = Arc::new(Tally::new(output, verbose, patience.at_first));
        let rejects = Arc::new(Rejects::open(output.rejects.as_deref())?);
        let endpoint = Arc::new(Endpoint::new(output)?);
        let mut lanes = Vec::new();
        let mut slots = Vec::new();
        for _ in 0..output.lanes {
            let (queue, requests) = mpsc::channel(WAITING);
            let (tally, rejects) = (Arc::clone(&tally), Arc::clone(&rejects));
            lanes.push(Lane { endpoint: Arc::clone(&endpoint), requests, tally, rejects, patience });
            slots.push(Slot { next: Request::new(output.batch), began: Instant::now(), queue });
        }
        let courier = Some(lane::start(lanes)?);
        Ok(Self { lanes: slots, tally, courier })
    }

    /// Sends what is full, or has waited long enough.
    fn hand_over(&mut self, due: impl Fn(&Slot) -> bool) -> Result<()> {
        for slot in &mut self.lanes {
            if !slot.next.is_empty() && due(slot) {
                slot.hand_over(&self.tally)?;
            }
        }
        Ok(())
    }
}

impl Slot {
    fn take(&mut self, reading: &[u8], tally: &Tally) -> Result<()> {
        if self.next.is_empty() {
            self.began = Instant::now();
        }
        self.next.push(reading);
        if self.next.is_full() { self.hand_over(tally) } else { Ok(()) }
    }

    /// Waits while the lane is full.
    fn hand_over(&mut self, tally: &Tally) -> Result<()> {
        let request = self.next.take();
        self.queue.blocking_send(request).map_err(|_| tally.end().err().unwrap_or_else(ended))
    }
}

impl Sink for HttpSink {
    fn send(&mut self, batch: &Batch) -> Result<()> {
        let lanes = self.lanes.len();
        for (part, record, reading) in batch.readings() {
            self.lanes[(part + record.machine) % lanes].take(reading, &self.tally)?;
        }
        self.poll()?;
        self.tally.check()
    }

    fn poll(&mut self) -> Result<()> {
        self.hand_over(|slot| slot.began.elapsed() >= LONGEST_WAIT)
    }

    fn acknowledged(&self) -> u64 {
        self.tally.taken()
    }

    fn failed(&self) -> u64 {
        self.tally.given_up()
    }

    fn close(&mut self) -> Result<()> {
        let handed_over = self.hand_over(|_| true);
        self.lanes.clear();
        if let Some(courier) = self.courier.take() {
            courier.join().map_err(|_| ended())?;
        }
        handed_over.and_then(|()| self.tally.end())
    }
}

fn ended() -> Error {
    Error::failed(
        "the thread that posts readings ended unexpectedly; please report it with the message above",
    )
}

#[cfg(test)]
mod tests;
