//! The detector as a member of a group, against a real Kafka.

mod failures;
mod kills;

fn main() {
    millrace_tests::main(|| [failures::tests(), kills::tests()].into_iter().flatten().collect())
}
