//! What a running consumer tells Prometheus.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use millrace_tests::{Child, KafkaTest, Lab, Verdict, passed, produce};

use crate::groups::wait_until;
use crate::reading::member;

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("metrics::a_running_member_is_read_over_http", read)
            .needs("topics of one partition"),
        KafkaTest::shared("metrics::a_port_that_is_taken_ends_the_run_in_one_sentence", taken),
    ]
}

/// The page at an address; nothing while it is not there.
fn page(address: &str) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        let asked = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
        let _ = asked.and_then(|()| stream.read_to_string(&mut answer));
    }
    answer
}

fn value(page: &str, name: &str) -> Option<f64> {
    page.lines().find(|line| line.starts_with(name))?.rsplit(' ').next()?.parse().ok()
}

fn read(lab: &Lab) -> Verdict {
    let topic = lab.topic("measured");
    let run = ["--machines", "4", "--speed", "max", "--duration", "50", "--partitions", "1"];
    produce(&lab.into_topic(&topic, &run))?;
    let listen = ["--from-beginning", "--commit-interval", "0.1", "--metrics-listen", "127.0.0.1:0"];
    let child = Child::consumer(&member(lab, &topic, &topic, &listen), Stdio::null())?;
    let said = child.hear("metrics are at http://", Duration::from_secs(30))?;
    let address = said.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address");
    let own = format!("{{group=\"{topic}\",member=\"");
    let of = |name: &str| value(&page(address), &format!("{name}{own}"));
    wait_until("all is read and committed", || {
        Ok(of("millrace_consumer_committed_offset") == Some(200.0)
            && of("millrace_consumer_lag_records") == Some(0.0))
    })?;
    let seen = page(address);
    assert!(seen.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"), "{seen}");
    let of = |name: &str| value(&seen, &format!("{name}{own}"));
    assert_eq!(of("millrace_consumer_read_records_total"), Some(200.0), "{seen}");
    assert_eq!(of("millrace_consumer_rejected_records_total"), Some(0.0), "{seen}");
    assert_eq!(of("millrace_consumer_partitions"), Some(1.0), "{seen}");
    assert_eq!(of("millrace_consumer_rebalances_total"), Some(1.0), "{seen}");
    assert!(of("millrace_consumer_read_records_per_second").is_some(), "{seen}");
    assert!(child.end()?.success());
    passed()
}

fn taken(lab: &Lab) -> Verdict {
    let held = std::net::TcpListener::bind("127.0.0.1:0")?;
    let (topic, address) = (lab.topic("taken"), held.local_addr()?.to_string());
    let child =
        Child::consumer(&member(lab, &topic, &topic, &["--metrics-listen", &address]), Stdio::null())?;
    let said = child.hear("consumer: ", Duration::from_secs(30))?;
    assert!(said.contains(&format!("metrics cannot be served at {address}: ")), "{said}");
    assert_eq!(child.wait()?.code(), Some(1));
    passed()
}
