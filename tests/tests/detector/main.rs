//! The detector as a member of a group, against a real Kafka.

mod evaluation;
mod failures;
mod kills;
mod learning;
mod sensors;

fn main() {
    millrace_tests::main(|| {
        let tests =
            [failures::tests(), evaluation::tests(), kills::tests(), learning::tests(), sensors::tests()];
        tests.into_iter().flatten().collect()
    })
}
