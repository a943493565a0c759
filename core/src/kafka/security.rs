//! What is said about security, before anything is tried.

use super::Properties;
use crate::error::{Error, Result};

const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
const PROTOCOLS: [&str; 4] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

impl Properties {
    /// Refuses logins and certificates that would not be used, and logins without their parts.
    ///
    /// # Errors
    /// One sentence that names the property and what to say with it.
    pub fn check_security(&self) -> Result<()> {
        let protocol = self.get("security.protocol").unwrap_or("PLAINTEXT").to_ascii_uppercase();
        if !PROTOCOLS.contains(&&*protocol) {
            return refuse("security.protocol", &format!("must be one of {}", PROTOCOLS.join(", ")));
        }
        self.check_login(protocol.starts_with("SASL_"))?;
        self.check_certificates(protocol.ends_with("SSL"))
    }

    /// How the client says who it is, under either of its names.
    pub(super) fn mechanism(&self) -> Option<&str> {
        self.get("sasl.mechanism").or_else(|| self.get("sasl.mechanisms"))
    }

    fn check_login(&self, is_used: bool) -> Result<()> {
        let said = self.iter().map(|(name, _)| name).find(|name| name.starts_with("sasl."));
        if !is_used {
            let remedy = "has no effect without a login; add security.protocol=SASL_SSL";
            return said.map_or(Ok(()), |name| refuse(name, remedy));
        }
        match self.mechanism() {
            Some(mechanism) if MECHANISMS.contains(&mechanism) => {}
            Some(_) => {
                return refuse("sasl.mechanism", &format!("must be one of {}", MECHANISMS.join(", ")));
            }
            None => {
                let known = MECHANISMS.join(", ");
                return refuse(
                    "security.protocol",
                    &format!("asks for a login; add sasl.mechanism ({known})"),
                );
            }
        }
        let missing = ["sasl.username", "sasl.password"].into_iter().find(|name| self.get(name).is_none());
        match missing {
            Some(name) => refuse("security.protocol", &format!("asks for a login; add {name}")),
            None => Ok(()),
        }
    }

    fn check_certificates(&self, is_used: bool) -> Result<()> {
        let said = self.iter().map(|(name, _)| name).find(|name| name.starts_with("ssl."));
        match said.filter(|_| !is_used) {
            Some(name) => {
                refuse(name, "has no effect without TLS; add security.protocol=SSL, or SASL_SSL with a login")
            }
            None => self.check_files(),
        }
    }

    fn check_files(&self) -> Result<()> {
        let files =
            ["ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.keystore.location"];
        for name in files {
            if let Some(Err(why)) = self.get(name).filter(|place| *place != "probe").map(std::fs::metadata) {
                let place = self.get(name).unwrap_or_default();
                return refuse(name, &format!("{place} cannot be read: {why}; name a file that is there"));
            }
        }
        let any = |names: [&str; 2]| names.iter().any(|name| self.get(name).is_some());
        let certificate = any(["ssl.certificate.location", "ssl.certificate.pem"]);
        let key = any(["ssl.key.location", "ssl.key.pem"]);
        match (certificate, key) {
            (true, false) => refuse("ssl.certificate.location", "needs its key; add ssl.key.location"),
            (false, true) => {
                refuse("ssl.key.location", "needs its certificate; add ssl.certificate.location")
            }
            _ => Ok(()),
        }
    }

    /// Whether the client has a certificate of its own to show.
    pub(super) fn has_certificate(&self) -> bool {
        ["ssl.certificate.location", "ssl.certificate.pem", "ssl.keystore.location"]
            .iter()
            .any(|name| self.get(name).is_some())
    }
}

fn refuse<T>(name: &str, problem: &str) -> Result<T> {
    Err(Error::usage(format!("`{name}` in -X or --command-config: {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(pairs: &[&str]) -> Option<String> {
        let mut properties = Properties::default();
        let pairs: Vec<_> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        properties.set_pairs(&pairs, "-X").expect("known");
        properties.check_security().err().map(|e| e.to_string())
    }

    #[test]
    fn a_login_that_would_not_be_used_is_refused() {
        let sentence = refusal(&["sasl.username=ann"]).expect("refused");
        assert!(
            sentence.ends_with("has no effect without a login; add security.protocol=SASL_SSL"),
            "{sentence}"
        );
        assert!(refusal(&["ssl.ca.location=/"]).expect("refused").contains("add security.protocol=SSL"));
    }

    #[test]
    fn a_login_without_its_parts_is_refused_with_what_is_missing() {
        let said =
            ["security.protocol=SASL_SSL", "sasl.mechanism=PLAIN", "sasl.username=ann", "sasl.password=p"];
        let missing = ["sasl.mechanism (PLAIN", "add sasl.username", "add sasl.password"];
        for (count, missing) in (1..).zip(missing) {
            let sentence = refusal(&said[..count]).expect("refused");
            assert!(sentence.contains(missing), "{sentence}");
        }
        assert_eq!(refusal(&said), None);
        assert_eq!(refusal(&["security.protocol=sasl_plaintext", said[1], said[2], said[3]]), None);
    }

    #[test]
    fn what_this_build_cannot_do_is_refused_with_what_it_can() {
        let sentence = refusal(&["security.protocol=SASL_SSL", "sasl.mechanisms=GSSAPI"]).expect("refused");
        assert!(sentence.ends_with("must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"), "{sentence}");
        assert!(refusal(&["security.protocol=TLS"]).expect("refused").contains("SASL_PLAINTEXT, SASL_SSL"));
    }

    #[test]
    fn a_certificate_and_its_key_go_together_and_are_there() {
        let sentence = refusal(&["security.protocol=SSL", "ssl.certificate.location=/"]).expect("refused");
        assert!(sentence.ends_with("needs its key; add ssl.key.location"), "{sentence}");
        let sentence = refusal(&["security.protocol=SSL", "ssl.ca.location=/no/such"]).expect("refused");
        assert!(sentence.contains("/no/such cannot be read"), "{sentence}");
    }
}
