//! The calls about schemas, whatever their subjects.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, SchemaText};
use super::keeper::Keeper;
use super::request::{Flags, Named};
use super::routes::Outcome;
use super::store::{Listed, Place};
use super::subjects::in_full;

type Keep = State<Arc<Keeper>>;

pub async fn list(State(keeper): Keep, flags: Flags) -> Answer {
    let store = keeper.store();
    let all = store.all(flags.scope()).filter(|found| found.place.subject.starts_with(flags.prefix()));
    let all: Vec<Listed<'_>> = if flags.is("latestOnly") { newest(all) } else { all.collect() };
    Answer(flags.page(all.iter().map(in_full)).into())
}

/// The last of each subject; they come in order.
fn newest<'a>(all: impl Iterator<Item = Listed<'a>>) -> Vec<Listed<'a>> {
    all.map(|found| (found.place.subject, found)).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// `subject` is of no account: it tells contexts apart, and there is only one.
pub async fn by_id(State(keeper): Keep, Named(id): Named<u32>, flags: Flags) -> Outcome {
    let store = keeper.store();
    let mut answer = json!({"schema": store.schema(id)?});
    if flags.is("fetchMaxId") {
        answer["maxId"] = json!(store.last_id());
    }
    Ok(Answer(answer))
}

pub async fn text(State(keeper): Keep, Named(id): Named<u32>) -> Result<SchemaText, Refusal> {
    Ok(SchemaText(keeper.store().schema(id)?.to_owned()))
}

pub async fn subjects(State(keeper): Keep, Named(id): Named<u32>, flags: Flags) -> Outcome {
    let store = keeper.store();
    let mut subjects: Vec<&str> =
        store.places(id, flags.scope())?.into_iter().map(|place| place.subject).collect();
    subjects.dedup();
    Ok(Answer(json!(flags.page(subjects))))
}

pub async fn versions(State(keeper): Keep, Named(id): Named<u32>, flags: Flags) -> Outcome {
    let store = keeper.store();
    let listed = |place: Place<'_>| json!({"subject": place.subject, "version": place.version});
    let places: Vec<Value> = store.places(id, flags.scope())?.into_iter().map(listed).collect();
    Ok(Answer(flags.page(places).into()))
}
