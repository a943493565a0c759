//! What a registry knows of a subject.

use millrace_schemas::compatibility::Compatibility;
use reqwest::{Client, StatusCode};
use schema_registry_converter::async_impl::schema_registry::{
    get_all_versions, get_schema_by_subject_and_version,
};
use schema_registry_converter::error::SRCError;
use serde::Deserialize;

use super::{RegistryClient, Result};

/// One version of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its number within the subject, from 1; deleted ones leave gaps.
    pub number: u32,
    /// The id of its schema, which is in every record.
    pub id: u32,
    /// Its schema, as JSON.
    pub schema: String,
}

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "compatibilityLevel")]
    level: Compatibility,
}

impl RegistryClient {
    /// Every version of a subject, oldest first; none where the registry does not know the subject.
    ///
    /// # Errors
    /// When the registry stays out of reach after retries, or is none.
    pub fn versions(&self, subject: &str) -> Result<Vec<Version>> {
        let what = format!("list the versions of {subject}");
        let numbers = self.call(&what, async || {
            let listed = get_all_versions(&self.settings, subject.to_owned()).await;
            listed.or_else(|e| if is_unknown_subject(&e) { Ok(Vec::new()) } else { Err(e) })
        })?;
        numbers.into_iter().map(|number| self.version(subject, number)).collect()
    }

    /// The compatibility level of a subject: its own, the registry's, or Confluent's default.
    ///
    /// # Errors
    /// When the registry stays out of reach after retries, or gives a level that does not exist.
    pub fn compatibility(&self, subject: &str) -> Result<Compatibility> {
        let what = format!("give the compatibility of {subject}");
        let url = format!("{}/config/{subject}?defaultToGlobal=true", self.url);
        self.call(&what, async || level(&self.http, &url).await)
    }

    fn version(&self, subject: &str, number: u32) -> Result<Version> {
        let what = format!("give version {number} of {subject}");
        self.call(&what, async || {
            let found = get_schema_by_subject_and_version(&self.settings, subject, Some(number)).await?;
            Ok(Version { number, id: found.id, schema: found.schema })
        })
    }
}

/// The registry's own code: a wrong address answers 404 as well.
fn is_unknown_subject(error: &SRCError) -> bool {
    error.cause.as_deref().unwrap_or_default().contains("error_code: 40401")
}

async fn level(http: &Client, url: &str) -> std::result::Result<Compatibility, SRCError> {
    let asked = async {
        let answer = http.get(url).send().await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(Compatibility::default());
        }
        answer.error_for_status()?.json::<Config>().await.map(|config| config.level)
    };
    asked.await.map_err(failed)
}

/// As schema_registry_converter says it, so that its failures and these are treated alike.
fn failed(cause: reqwest::Error) -> SRCError {
    match cause.status() {
        Some(status) => {
            let what = format!("HTTP request to schema registry failed with status {status}");
            SRCError::non_retryable_with_cause(cause, &what)
        }
        None if cause.is_decode() => {
            SRCError::non_retryable_with_cause(cause, "its answer is not understood")
        }
        None => SRCError::retryable_with_cause(cause, "http call to schema registry failed"),
    }
}
