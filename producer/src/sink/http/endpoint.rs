use std::error::Error as _;
use std::time::{Duration, SystemTime};

use millrace_core::certificate::Fault;
use millrace_core::{Result, http};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};

use super::patience::retry_after;
use crate::settings::ApiOutput;

const TIMEOUT: Duration = Duration::from_secs(10);
/// As much of an answer as is read, so that its connection can serve again.
const ANSWER_BYTES: usize = 64 << 10;
/// As much of a refusal as a sentence quotes.
const QUOTED_CHARS: usize = 200;

/// The address that readings are posted to.
pub(super) struct Endpoint {
    client: Client,
    url: Url,
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The readings are there.
    Taken,
    /// Another attempt may do better, not before `after` if the server said so.
    Busy { cause: String, status: Option<u16>, after: Option<Duration> },
    /// The answer is final.
    Refused { cause: String, status: Option<u16> },
}

impl Endpoint {
    pub(super) fn new(output: &ApiOutput) -> Result<Self> {
        Ok(Self { client: http::client(TIMEOUT, &output.access)?, url: output.url.clone() })
    }

    pub(super) async fn post(&self, body: Vec<u8>) -> Outcome {
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        match request.body(body).send().await {
            Ok(response) => judge(response).await,
            Err(error) => {
                let fault = Fault::of(&error);
                let certificate =
                    fault.as_ref().map(|f| format!("its certificate {}", f.sentence("--url-ca")));
                let (cause, status) = (certificate.unwrap_or_else(|| cause(&error)), None);
                if error.is_builder() || fault.is_some() {
                    Outcome::Refused { cause, status }
                } else {
                    Outcome::Busy { cause, status, after: None }
                }
            }
        }
    }
}

async fn judge(response: Response) -> Outcome {
    let status = response.status();
    let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = after.and_then(|text| retry_after(text, SystemTime::now()));
    let answer = beginning(response).await;
    if status.is_success() {
        return Outcome::Taken;
    }
    let cause = match quoted(&answer) {
        quote if quote.is_empty() => format!("answered {status}"),
        quote => format!("answered {status}: {quote}"),
    };
    let code = Some(status.as_u16());
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        Outcome::Busy { cause, status: code, after }
    } else {
        Outcome::Refused { cause, status: code }
    }
}

/// The beginning of an answer. One that breaks off has said enough by its status.
async fn beginning(mut response: Response) -> Vec<u8> {
    let mut answer = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        answer.extend_from_slice(&bytes);
        if answer.len() > ANSWER_BYTES {
            break;
        }
    }
    answer
}

/// One line of an answer, shortened.
fn quoted(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTED_CHARS) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
}

/// The innermost cause, which is the one that names what happened; the others repeat the address.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("did not answer within {} s", TIMEOUT.as_secs());
    }
    let mut innermost = error.source();
    while let Some(source) = innermost.and_then(std::error::Error::source) {
        innermost = Some(source);
    }
    let why = innermost.map_or_else(|| error.to_string(), ToString::to_string);
    let why = why.split(" (os error").next().unwrap_or_default();
    if error.is_connect() { format!("is not reached: {why}") } else { format!("broke off: {why}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_quoted_on_one_line_and_not_at_length() {
        assert_eq!(quoted(b"{\n  \"detail\": \"no\"\n}\n"), "{ \"detail\": \"no\" }");
        assert_eq!(quoted("ä".repeat(300).as_bytes()), format!("{} ...", "ä".repeat(200)));
    }
}
