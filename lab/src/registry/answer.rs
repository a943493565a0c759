//! The form of every answer: Confluent's content type, and its errors.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::problem::Problem;

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

    /// A body that could not be read or understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::plain(StatusCode::BAD_REQUEST, message)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let code = problem.code();
        let digits = if code < 1000 { code } else { code / 100 };
        let status = u16::try_from(digits).ok().and_then(|digits| StatusCode::from_u16(digits).ok());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code, message: problem.to_string() }
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
