//! Why a cluster that is there does not let us in. librdkafka tells it in its log alone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

use super::Kafka;
use crate::access::Access;
use crate::certificate::Fault;

/// How long a look at a broker's certificate may take.
const LOOK: Duration = Duration::from_secs(3);

/// Collects what librdkafka says about connections that failed.
#[derive(Clone, Default)]
pub(super) struct Listening(Arc<Mutex<Vec<String>>>);

impl Listening {
    fn hear(&self, line: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
    }

    /// What was said so far.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Listening {
    fn log(&self, _: RDKafkaLogLevel, _: &str, line: &str) {
        self.hear(line);
    }

    fn error(&self, _: KafkaError, reason: &str) {
        self.hear(reason);
    }
}

impl ConsumerContext for Listening {}

/// What stands between us and a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The login is refused.
    Login,
    /// Logins of this kind are not taken.
    Mechanism,
    /// Logins are not taken at all.
    NoLogins,
    /// The broker's certificate is not accepted.
    Certificate,
    /// The broker wants our certificate, or another one.
    OurCertificate,
    /// We speak TLS and the broker does not, most likely.
    NoTls,
    /// The broker speaks TLS and we do not, most likely.
    Tls,
    /// The broker wants a login, most likely.
    LoginWanted,
}

/// What librdkafka and OpenSSL say, the surer first.
const WORDS: [(&str, Trouble); 20] = [
    ("certificate verify failed", Trouble::Certificate),
    ("alert certificate required", Trouble::OurCertificate),
    ("alert bad certificate", Trouble::OurCertificate),
    ("alert certificate unknown", Trouble::OurCertificate),
    ("alert certificate expired", Trouble::OurCertificate),
    ("alert unsupported certificate", Trouble::OurCertificate),
    ("alert unknown ca", Trouble::OurCertificate),
    ("alert handshake failure", Trouble::OurCertificate),
    ("client SSL authentication might be required", Trouble::OurCertificate),
    ("Unsupported SASL mechanism", Trouble::Mechanism),
    ("not valid given the current SASL state", Trouble::NoLogins),
    ("SaslHandshake request not supported", Trouble::NoLogins),
    ("SASL authentication error", Trouble::Login),
    ("wrong version number", Trouble::NoTls),
    ("packet length too long", Trouble::NoTls),
    ("connecting to a PLAINTEXT broker listener", Trouble::NoTls),
    ("connecting to a SSL listener", Trouble::Tls),
    ("Invalid response size", Trouble::Tls),
    // A TLS listener closes the connection at our first plain request.
    ("in state APIVERSION_QUERY", Trouble::Tls),
    ("might require SASL authentication", Trouble::LoginWanted),
];

impl Trouble {
    /// The first trouble of which a line speaks.
    pub(super) fn of(line: &str) -> Option<Self> {
        WORDS.iter().find(|(words, _)| line.contains(words)).map(|(_, trouble)| *trouble)
    }

    /// Whether waiting cannot help: a broker that goes down or comes up looks like none of these.
    pub(super) fn is_certain(self) -> bool {
        !matches!(self, Self::NoTls | Self::Tls | Self::LoginWanted)
    }
}

impl Kafka {
    /// One sentence about the trouble that a line speaks of.
    pub(super) fn tell(&self, trouble: Trouble, line: &str) -> String {
        let server = &self.bootstrap_servers;
        let mechanism = self.properties.mechanism().unwrap_or_default();
        match trouble {
            Trouble::Login => {
                let user = self.properties.get("sasl.username").unwrap_or_default();
                format!(
                    "Kafka at {server} refuses the login of `{user}` by {mechanism}: there is no such user, or its \
                     password is another; check sasl.username and sasl.password"
                )
            }
            Trouble::Mechanism => {
                let offered = line.split_once("supported mechanisms: ").map(|(_, rest)| rest);
                let offered = offered.and_then(|rest| rest.split([' ', '(']).next()).unwrap_or("another");
                format!("Kafka at {server} takes no login by {mechanism}; set sasl.mechanism to {offered}")
            }
            Trouble::NoLogins => format!(
                "Kafka at {server} takes no login on this port; leave out the sasl properties and set \
                 security.protocol=SSL or PLAINTEXT, or take another port"
            ),
            Trouble::Certificate => self.broken_certificate(line),
            Trouble::OurCertificate if !self.properties.has_certificate() => format!(
                "Kafka at {server} lets in nobody without a certificate; give ssl.certificate.location and \
                 ssl.key.location"
            ),
            Trouble::OurCertificate => format!(
                "Kafka at {server} refuses our certificate: it has expired, or its signer is not trusted there; \
                 check ssl.certificate.location"
            ),
            Trouble::NoTls => format!(
                "Kafka at {server} does not seem to speak TLS on this port; take its TLS port, or set \
                 security.protocol to PLAINTEXT, or SASL_PLAINTEXT with a login"
            ),
            Trouble::Tls => format!(
                "Kafka at {server} seems to speak TLS on this port; set security.protocol to SSL, or SASL_SSL with \
                 a login, or take its plain port"
            ),
            Trouble::LoginWanted => format!(
                "Kafka at {server} seems to want a login on this port; set security.protocol to SASL_SSL or \
                 SASL_PLAINTEXT, and sasl.mechanism, sasl.username and sasl.password"
            ),
        }
    }

