//! The calls about subjects and their versions.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, SchemaText};
use super::keeper::Keeper;
use super::problem::Problem;
use super::request::{Flags, Named};
use super::routes::Outcome;
use super::schema::AvroSchema;
use super::store::{Listed, Scope, VersionAsked};

type Keep = State<Arc<Keeper>>;
type Versioned = Named<(String, String)>;

pub async fn list(State(keeper): Keep, flags: Flags) -> Answer {
    Answer(json!(flags.page(keeper.store().subjects(flags.prefix(), flags.scope()))))
}

pub async fn register(State(keeper): Keep, Named(subject): Named<String>, schema: AvroSchema) -> Outcome {
    let id = keeper.write(move |store| store.register(&subject, &schema)).await?;
    Ok(Answer(json!({"id": id})))
}

pub async fn look_up(
    State(keeper): Keep,
    Named(subject): Named<String>,
    flags: Flags,
    schema: AvroSchema,
) -> Outcome {
    let store = keeper.store();
    Ok(Answer(in_full(&store.look_up(&subject, schema.canonical(), with_deleted(&flags))?)))
}

pub async fn delete(State(keeper): Keep, Named(subject): Named<String>, flags: Flags) -> Outcome {
    let for_good = flags.is("permanent");
    Ok(Answer(json!(keeper.write(move |store| store.delete_subject(&subject, for_good)).await?)))
}

pub async fn versions(State(keeper): Keep, Named(subject): Named<String>, flags: Flags) -> Outcome {
    Ok(Answer(json!(flags.page(keeper.store().versions(&subject, flags.scope())?))))
}

pub async fn version(State(keeper): Keep, Named((subject, version)): Versioned, flags: Flags) -> Outcome {
    let asked = VersionAsked::parse(&version)?;
    Ok(Answer(in_full(&keeper.store().version(&subject, asked, with_deleted(&flags))?)))
}

/// Answers with the schema itself, not with a string that holds it.
pub async fn version_schema(
    State(keeper): Keep,
    Named((subject, version)): Versioned,
    flags: Flags,
) -> Result<SchemaText, Refusal> {
    let asked = VersionAsked::parse(&version)?;
    let store = keeper.store();
    Ok(SchemaText(store.version(&subject, asked, with_deleted(&flags))?.schema.to_owned()))
}

/// Nothing refers to anything, since references are refused.
pub async fn referenced_by(State(keeper): Keep, Named((subject, version)): Versioned) -> Outcome {
    keeper.store().version(&subject, VersionAsked::parse(&version)?, Scope::All)?;
    Ok(Answer(json!([])))
}

pub async fn delete_version(
    State(keeper): Keep,
    Named((subject, version)): Versioned,
    flags: Flags,
) -> Outcome {
    let (asked, for_good) = (VersionAsked::parse(&version)?, flags.is("permanent"));
    let deleted = keeper.write(move |store| store.delete_version(&subject, asked, for_good)).await?;
    Ok(Answer(json!(deleted)))
}

pub async fn fits_all(
    State(keeper): Keep,
    Named(subject): Named<String>,
    flags: Flags,
    schema: AvroSchema,
) -> Answer {
    verdict(keeper.store().conflict(&subject, &schema, None), &flags)
}

pub async fn fits(
    State(keeper): Keep,
    Named((subject, version)): Versioned,
    flags: Flags,
    schema: AvroSchema,
) -> Outcome {
    let asked = VersionAsked::parse(&version)?;
    let store = keeper.store();
    let against = match store.version(&subject, asked, Scope::Live) {
        Ok(found) => found.place.version,
        // The first schema of a subject goes with the latest one, which is not there.
        Err(Problem::Subject(_)) if asked == VersionAsked::Latest => return Ok(verdict(None, &flags)),
        Err(problem) => return Err(problem.into()),
    };
    Ok(verdict(store.conflict(&subject, &schema, Some(against)), &flags))
}

fn verdict(conflict: Option<Vec<String>>, flags: &Flags) -> Answer {
    let mut answer = json!({"is_compatible": conflict.is_none()});
    if flags.is("verbose") {
        answer["messages"] = json!(conflict.unwrap_or_default());
    }
    Answer(answer)
}

/// Where one version is asked for, a deleted one alone makes no sense.
fn with_deleted(flags: &Flags) -> Scope {
    if flags.is("deleted") { Scope::All } else { Scope::Live }
}

/// A schema with its place, as Confluent lists it.
pub fn in_full(found: &Listed<'_>) -> Value {
    let place = &found.place;
    json!({"subject": place.subject, "version": place.version, "id": found.id, "schema": found.schema})
}
