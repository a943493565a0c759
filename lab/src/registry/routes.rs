//! Confluent's calls, each answered from the store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, SchemaText};
use super::request::Named;
use super::store::{AvroSchema, Registered, Store, Version};

type Outcome = Result<Answer, Refusal>;

/// The store as the handlers share it; no handler waits while it holds the lock.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Store>>);

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every call of the registry, over an empty store.
pub fn router() -> Router {
    Router::new()
        .route("/", get(async || Answer(json!({}))))
        .route("/subjects", get(subjects))
        .route("/subjects/{subject}", post(look_up))
        .route("/subjects/{subject}/versions", get(versions).post(register))
        .route("/subjects/{subject}/versions/{version}", get(version))
        .route("/subjects/{subject}/versions/{version}/schema", get(version_schema))
        .route("/schemas/types", get(async || Answer(json!(["AVRO"]))))
        .route("/schemas/ids/{id}", get(schema))
        .route("/schemas/ids/{id}/versions", get(places))
        .fallback(async || Refusal::plain(StatusCode::NOT_FOUND, "HTTP 404 Not Found"))
        .method_not_allowed_fallback(async || {
            Refusal::plain(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")
        })
        .with_state(Shared::default())
}

async fn subjects(State(shared): State<Shared>) -> Answer {
    Answer(json!(shared.store().subjects()))
}

async fn register(State(shared): State<Shared>, Named(subject): Named<String>, schema: AvroSchema) -> Answer {
    Answer(json!({"id": shared.store().register(&subject, schema)}))
}

async fn look_up(State(shared): State<Shared>, Named(subject): Named<String>, schema: AvroSchema) -> Outcome {
    Ok(Answer(in_full(&subject, &shared.store().look_up(&subject, &schema)?)))
}

async fn versions(State(shared): State<Shared>, Named(subject): Named<String>) -> Outcome {
    Ok(Answer(json!(shared.store().versions(&subject)?)))
}

async fn version(
    State(shared): State<Shared>,
    Named((subject, version)): Named<(String, String)>,
) -> Outcome {
    let version = numbered(&version)?;
    Ok(Answer(in_full(&subject, &shared.store().version(&subject, version)?)))
}

/// Answers with the schema itself, not with a string that holds it.
async fn version_schema(
    State(shared): State<Shared>,
    Named((subject, version)): Named<(String, String)>,
) -> Result<SchemaText, Refusal> {
    let version = numbered(&version)?;
    Ok(SchemaText(shared.store().version(&subject, version)?.schema.to_owned()))
}

async fn schema(State(shared): State<Shared>, Named(id): Named<u32>) -> Outcome {
    Ok(Answer(json!({"schema": shared.store().schema(id)?})))
}

async fn places(State(shared): State<Shared>, Named(id): Named<u32>) -> Outcome {
    let store = shared.store();
    let place = |(subject, version)| json!({"subject": subject, "version": version});
    Ok(Answer(store.places(id)?.into_iter().map(place).collect()))
}

fn numbered(version: &str) -> Result<Version, Refusal> {
    Version::parse(version).ok_or_else(|| Refusal::invalid_version(version))
}

fn in_full(subject: &str, found: &Registered<'_>) -> Value {
    json!({"subject": subject, "id": found.id, "version": found.version, "schema": found.schema})
}
