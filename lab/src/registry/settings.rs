//! The calls about compatibility levels and modes, global and of one subject.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;

use super::answer::Answer;
use super::body::{LevelAsked, ModeAsked};
use super::keeper::Keeper;
use super::problem::Problem;
use super::request::{Flags, Named};
use super::routes::Outcome;

type Keep = State<Arc<Keeper>>;

pub async fn level(State(keeper): Keep) -> Answer {
    Answer(json!({"compatibilityLevel": keeper.store().level(None)}))
}

pub async fn own_level(State(keeper): Keep, Named(subject): Named<String>, flags: Flags) -> Outcome {
    let store = keeper.store();
    let level = match flags.is("defaultToGlobal") {
        true => store.level(Some(&subject)),
        false => store.own_level(Some(&subject)).ok_or(Problem::NoLevel(subject))?,
    };
    Ok(Answer(json!({"compatibilityLevel": level})))
}

pub async fn set_level(State(keeper): Keep, LevelAsked(level): LevelAsked) -> Outcome {
    let level = keeper.write(move |store| store.set_level(None, level)).await?;
    Ok(Answer(json!({"compatibility": level})))
}

pub async fn set_own_level(
    State(keeper): Keep,
    Named(subject): Named<String>,
    LevelAsked(level): LevelAsked,
) -> Outcome {
    let level = keeper.write(move |store| store.set_level(Some(&subject), level)).await?;
    Ok(Answer(json!({"compatibility": level})))
}

pub async fn unset_level(State(keeper): Keep) -> Outcome {
    let level = keeper.write(|store| store.unset_level(None)).await?;
    Ok(Answer(json!({"compatibilityLevel": level})))
}

pub async fn unset_own_level(State(keeper): Keep, Named(subject): Named<String>) -> Outcome {
    let level = keeper.write(move |store| store.unset_level(Some(&subject))).await?;
    Ok(Answer(json!({"compatibilityLevel": level})))
}

pub async fn mode(State(keeper): Keep) -> Answer {
    Answer(json!({"mode": keeper.store().mode(None)}))
}

pub async fn own_mode(State(keeper): Keep, Named(subject): Named<String>, flags: Flags) -> Outcome {
    let store = keeper.store();
    let mode = match flags.is("defaultToGlobal") {
        true => store.mode(Some(&subject)),
        false => store.own_mode(Some(&subject)).ok_or(Problem::NoMode(subject))?,
    };
    Ok(Answer(json!({"mode": mode})))
}

pub async fn set_mode(State(keeper): Keep, ModeAsked(mode): ModeAsked) -> Outcome {
    Ok(Answer(json!({"mode": keeper.write(move |store| Ok(store.set_mode(None, mode))).await?})))
}

pub async fn set_own_mode(
    State(keeper): Keep,
    Named(subject): Named<String>,
    ModeAsked(mode): ModeAsked,
) -> Outcome {
    let mode = keeper.write(move |store| Ok(store.set_mode(Some(&subject), mode))).await?;
    Ok(Answer(json!({"mode": mode})))
}

pub async fn unset_mode(State(keeper): Keep) -> Outcome {
    Ok(Answer(json!({"mode": keeper.write(|store| store.unset_mode(None)).await?})))
}

pub async fn unset_own_mode(State(keeper): Keep, Named(subject): Named<String>) -> Outcome {
    let mode = keeper.write(move |store| store.unset_mode(Some(&subject))).await?;
    Ok(Answer(json!({"mode": mode})))
}