    /// librdkafka does not say what is wrong with a certificate, so it is looked at once more.
    fn broken_certificate(&self, line: &str) -> String {
        let host = line.split_once("ssl://").and_then(|(_, rest)| rest.split(['/', ':', ' ']).next());
        let place = line.split_once("ssl://").and_then(|(_, rest)| rest.split(['/', ' ']).next());
        let fault = place.and_then(|place| self.look(place)).unwrap_or(Fault::Unsound);
        let server = place.unwrap_or(&self.bootstrap_servers);
        let why = match (fault, host) {
            (Fault::OtherHost, Some(host)) => format!(
                "is not for the host name `{host}`; use the name it was made for, or give up the check with \
                 ssl.endpoint.identification.algorithm=none"
            ),
            _ => fault.sentence("ssl.ca.location"),
        };
        format!("the certificate of Kafka at {server} {why}")
    }

    fn look(&self, place: &str) -> Option<Fault> {
        let authorities = self.properties.get("ssl.ca.location").map(std::path::Path::new);
        let access = Access::new(None, authorities, "ssl.ca.location").ok()?;
        let client = access.apply(reqwest::Client::builder().timeout(LOOK)).ok()?.build().ok()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let asked = runtime.block_on(async { client.get(format!("https://{place}/")).send().await });
        asked.err().and_then(|error| Fault::of(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::Properties;

    fn told(pairs: &[&str], line: &str) -> String {
        let mut properties = Properties::default();
        let pairs: Vec<_> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        properties.set_pairs(&pairs, "-X").expect("known");
        Kafka::new("k:9093", properties).tell(Trouble::of(line).expect("a trouble"), line)
    }

    #[test]
    fn a_refused_login_names_the_user_and_no_password() {
        let pairs = ["sasl.mechanism=PLAIN", "sasl.username=ann", "sasl.password=hunter2"];
        let line = "SASL authentication error: Authentication failed: Invalid username or password";
        let sentence = told(&pairs, line);
        assert!(sentence.starts_with("Kafka at k:9093 refuses the login of `ann` by PLAIN: "), "{sentence}");
        assert!(!sentence.contains("hunter2"));
    }

    #[test]
    fn a_mechanism_that_is_not_taken_is_answered_with_those_that_are() {
        let line = "SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's \
                    supported mechanisms: SCRAM-SHA-512,SCRAM-SHA-256 (in state AUTH_HANDSHAKE)";
        let sentence = told(&["sasl.mechanism=PLAIN"], line);
        assert!(
            sentence.ends_with("by PLAIN; set sasl.mechanism to SCRAM-SHA-512,SCRAM-SHA-256"),
            "{sentence}"
        );
    }

    #[test]
    fn a_broker_that_wants_certificates_is_told_from_one_that_wants_another() {
        let line = "Receive failed: error:0A000412:SSL routines::ssl/tls alert bad certificate";
        assert!(told(&[], line).contains("lets in nobody without a certificate"));
        let given = told(&["ssl.certificate.location=/a"], line);
        assert!(given.contains("refuses our certificate"), "{given}");
    }

    #[test]
    fn what_may_pass_is_waited_for() {
        assert!(!Trouble::Tls.is_certain() && Trouble::Login.is_certain());
        assert_eq!(Trouble::of("Connection refused"), None);
    }
}
