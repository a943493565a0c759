//! The consumer against a real Kafka.

mod alerts;
mod groups;
mod lag;
mod letters;
mod metrics;
mod offsets;
mod reading;
mod timeline;

fn main() {
    millrace_tests::main(|| {
        let all = [
            reading::tests(),
            letters::tests(),
            alerts::tests(),
            groups::tests(),
            timeline::tests(),
            lag::tests(),
            offsets::tests(),
            metrics::tests(),
        ];
        all.into_iter().flatten().collect()
    })
}
