//! The consumer against a real Kafka.

mod alerts;
mod groups;
mod lag;
mod letters;
mod reading;

fn main() {
    millrace_tests::main(|| {
        [reading::tests(), letters::tests(), alerts::tests(), groups::tests(), lag::tests()]
            .into_iter()
            .flatten()
            .collect()
    })
}
