//! The short form of `lab outage consumers`.

use std::process::Command;

use clap::ValueEnum;
use millrace_tests::{KafkaTest, Verdict, choice, passed};

fn main() {
    millrace_tests::main(|| {
        let name = "outage::consumers_go_on_soon_after_a_short_one_and_lose_nothing";
        vec![KafkaTest::own(name, short).needs("brokers that can be killed")]
    })
}

fn short() -> Verdict {
    let cluster = choice()?.to_possible_value().expect("no choice is hidden");
    let output = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["outage", "consumers", "--down", "1", "--port", "0", "--cluster", cluster.get_name()])
        .output()?;
    let (table, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    eprintln!("{said}{table}");
    assert!(output.status.success());
    assert!(table.contains("exactly-once") && table.contains("each once"));
    passed()
}
