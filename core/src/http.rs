//! HTTP clients, all built here.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::access::Access;
use crate::error::{Error, Result};

/// A client whose requests take at most `timeout` each. A redirect is an answer like any other: following it
/// would turn a POST into a GET.
///
/// # Errors
/// When the system gives no TLS, or the credentials or certificates cannot be used.
pub fn client(timeout: Duration, access: &Access) -> Result<Client> {
    let builder = access.apply(Client::builder().timeout(timeout).redirect(Policy::none()))?;
    builder.build().map_err(|e| Error::failed(format!("the HTTP client cannot be set up: {e}")))
}

/// The address without the user, password and query that it may hold, for messages: any of them may be a secret.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Refused only where there can be neither.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.set_query(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let url = Url::parse("http://ann:secret@localhost:8000/api/data?token=abc").expect("an address");
        assert_eq!(shown(&url), "http://localhost:8000/api/data");
    }
}
