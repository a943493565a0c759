//! Reading requests: a path's parts and a posted schema, with refusals in Confluent's form.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::Refusal;
use super::store::AvroSchema;

/// The largest body accepted, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// How much of a body that is too large is read and thrown away: a client still sending when the
/// connection closes would see a broken pipe instead of the refusal.
const MAX_DRAINED: usize = 64 * MAX_BODY;

/// The named parts of a path.
pub struct Named<T>(pub T);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    schema: Option<String>,
    schema_type: Option<String>,
    references: Option<Vec<Value>>,
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(named)) => Ok(Self(named)),
            Err(_) => Err(Refusal::plain(StatusCode::NOT_FOUND, "HTTP 404 Not Found")),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for AvroSchema {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let body = read(request.into_body()).await?;
        let posted = serde_json::from_slice::<Posted>(&body).map_err(|e| {
            Refusal::plain(
                StatusCode::BAD_REQUEST,
                format!("The request body is not valid JSON of this call: {e}"),
            )
        })?;
        posted.into_schema()
    }
}

impl Posted {
    fn into_schema(self) -> Result<AvroSchema, Refusal> {
        if let Some(other) = self.schema_type.filter(|t| t != "AVRO") {
            let message = format!("Invalid schema: this development registry knows AVRO only, not {other}.");
            return Err(Refusal::invalid_schema(message));
        }
        if self.references.is_some_and(|references| !references.is_empty()) {
            let message = "Invalid schema: this development registry does not resolve references; \
                           write the referenced types into the schema.";
            return Err(Refusal::invalid_schema(message));
        }
        let text = self.schema.filter(|text| !text.is_empty());
        Ok(AvroSchema::parse(text.ok_or_else(|| Refusal::invalid_schema("Empty schema"))?)?)
    }
}

async fn read(mut body: Body) -> Result<Vec<u8>, Refusal> {
    let (mut kept, mut seen) = (Vec::new(), 0);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|e| {
            Refusal::plain(
                StatusCode::BAD_REQUEST,
                format!("The request body could not be read to its end: {e}"),
            )
        })?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen <= MAX_BODY {
            kept.extend_from_slice(&data);
        } else if seen > MAX_DRAINED {
            break;
        }
    }
    match seen <= MAX_BODY {
        true => Ok(kept),
        false => Err(Refusal::plain(StatusCode::PAYLOAD_TOO_LARGE, "The request body is larger than 1 MiB.")),
    }
}
