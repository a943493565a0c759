//! Where records go.

mod accompanied;
mod beside;
mod client;
mod dataset;
mod digest;
mod http;
mod journal;
mod kafka;
mod link;
mod sidecar;
mod transactions;
mod writer;

use millrace_core::Result;

pub use accompanied::Accompanied;
pub use beside::Beside;
pub use client::Client;
pub use dataset::DatasetSink;
pub use digest::{Digest, Hashing};
pub use http::HttpSink;
pub use kafka::KafkaSink;
pub use link::Record;
pub use sidecar::Described;
pub use writer::WriterSink;

use crate::batch::Batch;

/// Takes records and says what became of them.
pub trait Sink {
    /// Comes before a batch and all that is written beside it: what has to happen between this batch and the one
    /// before, such as the end of a transaction, happens here.
    ///
    /// # Errors
    /// When the sink is broken for good.
    fn prepare(&mut self, _batch: &Batch) -> Result<()> {
        Ok(())
    }

    /// Takes a batch. Blocks while the sink is full; never drops a record.
    ///
    /// # Errors
    /// When the sink is broken for good.
    fn send(&mut self, batch: &Batch) -> Result<()>;

    /// Collects what has become of records sent earlier, while there is nothing to send.
    ///
    /// # Errors
    /// When the sink is broken for good.
    fn poll(&mut self) -> Result<()> {
        Ok(())
    }

    /// Whether nobody wants more, as when `| head` has closed the pipe: nothing is wrong.
    fn is_done(&self) -> bool {
        false
    }

    /// Records that are safe where they should be.
    fn acknowledged(&self) -> u64;

    /// Records that were refused.
    fn failed(&self) -> u64;

    /// Comes before [`close`](Self::close) and tells whether the run has reached its end.
    fn ends(&mut self, _is_complete: bool) {}

    /// Waits until every record taken is safe or refused.
    ///
    /// # Errors
    /// When one was refused, with its cause.
    fn close(&mut self) -> Result<()>;
}
