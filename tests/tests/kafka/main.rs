//! The producer against a real Kafka, in process, read back by others.

mod disorder;
mod event_time;
mod interop;
mod outage;
mod partitions;
mod reading;
mod refusals;
mod resume;
mod stream;
mod truth;

fn main() {
    millrace_tests::main(|| {
        [
            stream::tests(),
            disorder::tests(),
            event_time::tests(),
            outage::tests(),
            refusals::tests(),
            partitions::tests(),
            resume::tests(),
            truth::tests(),
            interop::tests(),
        ]
        .into_iter()
        .flatten()
        .collect()
    })
}
