//! Others read what we write: Kafka's Java console, Python, and another Rust library.

use std::collections::BTreeSet;
use std::process::Command;

use apache_avro::types::Value;
use millrace_tests::{KafkaTest, Lab, Verdict, passed, produce, skipped, topic};
use schema_registry_converter::async_impl::easy_avro::EasyAvroDecoder;
use schema_registry_converter::async_impl::schema_registry::SrSettings;

use crate::reading::Readings;

const CONSOLE: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/read_avro.py");
const RUN: [&str; 6] = ["--speed", "max", "--duration", "100", "--machines", "10"];

pub fn tests() -> Vec<KafkaTest> {
    vec![
        KafkaTest::shared("interop::the_java_console_consumer_reads_our_json", java_console)
            .needs("answers for Java's consumer"),
        KafkaTest::shared("interop::python_reads_our_avro_through_the_registry", python),
        KafkaTest::shared("interop::schema_registry_converter_decodes_our_avro", converter),
    ]
}

fn java_console(lab: &Lab) -> Verdict {
    let topic = lab.topic("java-console");
    let Some(mut console) = lab.cluster.tool(CONSOLE) else {
        return skipped("Kafka's Java tools are not on this machine", "MILLRACE_REQUIRE_JDK");
    };
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--format", "json"]].concat()))?;
    console.args(["--bootstrap-server", lab.cluster.bootstrap_server(), "--topic", &topic]);
    console.args(["--from-beginning", "--max-messages", "1000", "--timeout-ms", "30000"]);
    let output = console.output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = String::from_utf8(output.stdout)?;
    let lines: BTreeSet<&str> = read.lines().filter(|line| line.starts_with('{')).collect();
    let sent = topic::records(&lab.kafka(), &topic)?;
    let sent: BTreeSet<&str> =
        sent.iter().map(|record| str::from_utf8(&record.value)).collect::<Result<_, _>>()?;
    assert_eq!(sent.len(), 1000);
    assert!(lines == sent, "Java read {} different lines", lines.len());
    passed()
}

fn python(lab: &Lab) -> Verdict {
    let interpreter = std::env::var("MILLRACE_PYTHON").unwrap_or_else(|_| "python3".into());
    let libraries = Command::new(&interpreter).args(["-c", "import confluent_kafka, fastavro"]).output();
    if !libraries.is_ok_and(|output| output.status.success()) {
        let reason = format!("{interpreter} has no confluent_kafka and fastavro");
        return skipped(&reason, "MILLRACE_REQUIRE_PYTHON");
    }
    let topic = lab.topic("python");
    produce(&lab.into_topic(&topic, &[&RUN[..], &["--include-labels"]].concat()))?;
    let mut script = Command::new(&interpreter);
    script.args([SCRIPT, lab.cluster.bootstrap_server(), &lab.registry_url(), &topic, "1000"]);
    let output = script.output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout)?;
    assert_eq!(said.trim(), "1000 records of 10 machines, no sequence missing");
    passed()
}

fn converter(lab: &Lab) -> Verdict {
    let topic = lab.topic("converter");
    produce(&lab.into_topic(&topic, &RUN))?;
    let records = topic::records(&lab.kafka(), &topic)?;
    assert_eq!(records.len(), 1000);
    let mut ours = Readings::through(&lab.registry_url())?;
    let theirs = EasyAvroDecoder::new(SrSettings::new(lab.registry_url()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for record in &records {
        let decoded = runtime.block_on(theirs.decode(Some(&record.value)))?.value;
        let reading = ours.decode(&record.value);
        assert_eq!(field(&decoded, "machine_id"), &Value::String(reading.machine_id.into_owned()));
        assert_eq!(field(&decoded, "sequence"), &Value::Long(reading.sequence));
        assert_eq!(field(&decoded, "timestamp"), &Value::TimestampMillis(reading.timestamp));
    }
    passed()
}

fn field<'a>(record: &'a Value, name: &str) -> &'a Value {
    let Value::Record(fields) = record else { panic!("no record: {record:?}") };
    &fields.iter().find(|(found, _)| found == name).expect("the field is there").1
}
