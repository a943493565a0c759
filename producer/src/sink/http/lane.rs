use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use millrace_core::{Error, Result};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::endpoint::{Endpoint, Outcome};
use super::patience::Patience;
use super::rejects::{GivenUp, Rejects};
use super::request::Request;
use super::tally::Tally;

/// Posts the readings of some machines, one request after the other.
pub(super) struct Lane {
    pub endpoint: Arc<Endpoint>,
    pub requests: mpsc::Receiver<Request>,
    pub tally: Arc<Tally>,
    pub rejects: Arc<Rejects>,
    pub patience: Patience,
}

/// Starts the lanes, all on one thread: they wait for the network more than they work.
pub(super) fn start(lanes: Vec<Lane>) -> Result<JoinHandle<()>> {
    let refuse = |e| Error::failed(format!("the thread that posts readings cannot be started: {e}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(refuse)?;
    let work = move || {
        runtime.block_on(async {
            let mut running: JoinSet<()> = lanes.into_iter().map(Lane::run).collect();
            while running.join_next().await.is_some() {}
        });
    };
    std::thread::Builder::new().name("post".into()).spawn(work).map_err(refuse)
}

impl Lane {
    /// Until there is nothing more, or the run cannot go on.
    async fn run(mut self) {
        while let Some(request) = self.requests.recv().await {
            let carried = self.carry(&request).await;
            if let Err(error) = carried.and_then(|()| self.tally.check()) {
                return self.tally.fail(error);
            }
        }
    }

    async fn carry(&self, request: &Request) -> Result<()> {
        match self.deliver(request).await? {
            Ok(()) => {
                self.tally.take(request.readings);
                Ok(())
            }
            Err(given_up) => {
                self.tally.give_up(request.readings, &given_up);
                self.rejects.add(request, &given_up)
            }
        }
    }

    /// Tries until the readings are taken or given up.
    async fn deliver(&self, request: &Request) -> Result<std::result::Result<(), GivenUp>> {
        let began = Instant::now();
        let mut attempts = 0;
        // What a server asks for does not use up our own patience.
        let mut patience = self.patience.in_all;
        loop {
            attempts += 1;
            let (cause, status, after) = match self.endpoint.post(request.body.clone()).await {
                Outcome::Taken => {
                    self.tally.answered();
                    return Ok(Ok(()));
                }
                Outcome::Refused { cause, status } => {
                    self.tally.answered();
                    return Ok(Err(GivenUp { cause, status, attempts }));
                }
                Outcome::Busy { cause, status, after } => (cause, status, after),
            };
            if status.is_some() {
                self.tally.answered();
            }
            let own = self.patience.pause(attempts, rand::random());
            let pause = own.max(after.unwrap_or_default());
            patience = patience.saturating_add(pause - own);
            if pause > self.patience.asked.max(own) || began.elapsed().saturating_add(pause) > patience {
                return Ok(Err(GivenUp { cause, status, attempts }));
            }
            self.tally.retry(&cause)?;
            tokio::time::sleep(pause).await;
        }
    }
}
