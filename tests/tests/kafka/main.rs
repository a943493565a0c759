//! The producer against a real Kafka, in process, read back by others.

mod control;
mod disorder;
mod event_time;
mod interop;
mod outage;
mod partitions;
mod reading;
mod refusals;
mod resume;
mod span;
mod stream;
mod truth;

fn main() {
    control::serve_as_commander();
    millrace_tests::main(|| {
        [
            stream::tests(),
            disorder::tests(),
            event_time::tests(),
            control::tests(),
            outage::tests(),
            refusals::tests(),
            partitions::tests(),
            resume::tests(),
            span::tests(),
            truth::tests(),
            interop::tests(),
        ]
        .into_iter()
        .flatten()
        .collect()
    })
}
