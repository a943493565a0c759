use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::secret::{self, HIDDEN};

/// librdkafka properties that a user gave, by name.
#[derive(Clone, Default)]
pub struct Properties(BTreeMap<String, String>);

/// Properties that only the Java client knows, and what to say instead.
const JAVA_ONLY: &[(&str, &str)] = &[
    ("sasl.jaas.config", "sasl.username and sasl.password"),
    ("ssl.truststore.location", "ssl.ca.location (PEM)"),
    ("ssl.truststore.password", "ssl.ca.location (PEM), which needs none"),
    ("ssl.truststore.type", "ssl.ca.location (PEM)"),
    ("ssl.truststore.certificates", "ssl.ca.pem or ssl.ca.location (PEM)"),
    ("ssl.keystore.certificate.chain", "ssl.certificate.pem or ssl.certificate.location (PEM)"),
    ("ssl.keystore.key", "ssl.key.pem or ssl.key.location (PEM)"),
    ("ssl.enabled.protocols", "nothing: TLS 1.2 and 1.3 are taken"),
    ("ssl.protocol", "nothing: TLS 1.2 and 1.3 are taken"),
    ("ssl.keymanager.algorithm", "nothing: there is one only"),
    ("ssl.trustmanager.algorithm", "nothing: there is one only"),
    ("sasl.login.callback.handler.class", "sasl.username and sasl.password"),
    ("sasl.client.callback.handler.class", "sasl.username and sasl.password"),
    ("schema.registry.url", "--schema-registry-url"),
    ("basic.auth.user.info", "--schema-registry-auth USER:PASSWORD"),
    ("basic.auth.credentials.source", "--schema-registry-auth USER:PASSWORD"),
    ("bearer.auth.token", "--schema-registry-auth bearer:TOKEN"),
    ("bearer.auth.credentials.source", "--schema-registry-auth bearer:TOKEN"),
    ("schema.registry.ssl.truststore.location", "--schema-registry-ca (PEM)"),
    ("ssl.keystore.type", "ssl.keystore.location (PKCS#12) or ssl.certificate.location (PEM)"),
    ("key.serializer", "nothing: keys are machine ids"),
    ("value.serializer", "--format"),
    ("key.deserializer", "nothing: keys are machine ids"),
    ("value.deserializer", "--format"),
    ("buffer.memory", "queue.buffering.max.kbytes"),
    ("max.block.ms", "nothing: a full queue slows the simulation down"),
];

/// Properties that are not the user's to set, and why.
const OURS: &[(&str, &str)] = &[
    ("transactional.id", "is given by --exactly-once and --transactional-id; leave it out"),
    ("bootstrap.servers", "is given by --bootstrap-server; leave it out"),
    ("metadata.broker.list", "is given by --bootstrap-server; leave it out"),
    ("partitioner", PARTITIONER),
    ("partitioner.class", PARTITIONER),
    ("delivery.report.only.error", "would leave acknowledged records uncounted; leave it out"),
];
const PARTITIONER: &str = "has no effect: keys lie where Java's murmur2 puts them; leave it out";

impl Properties {
    /// Sets one property; a later value wins. `env:NAME` and `file:PATH` stand for what is there.
    ///
    /// # Errors
    /// When only the Java client knows the name, or its value is not the user's to set; the sentence says
    /// what to do instead. When the place of the value does not hold one.
    pub fn set(&mut self, name: &str, value: &str, origin: &str) -> Result<()> {
        if let Some((_, instead)) = JAVA_ONLY.iter().find(|(java, _)| *java == name) {
            let reason = "is a property of the Java client";
            return Err(Error::usage(format!("{origin}: `{name}` {reason}; use {instead}")));
        }
        if let Some((_, why)) = OURS.iter().find(|(ours, _)| *ours == name) {
            return Err(Error::usage(format!("{origin}: `{name}` {why}")));
        }
        // Java says with nothing what librdkafka says with a word.
        let value =
            if value.is_empty() && name == "ssl.endpoint.identification.algorithm" { "none" } else { value };
        let value = secret::resolve(value, &format!("{origin}: {name}"))?;
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// Sets properties given as `name=value`.
    ///
    /// # Errors
    /// When one has no `=`, or only the Java client knows it.
    pub fn set_pairs(&mut self, pairs: &[String], origin: &str) -> Result<()> {
        for pair in pairs {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                // What follows the name may be a password.
                let name = pair.split([':', ' ', '\t']).next().unwrap_or_default();
                Error::usage(format!("{origin} `{name}`: must be name=value, as in -X linger.ms=50"))
            })?;
            self.set(name.trim(), value.trim(), origin)?;
        }
        Ok(())
    }

    /// Lays others over these, which have been checked and taken from their places already.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The value of one property.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All properties, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().map(|(name, value)| (name, if is_secret(name) { HIDDEN } else { value }));
        f.debug_map().entries(shown).finish()
    }
}

