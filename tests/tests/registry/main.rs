//! The development registry: other people's clients, and what it keeps in a real Kafka.

mod clients;
mod http;
mod kept;

fn main() {
    millrace_tests::main(|| clients::tests().into_iter().chain(kept::tests()).collect())
}
