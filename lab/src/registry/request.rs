//! Reading a request's address: the parts of its path and its flags.

use std::collections::HashMap;
use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use serde::de::DeserializeOwned;

use super::answer::Refusal;
use super::store::Scope;

/// The named parts of a path.
pub struct Named<T>(pub T);

/// What follows the question mark.
pub struct Flags(HashMap<String, String>);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(named)) => Ok(Self(named)),
            Err(_) => Err(Refusal::plain(StatusCode::NOT_FOUND, "HTTP 404 Not Found")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Flags {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri))
    }
}

impl Flags {
    /// The flags of an address; none where they cannot be read, as Java's servers have it.
    pub fn of(uri: &Uri) -> Self {
        Self(Query::try_from_uri(uri).map(|Query(flags)| flags).unwrap_or_default())
    }

    /// Whether a flag is given as true.
    pub fn is(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The versions that `deleted` and `deletedOnly` ask for; the latter wins.
    pub fn scope(&self) -> Scope {
        match (self.is("deletedOnly"), self.is("deleted")) {
            (true, _) => Scope::Deleted,
            (false, true) => Scope::All,
            (false, false) => Scope::Live,
        }
    }

    /// What names must begin with; empty for all. Confluent's default, `:*:`, means all contexts, and there
    /// is only one here.
    pub fn prefix(&self) -> &str {
        let said = self.0.get("subjectPrefix").map(String::as_str).unwrap_or_default();
        said.strip_prefix(":*:").unwrap_or(said)
    }

    /// The part of a list that `offset` and `limit` ask for; a limit that is not positive is none.
    pub fn page<T>(&self, all: impl IntoIterator<Item = T>) -> Vec<T> {
        let number = |name| self.0.get(name).and_then(|value| value.parse::<usize>().ok());
        let limit = number("limit").filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        all.into_iter().skip(number("offset").unwrap_or(0)).take(limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(query: &str) -> Flags {
        Flags::of(&format!("/subjects?{query}").parse().expect("an address"))
    }

    #[test]
    fn a_page_is_cut_from_a_list() {
        assert_eq!(flags("offset=1&limit=2").page(1..=4), [2, 3]);
        assert_eq!(flags("offset=3").page(1..=4), [4]);
        assert_eq!(flags("limit=-1").page(1..=2), [1, 2]);
        assert_eq!(flags("limit=0&offset=9").page(1..=2), [0; 0]);
    }

    #[test]
    fn deleted_only_wins_over_deleted() {
        assert_eq!(flags("deleted=true&deletedOnly=TRUE").scope(), Scope::Deleted);
        assert_eq!(flags("deleted=true").scope(), Scope::All);
        assert_eq!(flags("deleted=yes").scope(), Scope::Live);
    }

    #[test]
    fn a_prefix_may_be_of_all_contexts() {
        assert_eq!(flags("subjectPrefix=:*:a").prefix(), "a");
        assert_eq!(flags("subjectPrefix=a%2F").prefix(), "a/");
        assert_eq!(flags("").prefix(), "");
    }
}
