//! What a request carries: a schema, a compatibility level or a mode.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use millrace_schemas::compatibility::Compatibility;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::Refusal;
use super::change::Mode;
use super::problem::Problem;
use super::request::Flags;
use super::schema::AvroSchema;

/// The largest body accepted, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// How much of a body that is too large is read and thrown away: a client still sending when the
/// connection closes would see a broken pipe instead of the refusal.
const MAX_DRAINED: usize = 64 * MAX_BODY;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedSchema {
    schema: Option<String>,
    schema_type: Option<String>,
    references: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct PostedLevel {
    compatibility: Option<String>,
}

#[derive(Deserialize)]
struct PostedMode {
    mode: Option<String>,
}

/// A compatibility level that a request asks for.
pub struct LevelAsked(pub Compatibility);

/// A mode that a request asks for.
pub struct ModeAsked(pub Mode);

impl<S: Send + Sync> FromRequest<S> for AvroSchema {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let normalize = Flags::of(request.uri()).is("normalize");
        let schema = posted::<PostedSchema>(request).await?.into_schema()?;
        Ok(if normalize { schema.normalized() } else { schema })
    }
}

impl<S: Send + Sync> FromRequest<S> for LevelAsked {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let said = posted::<PostedLevel>(request).await?.compatibility.unwrap_or_default();
        let level = said
            .parse()
            .map_err(|why| Problem::InvalidLevel(format!("Invalid compatibility level: {why}")))?;
        Ok(Self(level))
    }
}

impl<S: Send + Sync> FromRequest<S> for ModeAsked {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let said = posted::<PostedMode>(request).await?.mode.unwrap_or_default();
        match said.parse() {
            Ok(mode) => Ok(Self(mode)),
            Err(()) => Err(refused_mode(&said).into()),
        }
    }
}

fn refused_mode(said: &str) -> Problem {
    if said.eq_ignore_ascii_case("IMPORT") {
        let why =
            "Mode IMPORT is not for this development registry, which gives all ids itself; use READWRITE";
        return Problem::NotPermitted(why.to_owned());
    }
    Problem::InvalidMode(format!(
        "Invalid mode `{said}`. Valid values are READWRITE, READONLY and READONLY_OVERRIDE"
    ))
}

impl PostedSchema {
    fn into_schema(self) -> Result<AvroSchema, Problem> {
        if let Some(other) = self.schema_type.filter(|named| named != "AVRO") {
            return Err(invalid(format!(
                "Invalid schema: this development registry knows AVRO only, not {other}."
            )));
        }
        if self.references.is_some_and(|references| !references.is_empty()) {
            return Err(invalid(
                "Invalid schema: this development registry does not resolve references; \
                 write the referenced types into the schema.",
            ));
        }
        let text = self.schema.filter(|text| !text.is_empty());
        AvroSchema::parse(text.ok_or_else(|| invalid("Empty schema"))?)
    }
}

fn invalid(sentence: impl Into<String>) -> Problem {
    Problem::InvalidSchema(sentence.into())
}

async fn posted<T: DeserializeOwned>(request: Request) -> Result<T, Refusal> {
    let body = read(request.into_body()).await?;
    serde_json::from_slice(&body)
        .map_err(|e| Refusal::bad_request(format!("The request body is not valid JSON of this call: {e}")))
}

async fn read(mut body: Body) -> Result<Vec<u8>, Refusal> {
    let (mut kept, mut seen) = (Vec::new(), 0);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|e| {
            Refusal::bad_request(format!("The request body could not be read to its end: {e}"))
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
