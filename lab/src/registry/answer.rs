//! The form of every answer: Confluent's content type, and its errors.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::store::{Invalid, Missing};

const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// A JSON answer to a request that succeeded.
pub struct Answer(pub Value);

/// A schema's own text as the whole answer; it is JSON already.
pub struct SchemaText(pub String);

/// A request refused: the status, Confluent's error code and a sentence.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: u32,
    message: String,
}

impl Refusal {
    /// A refusal whose error code is no more than the HTTP status.
    pub fn plain(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, code: status.as_u16().into(), message: message.into() }
    }

    /// A schema that cannot be registered or looked up.
    pub fn invalid_schema(message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, code: 42201, message: message.into() }
    }

    /// A version that is neither a number nor `latest`.
    pub fn invalid_version(version: &str) -> Self {
        let message = format!(
            "The specified version '{version}' is not a valid version id. \
             Allowed values are between [1, 2^31-1] and the string \"latest\""
        );
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, code: 42202, message }
    }
}

impl From<Missing> for Refusal {
    fn from(missing: Missing) -> Self {
        let code = match missing {
            Missing::Subject(_) => 40401,
            Missing::Version(_) => 40402,
            Missing::Id(_) | Missing::Schema => 40403,
        };
        Self { status: StatusCode::NOT_FOUND, code, message: missing.to_string() }
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::invalid_schema(invalid.0)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        in_form(StatusCode::OK, self.0.to_string())
    }
}

impl IntoResponse for SchemaText {
    fn into_response(self) -> Response {
        in_form(StatusCode::OK, self.0)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        in_form(self.status, json!({"error_code": self.code, "message": self.message}).to_string())
    }
}

fn in_form(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response()
}
