//! The consumer against a real Kafka.

mod alerts;
mod groups;
mod lag;
mod letters;
mod reading;
mod windows;

fn main() {
    millrace_tests::main(|| {
        [reading::tests(), letters::tests(), alerts::tests(), groups::tests(), lag::tests(), windows::tests()]
            .into_iter()
            .flatten()
            .collect()
    })
}
