//! The consumer against a real Kafka.

mod alerts;
mod groups;
mod lag;
mod letters;
mod reading;
mod redrive;

fn main() {
    millrace_tests::main(|| {
        let all = [
            reading::tests(),
            letters::tests(),
            redrive::tests(),
            alerts::tests(),
            groups::tests(),
            lag::tests(),
        ];
        all.into_iter().flatten().collect()
    })
}
