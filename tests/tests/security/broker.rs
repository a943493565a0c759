//! A Kafka that lets in by TLS, by certificate and by login, each on a port of its own.

use std::fs;
use std::path::PathBuf;

use libtest_mimic::Failed;
use millrace_core::kafka::Kafka;
use millrace_core::shutdown::Shutdown;
use millrace_lab::cluster::{self, Choice, Cluster, Listener, Request};
use tempfile::TempDir;

use super::certificates::{Authority, Signed};

/// The certificate that changes.
const RENEWED: &str = "renewed.pem";

pub const PASSWORD: &str = "a-right-password";

pub struct Broker {
    cluster: Cluster,
    folder: TempDir,
    pub authority: Authority,
    pub stranger: Authority,
}

impl Broker {
    /// `None` where Java and Kafka's jars are not at hand.
    pub fn start() -> Result<Option<Self>, Failed> {
        if cluster::resolve(Choice::Java).is_err() {
            return Ok(None);
        }
        let (authority, stranger) = (Authority::new("Mill authority")?, Authority::new("Stranger")?);
        let folder = tempfile::tempdir()?;
        let trust = write(&folder, "trust.pem", &authority.pem)?;
        let store = |name: &str, signed: &Signed| write(&folder, name, &signed.together());
        let good = store("good.pem", &authority.sign("localhost")?)?;
        let expired = store("expired.pem", &authority.sign_expired("localhost")?)?;
        let other = store("other.pem", &authority.sign("elsewhere.example")?)?;
        let renewed = store(RENEWED, &authority.sign("localhost")?)?;
        let listeners = vec![
            tls("RENEWED", "SSL", &renewed, &trust, &[]),
            tls("TLS", "SSL", &good, &trust, &[]),
            tls("MUTUAL", "SSL", &good, &trust, &[("ssl.client.auth", "required")]),
            tls("EXPIRED", "SSL", &expired, &trust, &[]),
            tls("OTHER", "SSL", &other, &trust, &[]),
            tls("LOGIN", "SASL_SSL", &good, &trust, &logins()),
        ];
        let properties = vec![
            ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned()),
            ("allow.everyone.if.no.acl.found", "true".to_owned()),
        ];
        let request = Request { choice: Choice::Java, listeners, properties, ..Request::default() };
        let cluster = cluster::start(&request, &Shutdown::new())?;
        let broker = Self { cluster, folder, authority, stranger };
        broker.add_user("SCRAM-SHA-256")?;
        broker.add_user("SCRAM-SHA-512")?;
        Ok(Some(broker))
    }

    /// Where a listener is reached; `PLAIN` is the one without anything.
    pub fn address(&self, listener: &str) -> &str {
        self.cluster.listener(listener).unwrap_or_else(|| self.cluster.bootstrap_server())
    }

    /// A file that holds this text.
    pub fn file(&self, name: &str, text: &str) -> Result<String, Failed> {
        Ok(write(&self.folder, name, text)?.display().to_string())
    }

    /// Has the listener `RENEWED` show another certificate from now on.
    pub fn renew(&mut self, signed: &Signed) -> Result<(), Failed> {
        self.cluster.stop_broker(1)?;
        write(&self.folder, RENEWED, &signed.together())?;
        self.cluster.start_broker(1)?;
        Ok(())
    }

    /// The cluster as it is seen without logins and certificates.
    pub fn plainly(&self) -> &Kafka {
        self.cluster.kafka()
    }

    /// Lets nobody write to a topic who comes without a name, as over `PLAIN`.
    pub fn close(&self, topic: &str) -> Result<(), Failed> {
        let asked = ["--add", "--deny-principal", "User:ANONYMOUS", "--operation", "Write", "--topic", topic];
        self.ask("org.apache.kafka.tools.AclCommand", &asked)
    }

    fn add_user(&self, mechanism: &str) -> Result<(), Failed> {
        let secret = format!("{mechanism}=[password={PASSWORD}]");
        let asked = ["--alter", "--entity-type", "users", "--entity-name", "ann", "--add-config", &secret];
        self.ask("kafka.admin.ConfigCommand", &asked)
    }

    fn ask(&self, class: &str, asked: &[&str]) -> Result<(), Failed> {
        let mut tool = self.cluster.tool(class).ok_or("no Java")?;
        let done = tool.args(["--bootstrap-server", self.cluster.bootstrap_server()]).args(asked).output()?;
        match done.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&done.stderr).into_owned().into()),
        }
    }
}

fn tls(
    name: &'static str,
    protocol: &'static str,
    store: &std::path::Path,
    trust: &std::path::Path,
    more: &[(&'static str, &str)],
) -> Listener {
    let pem = || "PEM".to_owned();
    let mut properties = vec![
        ("ssl.keystore.type", pem()),
        ("ssl.keystore.location", store.display().to_string()),
        ("ssl.truststore.type", pem()),
        ("ssl.truststore.location", trust.display().to_string()),
    ];
    properties.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Listener { name, protocol, properties }
}

fn logins() -> [(&'static str, &'static str); 4] {
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    [
        ("sasl.enabled.mechanisms", "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN"),
        ("scram-sha-512.sasl.jaas.config", scram),
        ("scram-sha-256.sasl.jaas.config", scram),
        (
            "plain.sasl.jaas.config",
            "org.apache.kafka.common.security.plain.PlainLoginModule required user_ann=\"a-right-password\";",
        ),
    ]
}

fn write(folder: &TempDir, name: &str, text: &str) -> Result<PathBuf, Failed> {
    let path = folder.path().join(name);
    fs::write(&path, text)?;
    Ok(path)
}
