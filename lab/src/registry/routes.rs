//! Confluent's calls, and who answers each.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::json;

use super::answer::{Answer, Refusal};
use super::keeper::Keeper;
use super::{schemas, settings, subjects};

/// What a call comes to.
pub type Outcome = Result<Answer, Refusal>;

/// Every call of the registry, over what `keeper` holds.
pub fn router(keeper: Arc<Keeper>) -> Router {
    about()
        .merge(of_subjects())
        .merge(of_schemas())
        .merge(of_settings())
        .fallback(async || Refusal::plain(StatusCode::NOT_FOUND, "HTTP 404 Not Found"))
        .method_not_allowed_fallback(async || {
            Refusal::plain(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")
        })
        .with_state(keeper)
}

fn about() -> Router<Arc<Keeper>> {
    let cluster = "millrace-development-registry";
    let id = json!({"scope": {"path": [], "clusters": {"schema-registry-cluster": cluster}}, "id": ""});
    Router::new()
        .route("/", get(async || Answer(json!({}))))
        .route("/contexts", get(async || Answer(json!(["."]))))
        .route("/v1/metadata/id", get(async move || Answer(id)))
        .route(
            "/v1/metadata/version",
            get(async || Answer(json!({"version": env!("CARGO_PKG_VERSION"), "commitId": ""}))),
        )
}

fn of_subjects() -> Router<Arc<Keeper>> {
    Router::new()
        .route("/subjects", get(subjects::list))
        .route("/subjects/{subject}", post(subjects::look_up).delete(subjects::delete))
        .route("/subjects/{subject}/versions", get(subjects::versions).post(subjects::register))
        .route(
            "/subjects/{subject}/versions/{version}",
            get(subjects::version).delete(subjects::delete_version),
        )
        .route("/subjects/{subject}/versions/{version}/schema", get(subjects::version_schema))
        .route("/subjects/{subject}/versions/{version}/referencedby", get(subjects::referenced_by))
        .route("/compatibility/subjects/{subject}/versions", post(subjects::fits_all))
        .route("/compatibility/subjects/{subject}/versions/{version}", post(subjects::fits))
}

fn of_schemas() -> Router<Arc<Keeper>> {
    Router::new()
        .route("/schemas", get(schemas::list))
        .route("/schemas/types", get(async || Answer(json!(["AVRO"]))))
        .route("/schemas/ids/{id}", get(schemas::by_id))
        .route("/schemas/ids/{id}/schema", get(schemas::text))
        .route("/schemas/ids/{id}/subjects", get(schemas::subjects))
        .route("/schemas/ids/{id}/versions", get(schemas::versions))
}

fn of_settings() -> Router<Arc<Keeper>> {
    let level = get(settings::level).put(settings::set_level).delete(settings::unset_level);
    let own_level = get(settings::own_level).put(settings::set_own_level).delete(settings::unset_own_level);
    let mode = get(settings::mode).put(settings::set_mode).delete(settings::unset_mode);
    let own_mode = get(settings::own_mode).put(settings::set_own_mode).delete(settings::unset_own_mode);
    Router::new()
        .route("/config", level)
        .route("/config/{subject}", own_level)
        .route("/mode", mode)
        .route("/mode/{subject}", own_mode)
}
