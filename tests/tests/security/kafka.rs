//! The producer and a Kafka that does not let in everybody.

use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use millrace_tests::{Child, KafkaTest, Verdict, passed, produce, skipped, topic};

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::broker::{Broker, PASSWORD};

/// Longer than a broker takes to stop and come back.
const LONG: Duration = Duration::from_secs(60);

pub fn tests() -> Vec<KafkaTest> {
    vec![KafkaTest::own("kafka::who_may_is_let_in_and_who_may_not_is_told_why", all)]
}

/// In one test, because a broker with its users takes ten seconds to come up.
fn all() -> Verdict {
    let Some(mut broker) = Broker::start()? else {
        return skipped("Java or Kafka's jars are missing", "MILLRACE_REQUIRE_JDK");
    };
    logins(&broker)?;
    certificates_of_the_broker(&broker)?;
    certificates_of_ours(&broker)?;
    wrong_ports(&broker)?;
    answers_that_are_refused(&broker)?;
    refused_on_the_way(&mut broker)?;
    passed()
}

fn logins(broker: &Broker) -> Result<(), Failed> {
    let ca = property("ssl.ca.location", &broker.file("ca.pem", &broker.authority.pem)?);
    let secret = broker.file("password", &format!("{PASSWORD}\n"))?;
    let wrong = broker.file("wrong", "a-wrong-password")?;
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] {
        let login = |user: &str, file: &str| {
            let mut all = vec![ca.clone(), property("security.protocol", "SASL_SSL")];
            all.push(property("sasl.mechanism", mechanism));
            all.push(property("sasl.username", user));
            all.push(property("sasl.password", &format!("file:{file}")));
            all
        };
        let_in(broker, "LOGIN", &login("ann", &secret))?;
        let told = format!("refuses the login of `ann` by {mechanism}");
        refused(broker, "LOGIN", &login("ann", &wrong), &told)?;
        refused(broker, "LOGIN", &login("bob", &secret), "refuses the login of `bob`")?;
        refused(broker, "PLAIN", &login("ann", &secret), "does not seem to speak TLS")?;
    }
    Ok(())
}

fn certificates_of_the_broker(broker: &Broker) -> Result<(), Failed> {
    let tls = |file: &str| vec![property("security.protocol", "SSL"), property("ssl.ca.location", file)];
    let trusted = tls(&broker.file("ca.pem", &broker.authority.pem)?);
    let foreign = tls(&broker.file("stranger.pem", &broker.stranger.pem)?);
    let_in(broker, "TLS", &trusted)?;
    refused(broker, "TLS", &foreign, "is signed by an authority that is not trusted here")?;
    refused(broker, "EXPIRED", &trusted, "has expired; have it renewed")?;
    refused(broker, "OTHER", &trusted, "is not for the host name `localhost`")
}

fn certificates_of_ours(broker: &Broker) -> Result<(), Failed> {
    let ca = broker.file("ca.pem", &broker.authority.pem)?;
    let tls = vec![property("security.protocol", "SSL"), property("ssl.ca.location", &ca)];
    let with = |signed: super::certificates::Signed, name: &str| -> Result<Vec<String>, Failed> {
        let certificate = broker.file(&format!("{name}.pem"), &signed.certificate)?;
        let key = broker.file(&format!("{name}.key"), &signed.key)?;
        let ours = [property("ssl.certificate.location", &certificate), property("ssl.key.location", &key)];
        Ok(tls.iter().cloned().chain(ours).collect())
    };
    let_in(broker, "MUTUAL", &with(broker.authority.sign("ann")?, "ann")?)?;
    refused(broker, "MUTUAL", &tls, "lets in nobody without a certificate")?;
    let expired = with(broker.authority.sign_expired("ann")?, "late")?;
    refused(broker, "MUTUAL", &expired, "refuses our certificate")?;
    refused(broker, "MUTUAL", &with(broker.stranger.sign("ann")?, "alien")?, "refuses our certificate")
}

fn wrong_ports(broker: &Broker) -> Result<(), Failed> {
    refused(broker, "TLS", &[], "seems to speak TLS on this port")?;
    refused(broker, "LOGIN", &[], "seems to speak TLS on this port")
}

/// Whoever may not answer commands takes none, and sends readings all the same.
fn answers_that_are_refused(broker: &Broker) -> Result<(), Failed> {
    for (control, more) in [("closed", &[][..]), ("shut", &["--exactly-once"])] {
        let [readings, replies] = ["readings", "replies"].map(|of| format!("{control}-{of}"));
        let run = commanded_without_answer(broker, control, more)?;
        let told = format!("topic {replies} does not take the answer to a command: we may not write to it");
        run.hear(&told, LONG)?;
        wait_for(broker, &readings, topic::records(broker.plainly(), &readings)?.len() + 20)?;
        assert!(run.end()?.success());
        assert_eq!(topic::records(broker.plainly(), &replies)?, []);
        let all = topic::records(broker.plainly(), &readings)?;
        assert!(in_order(&all), "{control}");
    }
    Ok(())
}

