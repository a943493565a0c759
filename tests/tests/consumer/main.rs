//! The consumer against a real Kafka.

mod alerts;
mod gone;
mod groups;
mod lag;
mod letters;
mod metrics;
mod mutated;
mod offsets;
mod reading;
mod redrive;
mod state;
mod taken_over;
mod timeline;
mod windows;
mod writers;

fn main() {
    millrace_tests::main(|| {
        let all = [
            reading::tests(),
            gone::tests(),
            letters::tests(),
            writers::tests(),
            mutated::tests(),
            redrive::tests(),
            alerts::tests(),
            groups::tests(),
            timeline::tests(),
            lag::tests(),
            offsets::tests(),
            metrics::tests(),
            state::tests(),
            taken_over::tests(),
            windows::tests(),
        ];
        all.into_iter().flatten().collect()
    })
}
