//! A client for schema registries that speak Confluent's REST form.

mod conflict;
mod subject;

use std::cell::Cell;
use std::time::Duration;

use reqwest::Client;
use schema_registry_converter::async_impl::schema_registry::{SrSettings, get_schema_by_id, post_schema};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{SchemaType, SuppliedSchema};
use tokio::runtime::Runtime;

pub use subject::Version;

use crate::access::Access;
use crate::certificate::Fault;
use crate::error::{Error, Result};

/// How often a call is tried before the registry counts as down.
const ATTEMPTS: u32 = 5;
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const TIMEOUT: Duration = Duration::from_secs(5);
/// The HTTP status for a schema that does not fit the earlier ones of its subject.
const INCOMPATIBLE: u16 = 409;
const NOT_FOUND: u16 = 404;

/// A registry as clients see it: where it is and how it is talked to.
#[derive(Debug, Clone)]
pub struct Registry {
    url: String,
    access: Access,
}

impl Registry {
    /// The registry at `url`. A user and password in the address are taken out of it.
    ///
    /// # Errors
    /// When the address is not one, beginning with `place`.
    pub fn new(url: &str, mut access: Access, place: &str) -> Result<Self> {
        let url = access.take_from(url, place)?;
        Ok(Self { url: url.as_str().trim_end_matches('/').to_owned(), access })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client for it; connects on the first call.
    ///
    /// # Errors
    /// When the client cannot be set up.
    pub fn client(&self) -> Result<RegistryClient> {
        let url = self.url.clone();
        let set_up = |e: String| Error::failed(format!("the client for schema registry {url} fails: {e}"));
        let builder = || self.access.apply(Client::builder().timeout(TIMEOUT));
        let settings = SrSettings::new_builder(url.clone())
            .set_timeout(TIMEOUT)
            .build_with(builder()?)
            .map_err(|e| set_up(e.to_string()))?;
        let http = builder()?.build().map_err(|e| set_up(e.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| set_up(e.to_string()))?;
        let says_who = self.access.credentials().is_some();
        Ok(RegistryClient { url: self.url.clone(), settings, http, runtime, says_who })
    }
}

/// Registers and fetches schemas. Transient failures are retried; none is remembered, because only the
/// uncached calls of schema_registry_converter are used.
pub struct RegistryClient {
    url: String,
    settings: SrSettings,
    http: Client,
    runtime: Runtime,
    says_who: bool,
}

impl RegistryClient {
    /// A client for the registry at `url`; connects on the first call.
    ///
    /// # Errors
    /// When the address is not one, or the client cannot be set up.
    pub fn new(url: &str) -> Result<Self> {
        Registry::new(url, Access::default(), "schema registry address")?.client()
    }

    /// Registers an Avro schema under a subject and gives its id; the same schema gives the same id.
    ///
    /// # Errors
    /// When the registry refuses the schema (the sentence names the fields at fault, if it is incompatible with
    /// earlier ones), or stays out of reach after retries.
    pub fn register(&self, subject: &str, schema: &str) -> Result<u32> {
        let what = format!("register {subject}");
        let conflict = Cell::new(false);
        let registered = self.call(&what, async || {
            let supplied = SuppliedSchema::new(None, SchemaType::Avro, schema.to_owned());
            let posted = post_schema(&self.settings, subject.to_owned(), supplied).await;
            posted.map(|registered| registered.id).inspect_err(|e| conflict.set(conflict::is_one(e)))
        });
        registered.map_err(|e| if conflict.get() { self.explain(subject, schema, e) } else { e })
    }

    /// The JSON of a schema by its id.
    ///
    /// # Errors
    /// When the registry does not know the id, or stays out of reach after retries.
    pub fn schema(&self, id: u32) -> Result<String> {
        let what = format!("give schema {id}");
        self.call(&what, async || get_schema_by_id(id, &self.settings).await.map(|found| found.schema))
    }

    /// The JSON of a schema by its id; `None` where the registry does not know the id.
    ///
    /// # Errors
    /// When the registry stays out of reach after retries.
    pub fn find_schema(&self, id: u32) -> Result<Option<String>> {
        let unknown = Cell::new(false);
        let found = self.call(&format!("give schema {id}"), async || {
            let found = get_schema_by_id(id, &self.settings).await;
            found.map(|found| found.schema).inspect_err(|e| unknown.set(status(e) == Some(NOT_FOUND)))
        });
        if unknown.get() { Ok(None) } else { found.map(Some) }
    }

    fn call<T>(&self, what: &str, attempt: impl AsyncFn() -> std::result::Result<T, SRCError>) -> Result<T> {
        self.runtime.block_on(async {
            let mut backoff = FIRST_BACKOFF;
            for tries_left in (0..ATTEMPTS).rev() {
                match attempt().await {
                    Ok(value) => return Ok(value),
                    Err(error) if tries_left == 0 || !is_transient(&error) => {
                        return Err(self.sentence(what, &error, ATTEMPTS - tries_left));
                    }
                    Err(_) => tokio::time::sleep(backoff).await,
                }
                backoff *= 2;
            }
            Err(Error::failed(format!("schema registry {} did not {what}", self.url)))
        })
    }

    fn sentence(&self, what: &str, error: &SRCError, tries: u32) -> Error {
        let cause = error.cause.as_deref().unwrap_or_default();
        let times = if tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") };
        if let Some(fault) = Fault::of(error) {
            let why = fault.sentence("--schema-registry-ca");
            return Error::failed(format!("the certificate of schema registry {} {why}", self.url));
        }
        let remedy = match status(error) {
            Some(401 | 403) if self.says_who => "check --schema-registry-auth",
            Some(401 | 403) => "it wants to know who asks: give --schema-registry-auth",
            Some(INCOMPATIBLE) => "take another --topic, or change the compatibility of the subject",
            _ => "check --schema-registry-url",
        };
        Error::failed(format!(
            "schema registry {} did not {what} after {times}: {} {cause}; {remedy}",
            self.url, error.error,
        ))
    }
}

/// Out of reach, busy or broken for now; other answers are final.
fn is_transient(error: &SRCError) -> bool {
    Fault::of(error).is_none() && error.retriable
        || matches!(status(error), Some(429 | 500 | 502 | 503 | 504))
}

/// The HTTP status, which schema_registry_converter gives only in its sentence. Its cause holds what the
/// registry wrote, where any number may stand.
fn status(error: &SRCError) -> Option<u16> {
    let (_, answer) = error.error.rsplit_once(" failed with status ")?;
    answer.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Answers calls with these in turn, as (status line, body); gives its address.
    fn registry_that_answers(answers: Vec<(&'static str, &'static str)>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().expect("a call");
                let mut call = Vec::new();
                // A call ends with its body, the schema `"string"` in its envelope.
                while !call.ends_with(b"}") {
                    let mut bytes = [0; 1024];
                    let count = stream.read(&mut bytes).expect("readable");
                    call.extend_from_slice(&bytes[..count]);
                }
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close");
                write!(stream, "{head}\r\n\r\n{body}").expect("writable");
            }
        });
        url
    }

    #[test]
    fn an_incompatible_schema_is_refused_at_once_with_the_registrys_message() {
        let body = r#"{"error_code": 409, "message": "incompatible with version 500"}"#;
        let url = registry_that_answers(vec![("409 Conflict", body), ("200 OK", r#"{"id": 1}"#)]);
        let client = RegistryClient::new(&url).expect("a client");
        let sentence = client.register("a-value", "\"string\"").expect_err("refused").to_string();
        assert!(sentence.contains("after 1 try"), "{sentence}");
        assert!(sentence.contains("incompatible with version 500; take another --topic"), "{sentence}");
    }

    #[test]
    fn a_registry_that_is_broken_for_now_is_asked_again() {
        let broken = ("500 Internal Server Error", r#"{"error_code": 50001, "message": "store"}"#);
        let url = registry_that_answers(vec![broken, ("200 OK", r#"{"id": 7}"#)]);
        let client = RegistryClient::new(&url).expect("a client");
        assert_eq!(client.register("a-value", "\"string\"").expect("registered"), 7);
    }

    #[test]
    fn an_address_without_scheme_is_refused() {
        let error = RegistryClient::new("localhost:8081").err().expect("refused");
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("no http:// or https:// address"));
    }

    #[test]
    fn a_registry_that_is_not_there_is_named_after_bounded_tries() {
        // Port 9 (discard) is not served on a test machine.
        let client = RegistryClient::new("http://127.0.0.1:9").expect("a client");
        let error = client.register("a-value", "\"string\"").expect_err("out of reach");
        assert_eq!(error.exit_code(), 1);
        let sentence = error.to_string();
        assert!(sentence.contains("http://127.0.0.1:9 did not register a-value after 5 tries"), "{sentence}");
    }
}
