//! Logins and certificates, against a real Kafka and a registry that asks for them.

mod broker;
mod certificates;
mod kafka;
mod registry;

fn main() {
    millrace_tests::main(|| kafka::tests().into_iter().chain(registry::tests()).collect())
}
