//! The detector as a member of a consumer group: it is a [`Processor`](millrace_consumer::pipeline::Processor) in
//! the consumer's pipeline, so guarantees, dead letters, state and group events are the same.

mod processor;
mod settings;

use millrace_core::Result;

use crate::settings::WatchArgs;
use processor::Watching;

pub use settings::StreamArgs;

/// What `--input` says for a topic.
pub(crate) const INPUT: &str = "kafka";

/// Judges a topic until the end is asked for or reached.
pub(crate) fn run(watch: &WatchArgs, stream: &StreamArgs) -> Result<()> {
    let settings = settings::resolve(watch, stream)?;
    let member = &settings.member;
    let process = |shutdown: &_| {
        millrace_consumer::run::process(member, None, Watching::new(&settings), shutdown)
    };
    millrace_consumer::run::to_end(member, process, |_| String::new())
}
