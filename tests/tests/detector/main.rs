//! The detector as a member of a group, against a real Kafka.

mod evaluation;
mod failures;
mod kills;

fn main() {
    millrace_tests::main(|| {
        [failures::tests(), evaluation::tests(), kills::tests()].into_iter().flatten().collect()
    })
}