/// Whether a property of this name, be it a known one or a slip, may hold what is nobody's to read.
pub(super) fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 8] = ["pass", "secret", "token", "jaas", "pem", "key", "assertion", "oauthbearer"];
    WORDS.iter().any(|word| name.to_ascii_lowercase().contains(word))
}

/// What `--command-config` and `-X` say together; `-X` wins.
///
/// # Errors
/// When one of them is refused, or they do not go together.
pub fn read_properties(command_config: Option<&Path>, pairs: &[String]) -> Result<Properties> {
    let mut properties = command_config.map(read_command_config).transpose()?.unwrap_or_default();
    properties.set_pairs(pairs, "-X")?;
    properties.check_security()?;
    Ok(properties)
}

/// Reads a file of `name=value` lines, with `#` and `!` for comments, as Kafka's tools take it.
///
/// # Errors
/// When the file cannot be read, or a line is not `name=value`; the sentence names file and line.
pub fn read_command_config(path: &Path) -> Result<Properties> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::usage(format!("--command-config {name} cannot be read: {e}")))?;
    let mut properties = Properties::default();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        properties.set_pairs(&[line.to_owned()], &format!("{name} line {}", index + 1))?;
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_java_property_is_refused_with_its_equivalent() {
        let mut properties = Properties::default();
        let error = properties.set_pairs(&["ssl.truststore.location=a".into()], "-X").expect_err("refused");
        assert_eq!(
            error.to_string(),
            "-X: `ssl.truststore.location` is a property of the Java client; use ssl.ca.location (PEM)"
        );
    }

    #[test]
    fn a_property_that_is_not_the_users_to_set_is_refused_with_the_remedy() {
        for (name, _) in OURS {
            let pair = format!("{name}=1");
            let error = Properties::default().set_pairs(&[pair], "-X").expect_err("refused").to_string();
            assert!(
                error.starts_with(&format!("-X: `{name}` ")) && error.ends_with("; leave it out"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_pair_without_value_is_refused() {
        let error = Properties::default().set_pairs(&["linger.ms".into()], "-X").expect_err("refused");
        assert_eq!(error.to_string(), "-X `linger.ms`: must be name=value, as in -X linger.ms=50");
    }

    #[test]
    fn no_secret_is_shown_however_it_was_said() {
        let mut properties = Properties::default();
        properties.set_pairs(&["sasl.password=hunter2".into(), "a=1".into()], "-X").expect("fine");
        assert_eq!(format!("{properties:?}"), r#"{"a": "1", "sasl.password": "***"}"#);
        for pair in ["sasl.password: hunter2", "sasl.password hunter2", "sasl.jaas.config=x hunter2;"] {
            let refused = properties.set_pairs(&[pair.into()], "-X").expect_err("refused").to_string();
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }

    #[test]
    fn a_value_is_taken_from_the_environment() {
        let mut properties = Properties::default();
        properties.set_pairs(&["sasl.password=env:PATH".into()], "-X").expect("set");
        assert_eq!(properties.get("sasl.password"), std::env::var("PATH").ok().as_deref());
        let refused = properties.set_pairs(&["sasl.password=env:MILLRACE_NO_SUCH".into()], "-X");
        assert!(refused.is_err_and(|e| e.to_string().starts_with("-X: sasl.password: the variable")));
    }

    #[test]
    fn a_later_value_wins() {
        let mut properties = Properties::default();
        properties.set_pairs(&["a=1".into(), "a=2=3".into()], "-X").expect("fine");
        assert_eq!(properties.iter().collect::<Vec<_>>(), [("a", "2=3")]);
    }
}
