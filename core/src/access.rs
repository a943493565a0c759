//! How a server that speaks HTTP is talked to: who asks, and whom is trusted.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use percent_encoding::percent_decode_str;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Certificate, ClientBuilder, Url};

use crate::config::Origins;
use crate::error::{Error, Result};
use crate::secret::{self, HIDDEN, Secret};

/// Credentials and trust of a client; without either it says nothing and trusts what the system trusts.
#[derive(Debug, Clone, Default)]
pub struct Access {
    credentials: Option<Credentials>,
    /// Certificates in PEM that are trusted instead of the system's.
    authorities: Option<Vec<u8>>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A name and a password.
    Basic(String, Secret),
    /// A bearer token.
    Bearer(Secret),
}

impl Credentials {
    /// Reads `USER:PASSWORD` or `bearer:TOKEN`, or where either is to be found: `env:NAME`, `file:PATH`.
    ///
    /// # Errors
    /// When it is none of these; `place` is what the sentence begins with.
    pub fn parse(said: &Secret, place: &str) -> Result<Self> {
        let said = secret::resolve(said.reveal(), place)?;
        if let Some(token) = said.strip_prefix("bearer:") {
            return Ok(Self::Bearer(token.to_owned().into()));
        }
        match said.split_once(':') {
            Some((user, password)) => Ok(Self::Basic(user.to_owned(), password.to_owned().into())),
            None => {
                let forms = "must be USER:PASSWORD or bearer:TOKEN, or env:NAME or file:PATH that holds one";
                Err(Error::usage(format!("{place}: {forms}")))
            }
        }
    }
}

impl Access {
    /// With these credentials, and trusting the certificates in the file `authorities` (PEM) alone.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate; `place` is what the sentence begins with.
    pub fn new(credentials: Option<Credentials>, authorities: Option<&Path>, place: &str) -> Result<Self> {
        let authorities = authorities.map(|path| read_authorities(path, place)).transpose()?;
        Ok(Self { credentials, authorities })
    }

    /// What two options say, each given with its key: a login, and a file of authorities.
    ///
    /// # Errors
    /// As [`Credentials::parse`] and [`new`](Self::new).
    pub fn of_options(
        origins: &Origins,
        (auth, login): (&str, Option<&Secret>),
        (ca, file): (&str, Option<&str>),
    ) -> Result<Self> {
        let login = login.map(|login| Credentials::parse(login, origins.of(auth))).transpose()?;
        Self::new(login, file.map(Path::new), origins.of(ca))
    }

    /// Takes the user and password out of an address, where they would be read in every message.
    ///
    /// # Errors
    /// When it is no http or https address, or says who asks although that was said already.
    pub fn take_from(&mut self, url: &str, place: &str) -> Result<Url> {
        let wrong = |what: &str| Error::usage(format!("{place}: `{}` {what}", without_login(url)));
        let mut address = match Url::parse(url) {
            Ok(address) if matches!(address.scheme(), "http" | "https") && address.has_host() => address,
            _ => return Err(wrong("is no http:// or https:// address")),
        };
        if address.username().is_empty() && address.password().is_none() {
            return Ok(address);
        }
        if self.credentials.is_some() {
            return Err(wrong("names a user, who is given apart from it as well; leave one of the two out"));
        }
        let user = decoded(address.username());
        let password = decoded(address.password().unwrap_or_default());
        self.credentials = Some(Credentials::Basic(user, password.into()));
        // Refused only where there can be neither.
        let _ = address.set_password(None);
        let _ = address.set_username("");
        Ok(address)
    }

    /// Who asks.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Makes a client say who asks with every request, and trust whom it should.
    ///
    /// # Errors
    /// When the credentials do not fit into a header, or the certificates are none.
    pub fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder> {
        let builder = match &self.credentials {
            Some(credentials) => builder.default_headers(credentials.headers()?),
            None => builder,
        };
        match &self.authorities {
            Some(pem) => Ok(builder.tls_certs_only(certificates(pem).map_err(Error::usage)?)),
            None => Ok(builder),
        }
    }
}

impl Credentials {
    fn headers(&self) -> Result<HeaderMap> {
        let text = match self {
            Self::Basic(user, password) => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{}", password.reveal())))
            }
            Self::Bearer(token) => format!("Bearer {}", token.reveal()),
        };
        let mut value = HeaderValue::try_from(text)
            .map_err(|_| Error::usage("the bearer token has letters that no header holds; correct it"))?;
        value.set_sensitive(true);
        Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
    }
}

/// An address without the user and the password before its host, whether it can be understood or not.
pub fn without_login(url: &str) -> String {
    let begin = url.find("://").map_or(0, |at| at + 3);
    // Where it is no address, an `@` anywhere may end a password.
    let path = if begin == 0 { None } else { url[begin..].find(['/', '?', '#']) };
    let end = path.map_or(url.len(), |at| begin + at);
    match url[begin..end].rfind('@') {
        Some(at) => format!("{}{HIDDEN}{}", if begin == 0 { "" } else { &url[..begin] }, &url[begin + at..]),
        None => url.to_owned(),
    }
}

fn read_authorities(path: &Path, place: &str) -> Result<Vec<u8>> {
    let name = path.display();
    let remedy = "name a PEM file with the certificate of the authority";
    let pem = std::fs::read(path)
        .map_err(|e| Error::usage(format!("{place}: {name} cannot be read: {e}; {remedy}")))?;
    certificates(&pem).map_err(|why| Error::usage(format!("{place}: {name} {why}; {remedy}")))?;
    Ok(pem)
}

fn certificates(pem: &[u8]) -> std::result::Result<Vec<Certificate>, &'static str> {
    match Certificate::from_pem_bundle(pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err("holds no certificate"),
    }
}

/// `%40` is `@`: what may not stand in an address as it is stands in it so.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Credentials> {
        Credentials::parse(&Secret::from(text.to_owned()), "--schema-registry-auth")
    }

    #[test]
    fn credentials_are_a_user_with_a_password_or_a_token() {
        assert_eq!(parse("ann:a:b"), Ok(Credentials::Basic("ann".into(), "a:b".to_owned().into())));
        assert_eq!(parse("bearer:t"), Ok(Credentials::Bearer("t".to_owned().into())));
        let refused = parse("hunter2").expect_err("refused").to_string();
        assert!(refused.starts_with("--schema-registry-auth: must be USER:PASSWORD"), "{refused}");
        assert!(!refused.contains("hunter2"));
    }

    #[test]
    fn a_login_in_an_address_is_taken_out_of_it() {
        let mut access = Access::default();
        let url = access.take_from("https://ann:p%40ss@host:8081/base", "url").expect("an address");
        assert_eq!(url.as_str(), "https://host:8081/base");
        assert_eq!(access.credentials, Some(Credentials::Basic("ann".into(), "p@ss".to_owned().into())));
        assert!(!format!("{access:?}").contains("p@ss"));
        assert_eq!(access.take_from("https://bob:x@host", "url").expect_err("refused").exit_code(), 2);
    }

    #[test]
    fn a_wrong_address_is_refused_without_its_password() {
        for url in ["ann:hunter2@host:8081", "ftp://ann:hunter2@host", "http//ann:hunter2@host/x"] {
            let refused = Access::default().take_from(url, "url").expect_err("refused").to_string();
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }
}
