//! A producer that runs beside us, on a cluster of ours.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use millrace_core::shutdown::Shutdown;
use millrace_core::{Error, Result};
use millrace_producer::run::{Progress, Summary, run};
use millrace_producer::settings::Settings;

use crate::cluster::Cluster;

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A producer on a thread of its own.
pub struct Plant {
    thread: JoinHandle<Result<Summary>>,
    ending: Shutdown,
    progress: Arc<Progress>,
}

impl Plant {
    /// Starts it.
    pub fn start(settings: Settings) -> Result<Self> {
        let (ending, progress) = (Shutdown::new(), Arc::new(Progress::default()));
        let (end, count) = (ending.clone(), Arc::clone(&progress));
        let thread = std::thread::Builder::new()
            .name("producer".into())
            .spawn(move || run(&settings, &end, &count))
            .map_err(|e| Error::failed(format!("the producer cannot be started: {e}")))?;
        Ok(Self { thread, ending, progress })
    }

    /// How far it is; shared, for whoever looks at it after the end.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Whether it ended by itself.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it and waits until its records are safe, but not for a broker of ours that is dead for good.
    pub fn end(self, cluster: &mut Cluster) -> Result<Summary> {
        self.ending.request();
        while !self.thread.is_finished() {
            cluster.check()?;
            std::thread::sleep(BETWEEN_LOOKS);
        }
        self.thread.join().map_err(|_| {
            Error::failed("the producer ended unexpectedly; please report it with the message above")
        })?
    }
}
