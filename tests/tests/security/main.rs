//! Logins and certificates, against a real Kafka, a registry and a web API that ask for them.

mod api;
mod broker;
mod certificates;
mod kafka;
mod registry;

fn main() {
    millrace_tests::main(|| kafka::tests().into_iter().chain(registry::tests()).chain(api::tests()).collect())
}
