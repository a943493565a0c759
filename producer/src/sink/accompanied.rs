use millrace_core::Result;

use super::{Beside, Sink};
use crate::batch::Batch;

/// A sink for the readings together with all that is written beside them.
pub struct Accompanied {
    readings: Box<dyn Sink>,
    beside: Vec<Beside>,
}

impl Accompanied {
    /// The sink that takes the readings, and what takes the other lanes.
    pub fn new(readings: Box<dyn Sink>, beside: Vec<Beside>) -> Self {
        Self { readings, beside }
    }
}

impl Sink for Accompanied {
    fn prepare(&mut self, batch: &Batch) -> Result<()> {
        self.readings.prepare(batch)
    }

    /// What is told about a reading is there before it, so that a crash between the two loses neither.
    fn send(&mut self, batch: &Batch) -> Result<()> {
        self.beside.iter_mut().try_for_each(|beside| beside.send(batch))?;
        self.readings.send(batch)
    }

    fn poll(&mut self) -> Result<()> {
        self.beside.iter_mut().for_each(Beside::poll);
        self.readings.poll()
    }

    fn is_done(&self) -> bool {
        self.readings.is_done()
    }

    fn acknowledged(&self) -> u64 {
        self.readings.acknowledged()
    }

    fn failed(&self) -> u64 {
        self.readings.failed()
    }

    fn ends(&mut self, is_complete: bool) {
        self.readings.ends(is_complete);
    }

    fn close(&mut self) -> Result<()> {
        let closed = self.readings.close();
        self.beside.iter_mut().map(Beside::close).fold(closed, Result::and)
    }
}