/// A run whose answers are closed to it when it is under way, just before it gets a command.
fn commanded_without_answer(broker: &Broker, control: &str, more: &[&str]) -> Result<Child, Failed> {
    let readings = format!("{control}-readings");
    let ours =
        ["--mode", "kafka", "--format", "json", "--rate", "20", "--machines", "1", "--topic", &readings];
    let server = ["--bootstrap-server", broker.address("PLAIN"), "--control-topic", control];
    let run = Child::start(&[&ours[..], &server, more].concat())?;
    wait_for(broker, &readings, 1)?;
    broker.close(&format!("{control}-replies"))?;
    let mut client = rdkafka::ClientConfig::new();
    let client: BaseProducer = client.set("bootstrap.servers", broker.address("PLAIN")).create()?;
    let command = r#"{"id": "1", "action": "set_rate", "rate": 10}"#;
    client.send(BaseRecord::<(), str>::to(control).payload(command)).map_err(|(error, _)| error)?;
    client.flush(LONG)?;
    Ok(run)
}

fn wait_for(broker: &Broker, topic: &str, records: usize) -> Result<(), Failed> {
    let began = Instant::now();
    while topic::records(broker.plainly(), topic).map_or(0, |all| all.len()) < records {
        if began.elapsed() > LONG {
            return Err(format!("topic {topic} does not come to {records} records").into());
        }
    }
    Ok(())
}

/// A run that is refused when it is under way says why, waits, and loses nothing.
fn refused_on_the_way(broker: &mut Broker) -> Result<(), Failed> {
    let ca = property("ssl.ca.location", &broker.file("ca.pem", &broker.authority.pem)?);
    let ours =
        ["--mode", "kafka", "--format", "json", "--rate", "20", "--machines", "1", "--topic", "renewed"];
    let server = ["--bootstrap-server", broker.address("RENEWED"), "-X", "security.protocol=SSL", "-X", &ca];
    let run = Child::start(&[&ours[..], &server].concat())?;
    wait_for(broker, "renewed", 1)?;
    let foreign = broker.stranger.sign("localhost")?;
    broker.renew(&foreign)?;
    let line = run.hear("is signed by an authority that is not trusted here", LONG)?;
    assert!(line.ends_with("; records wait until it lets us in"), "{line}");
    let good = broker.authority.sign("localhost")?;
    broker.renew(&good)?;
    run.hear("is back", LONG)?;
    assert!(run.end()?.success());
    assert!(in_order(&topic::records(broker.plainly(), "renewed")?));
    Ok(())
}

/// Whether one machine's readings are all there, once and in order.
fn in_order(records: &[topic::Record]) -> bool {
    let sequence = |record: &topic::Record| {
        let reading: serde_json::Value = serde_json::from_slice(&record.value).expect("JSON");
        reading["sequence"].as_u64()
    };
    records.iter().map(sequence).eq((0..records.len() as u64).map(Some))
}

fn property(name: &str, value: &str) -> String {
    format!("{name}={value}")
}

fn flags(broker: &Broker, listener: &str, properties: &[String]) -> Vec<String> {
    let topic = listener.to_lowercase();
    let own = ["--mode", "kafka", "--format", "json", "--duration", "2", "--speed", "max", "--topic", &topic];
    let server = ["--bootstrap-server", broker.address(listener)];
    let said = properties.iter().flat_map(|property| ["-X", property]);
    own.into_iter().chain(server).chain(said).map(ToOwned::to_owned).collect()
}

fn let_in(broker: &Broker, listener: &str, properties: &[String]) -> Result<(), Failed> {
    let summary = produce(&flags(broker, listener, properties))?;
    assert_eq!((summary.acknowledged, summary.failed), (10, 0), "{listener}");
    Ok(())
}

fn refused(broker: &Broker, listener: &str, properties: &[String], told: &str) -> Result<(), Failed> {
    let began = Instant::now();
    let Err(refusal) = produce(&flags(broker, listener, properties)) else {
        return Err(format!("{listener} lets in who should hear that it {told}").into());
    };
    let sentence = refusal.to_string();
    assert!(sentence.contains(told), "{listener}: {sentence}");
    assert!(!sentence.contains("password") || !sentence.contains(PASSWORD), "{sentence}");
    assert_eq!(refusal.exit_code(), 1, "{sentence}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}: {sentence}", began.elapsed());
    Ok(())
}
